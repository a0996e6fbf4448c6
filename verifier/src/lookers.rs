//! Owns the looking at records, each alone, on all cores: hashing and decoding, which is nearly all of a check. The records
//! come back in their order. What they say of each other is left to `integrity.rs`.

use std::collections::VecDeque;
use std::mem;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};

use retake_chain::Record;

use crate::integrity::Alone;

/// Records are handed over when there are this many...
const BATCH_RECORDS: usize = 256;
/// ...or when their data has this many bytes.
const BATCH_BYTES: usize = 64 << 10;
/// Data that may be under way. One event may be more.
const UNDER_WAY: usize = 4 << 20;
/// Batches that may be under way.
const BATCHES: usize = 64;

/// Threads that look at records. They start when there is more than one batch.
pub(crate) struct Lookers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    jobs: Option<Sender<Job>>,
    batch: Batch,
    /// Batches whose records are to come back, the first one first.
    under_way: VecDeque<(usize, Receiver<Looked>)>,
    bytes: usize,
}

#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    bytes: usize,
}

type Looked = Vec<(Record, Alone)>;

struct Job {
    records: Vec<Record>,
    answer: Sender<Looked>,
}

impl<'scope, 'env> Lookers<'scope, 'env> {
    pub fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Lookers { scope, jobs: None, batch: Batch::default(), under_way: VecDeque::new(), bytes: 0 }
    }

    /// Takes the next record. Gives those that were looked at to `check`, while there are too many under way.
    pub fn push<E>(
        &mut self,
        record: Record,
        check: &mut impl FnMut(Record, Alone) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Record::Event { event, .. } = &record {
            self.batch.bytes += event.data.len();
        }
        self.batch.records.push(record);
        if self.batch.records.len() < BATCH_RECORDS && self.batch.bytes < BATCH_BYTES {
            return Ok(());
        }
        let Batch { records, bytes } = mem::take(&mut self.batch);
        while self.under_way.len() >= BATCHES || (self.bytes + bytes > UNDER_WAY && self.bytes > 0) {
            self.check_first(check)?;
        }
        let (answer, looked) = channel();
        self.under_way.push_back((bytes, looked));
        self.bytes += bytes;
        if let Err(unsent) = self.jobs().send(Job { records, answer }) {
            // There is no thread to look at them.
            unsent.0.look();
        }
        Ok(())
    }

    /// Gives all that is left to `check`.
    pub fn finish<E>(mut self, check: &mut impl FnMut(Record, Alone) -> Result<(), E>) -> Result<(), E> {
        while !self.under_way.is_empty() {
            self.check_first(check)?;
        }
        look(self.batch.records).into_iter().try_for_each(|(record, alone)| check(record, alone))
    }

    fn check_first<E>(&mut self, check: &mut impl FnMut(Record, Alone) -> Result<(), E>) -> Result<(), E> {
        let Some((bytes, looked)) = self.under_way.pop_front() else { return Ok(()) };
        self.bytes -= bytes;
        let looked = looked.recv().expect("a thread answers, or the scope that it is of panics");
        looked.into_iter().try_for_each(|(record, alone)| check(record, alone))
    }

    fn jobs(&mut self) -> &Sender<Job> {
        self.jobs.get_or_insert_with(|| {
            let (jobs, waiting) = channel::<Job>();
            let waiting = Arc::new(Mutex::new(waiting));
            for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
                let waiting = waiting.clone();
                // Where no thread can be had, the others do its part, and the caller if there is none.
                let _ =
                    thread::Builder::new().name("retake-verify".into()).spawn_scoped(self.scope, move || {
                        while let Some(job) = next(&waiting) {
                            job.look();
                        }
                    });
            }
            jobs
        })
    }
}

/// The next job, or `None` when there are no more.
fn next(waiting: &Mutex<Receiver<Job>>) -> Option<Job> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl Job {
    fn look(self) {
        // Nobody waits for it any more once a fault was found.
        let _ = self.answer.send(look(self.records));
    }
}

fn look(records: Vec<Record>) -> Looked {
    let with_its_look = |record: Record| {
        let alone = Alone::of(&record);
        (record, alone)
    };
    records.into_iter().map(with_its_look).collect()
}
