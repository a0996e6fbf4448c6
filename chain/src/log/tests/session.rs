//! Owns a session as a crash test sees it: what was written, what the storage was asked for, and what had
//! been flushed and synced after each of these operations.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;

/// What was asked of a storage.
enum Operation {
    Write(Vec<u8>),
    Flush,
    Sync,
}

/// Keeps what it is asked, in order.
#[derive(Clone, Default)]
struct Logged(Rc<RefCell<Vec<Operation>>>);

impl Logged {
    fn note(&self, operation: Operation) {
        self.0.borrow_mut().push(operation);
    }

    fn count(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.note(Operation::Write(bytes.to_vec()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.note(Operation::Flush);
        Ok(())
    }
}

impl Storage for Logged {
    fn sync(&mut self) -> io::Result<()> {
        self.note(Operation::Sync);
        Ok(())
    }
}

/// A step of a session.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// An event of this chain, with data of this kind and length.
    Event(u8, fn(usize, u64) -> Vec<u8>, usize),
    Flush,
    Sync,
    EndFrame,
}

/// A file after an operation.
#[derive(Clone, Copy, Default)]
pub(super) struct Moment {
    /// Bytes written.
    pub length: usize,
    /// Events appended, with the one that the operation belongs to.
    pub events: usize,
    /// How many of them are flushed for sure: a flush of the writer's had ended with this operation, or
    /// before it.
    pub flushed: usize,
    /// Whether a flush ended with this operation.
    pub ends_flush: bool,
    /// Whether the operation is a sync.
    pub is_sync: bool,
}

/// A session, and all that happened to its file.
#[derive(Default)]
pub(super) struct Session {
    pub file: Vec<u8>,
    component: Vec<u8>,
    pub events: Vec<(u8, ChainEvent)>,
    pub moments: Vec<Moment>,
}

impl Session {
    pub fn run(component: Option<&[u8]>, chains: u8, steps: &[Step]) -> Session {
        let storage = Logged::default();
        let mut writer = LogWriter::create(storage.clone()).unwrap();
        let mut session = Session { component: component.unwrap_or_default().to_vec(), ..Session::default() };
        session.note(&storage, false);
        if let Some(component) = component {
            writer.embed_actor(component).unwrap();
        }
        let numbers: Vec<_> = (0..chains).map(|chain| writer.add_chain(id(chain)).unwrap()).collect();
        let mut heads = vec![None; chains.into()];
        for (i, step) in steps.iter().enumerate() {
            match *step {
                Step::Event(chain, data, length) => {
                    let place = usize::from(chain);
                    let data = data(length, i as u64).into();
                    let event = ChainEvent::link(heads[place], "wasi:io/streams@0.2.3/write".into(), data);
                    heads[place] = Some(event.hash);
                    writer.append(numbers[place], &event).unwrap();
                    session.events.push((chain, event));
                }
                Step::Flush => writer.flush().unwrap(),
                Step::Sync => writer.sync().unwrap(),
                Step::EndFrame => writer.end_frame().unwrap(),
            }
            session.note(&storage, matches!(step, Step::Flush | Step::Sync));
        }
        writer.seal().unwrap();
        session.note(&storage, false);
        session
    }

    /// Notes the operations of a step that is over.
    fn note(&mut self, storage: &Logged, is_flush: bool) {
        let operations = storage.0.borrow();
        let (begin, end) = (self.moments.len(), storage.count());
        for (i, operation) in operations.iter().enumerate().skip(begin) {
            if let Operation::Write(bytes) = operation {
                self.file.extend_from_slice(bytes);
            }
            let before = self.moments.last().copied().unwrap_or_default();
            let ends_flush = is_flush && i + 1 == end;
            self.moments.push(Moment {
                length: self.file.len(),
                events: self.events.len(),
                flushed: if ends_flush { self.events.len() } else { before.flushed },
                ends_flush,
                is_sync: matches!(operation, Operation::Sync),
            });
        }
    }

    /// Events that no crash takes from a file that has kept so many bytes.
    pub fn safe(&self, length: usize) -> usize {
        let kept = self.moments.iter().take_while(|moment| moment.length <= length);
        kept.last().map_or(0, |moment| moment.flushed)
    }

    /// The moments with more to come.
    pub fn unfinished(&self) -> impl Iterator<Item = &Moment> {
        self.moments.iter().filter(|moment| moment.length < self.file.len())
    }

    /// Lengths at which a crash is tried: all within small writes, the ends of large ones and some between.
    /// Of very many small ones, which are alike, some are taken, and all that stand out by their size.
    pub fn lengths(&self) -> Vec<usize> {
        let writes = self.moments.windows(2).map(|two| (two[0].length, two[1].length - two[0].length));
        let writes: Vec<_> = [(0, self.moments[0].length)].into_iter().chain(writes).collect();
        let is_taken =
            |i: usize, written: usize| writes.len() < 300 || i.is_multiple_of(101) || written > 200;
        let taken = writes.iter().enumerate().filter(|(i, (_, written))| is_taken(*i, *written));
        let lengths = taken.flat_map(|(_, &(begin, written))| {
            let is_tried = move |at: &usize| {
                written < 2000 || *at <= 64 || written - at <= 64 || at.is_multiple_of(9973)
            };
            (1..=written).filter(is_tried).map(move |at| begin + at)
        });
        // The whole file is no crash.
        lengths.filter(|length| *length < self.file.len()).collect()
    }

    /// Demands that an image is no sealed take, and has a beginning of the events, of at least this number.
    #[track_caller]
    pub fn assert_is_beginning(&self, image: impl Read, least: usize, what: &str) -> (usize, TakeState) {
        let (records, state, seal) = read(image).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_ne!(state, TakeState::Sealed, "{what}");
        assert_eq!(seal, None, "{what}");
        let mut found = 0;
        for record in &records {
            if let Record::Actor { offset, bytes, .. } = record {
                assert_eq!(self.component[*offset as usize..][..bytes.len()], bytes[..], "{what}");
            }
            let Record::Event { chain, event, number, .. } = record else { continue };
            let (written_to, written) = &self.events[found];
            assert_eq!((chain.0, *number), (u32::from(*written_to), found as u64), "{what}");
            assert_eq!(event.hash, written.hash, "{what}");
            assert_same(std::slice::from_ref(event), std::slice::from_ref(written));
            found += 1;
        }
        assert!(found >= least, "{what}: {found} events of {least} that were safe");
        (found, state)
    }
}
