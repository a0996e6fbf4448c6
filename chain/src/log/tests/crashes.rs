//! Promises about crashes: wherever a recorder is killed, or its machine loses power, what it has flushed or synced can be
//! read, nothing else is made of it, and only the whole take is sealed.
//!
//! A storage keeps everything that is asked of it. Since it is only ever appended to, a file at the moment of a crash is the
//! beginning of the whole one, and after a loss of power perhaps zeros behind that.

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
enum Step {
    /// An event of this chain, with data of this kind and length.
    Event(u8, fn(usize, u64) -> Vec<u8>, usize),
    Flush,
    Sync,
    EndFrame,
}

/// A file after an operation.
#[derive(Clone, Copy, Default)]
struct Moment {
    /// Bytes written.
    length: usize,
    /// Events appended, with the one that the operation belongs to.
    events: usize,
    /// How many of them are flushed for sure: a flush of the writer's had ended with this operation, or before it.
    flushed: usize,
    /// Whether a flush ended with this operation.
    ends_flush: bool,
    /// Whether the operation is a sync.
    is_sync: bool,
}

/// A session, and all that happened to its file.
#[derive(Default)]
struct Session {
    file: Vec<u8>,
    component: Vec<u8>,
    events: Vec<(u8, ChainEvent)>,
    moments: Vec<Moment>,
}

impl Session {
    fn run(component: Option<&[u8]>, chains: u8, steps: &[Step]) -> Session {
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
    fn safe(&self, length: usize) -> usize {
        let kept = self.moments.iter().take_while(|moment| moment.length <= length);
        kept.last().map_or(0, |moment| moment.flushed)
    }

    /// The moments with more to come.
    fn unfinished(&self) -> impl Iterator<Item = &Moment> {
        self.moments.iter().filter(|moment| moment.length < self.file.len())
    }

    /// Lengths at which a crash is tried: all within small writes, the ends of large ones and some between. Of very many small
    /// ones, which are alike, some are taken, and all that stand out by their size.
    fn lengths(&self) -> Vec<usize> {
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
    fn assert_is_beginning(&self, image: impl Read, least: usize, what: &str) -> (usize, TakeState) {
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

/// Compresses to literals without a match, in a block that ends in zero.
fn digits(length: usize, seed: u64) -> Vec<u8> {
    noise(length, seed).into_iter().map(|byte| b"0123456789abcdef"[usize::from(byte >> 4)]).collect()
}

fn text(length: usize, seed: u64) -> Vec<u8> {
    format!("the answer to request {seed} is the one before it. ").into_bytes().repeat(length / 40 + 1)
}

fn zeros(length: usize, _: u64) -> Vec<u8> {
    vec![0; length]
}

/// Does not compress, so that its last zeros are the last of its block too.
fn noise_before_zeros(length: usize, seed: u64) -> Vec<u8> {
    [noise(length, seed), vec![0; 9]].concat()
}

/// Sessions of every shape: what they are, and what happened in them.
fn sessions() -> Vec<(&'static str, Session)> {
    use Step::{EndFrame, Event, Flush, Sync};
    let kinds: [fn(usize, u64) -> Vec<u8>; 5] = [noise, digits, text, zeros, noise_before_zeros];
    let small: Vec<Step> = (0..40)
        .flat_map(|i| [Event(i as u8 % 3, kinds[i % 5], i * 13 % 400), if i % 7 == 6 { Sync } else { Flush }])
        .collect();
    let grouped: Vec<Step> = (0..60)
        .flat_map(|i| {
            let then = [
                (i % 4 == 3).then_some(Flush),
                (i % 17 == 16).then_some(EndFrame),
                (i % 20 == 19).then_some(Sync),
            ];
            [Some(Event(i as u8 % 2, kinds[i % 5], 90 + i))].into_iter().chain(then).flatten()
        })
        .collect();
    let framed: Vec<Step> = (0..300)
        .flat_map(|i| [Event(0, digits, 20), EndFrame, if i % 50 == 0 { Sync } else { Flush }])
        .collect();
    let large: Vec<Step> = (0..7)
        .flat_map(|i| {
            [Event(0, kinds[i % 5], 150_000), Event(1, text, 30), if i % 3 == 2 { Sync } else { Flush }]
        })
        .collect();
    let component = noise(3000, 77);
    let pieces = noise(ACTOR_CHUNK + 5000, 78);
    vec![
        ("without an event", Session::run(None, 1, &[])),
        ("flushed after each event", Session::run(Some(&component), 3, &small)),
        ("flushed after several events", Session::run(None, 2, &grouped)),
        ("of several indexes", Session::run(None, 1, &framed)),
        ("of large events", Session::run(None, 2, &large)),
        ("of a component in pieces", Session::run(Some(&pieces), 1, &small[..2])),
    ]
}

#[test]
fn a_recorder_that_is_killed_anywhere_leaves_what_it_had_flushed() {
    for (what, session) in sessions() {
        let (records, state, _) = read(&session.file[..]).unwrap();
        assert_eq!((state, events_of(&records).len()), (TakeState::Sealed, session.events.len()), "{what}");
        for length in session.lengths() {
            let what = format!("{what}, killed at byte {length} of {}", session.file.len());
            session.assert_is_beginning(&session.file[..length], session.safe(length), &what);
        }
    }
}

#[test]
fn a_crash_after_any_operation_leaves_no_event_that_was_not_appended_by_then() {
    for (what, session) in sessions() {
        for Moment { length, events, .. } in session.unfinished() {
            let what = format!("{what}, killed at byte {length}");
            let (found, _) = session.assert_is_beginning(&session.file[..*length], 0, &what);
            assert!(found <= *events, "{what}: {found} events of {events} that were appended");
        }
    }
}

#[test]
fn right_after_a_flush_a_file_has_all_events_so_far_and_no_torn_end() {
    for (what, session) in sessions() {
        for Moment { length, events, .. } in session.unfinished().filter(|moment| moment.ends_flush) {
            let what = format!("{what}, killed at byte {length}, after a flush");
            let found = session.assert_is_beginning(&session.file[..*length], *events, &what);
            assert_eq!(found, (*events, TakeState::Unsealed), "{what}");
        }
    }
}

#[test]
fn the_seal_is_the_last_write_and_is_synced_after_everything_before_it_was_written() {
    for (what, session) in sessions() {
        let writes = session.unfinished().count();
        let behind = &session.moments[writes..];
        assert!(behind.len() >= 2 && behind.iter().any(|moment| moment.is_sync), "{what}");
    }
}

#[test]
fn after_a_loss_of_power_zeros_behind_what_reached_the_disk_are_a_torn_tail() {
    for (what, session) in sessions() {
        // Large files take long to read.
        let some = if session.file.len() > 20_000 { 7 } else { 1 };
        for length in session.lengths().into_iter().step_by(some) {
            // Of the write that was on its way the disk has only the length, or a sector more, or only a few bytes of it.
            let written = session.moments.iter().find(|moment| moment.length > length);
            let missing = written.map_or(1, |moment| moment.length - length);
            for zeros in [1 + length % 8, missing, missing.next_multiple_of(512) + 512 * (length % 20)] {
                let what = format!("{what}, {length} bytes and then {zeros} zeros");
                let image = (&session.file[..length]).chain(io::repeat(0).take(zeros as u64));
                let rest = &session.file[length..];
                if rest.len() == zeros && rest.iter().all(|byte| *byte == 0) {
                    assert_eq!(read(image).unwrap().1, TakeState::Sealed, "{what}: nothing is lost");
                    continue;
                }
                let (_, state) = session.assert_is_beginning(image, session.safe(length), &what);
                let is_torn = matches!(state, TakeState::Torn { .. });
                // Where the first lost byte is zero itself, a flush may end in the zeros.
                assert!(is_torn || rest[0] == 0, "{what}: {state:?}");
            }
        }
    }
}

#[test]
fn what_was_synced_survives_a_loss_of_power_that_takes_all_that_was_not() {
    for (what, session) in sessions() {
        for synced in session.unfinished().filter(|moment| moment.is_sync) {
            for zeros in [0, 1, 3, 4096, 1 << 20] {
                let what = format!("{what}, {} bytes synced, {zeros} zeros", synced.length);
                let image = (&session.file[..synced.length]).chain(io::repeat(0).take(zeros));
                let (found, _) = session.assert_is_beginning(image, synced.flushed, &what);
                assert_eq!(found, synced.events, "{what}");
            }
        }
    }
}
