//! Owns the threads that do the [`RecordCheck`] of many records at once, on all cores. The records come back
//! in their order. `integrity.rs` checks what they say of each other.

use std::collections::VecDeque;
use std::mem;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};

use retake_chain::{EventHasher, Record};

use crate::record_check::RecordCheck;

/// A batch is full with this many records...
const BATCH_RECORDS: usize = 256;
/// ...or with this many bytes of data.
const BATCH_BYTES: usize = 64 << 10;
/// Bytes of data that may be pending. One larger event may be pending alone.
const MAX_PENDING_BYTES: usize = 4 << 20;
/// Batches that may be pending for each thread.
const PENDING_EACH: usize = 8;

/// Threads that check records. They start with the first full batch.
pub(crate) struct ParallelCheck<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    workers: Option<Sender<Task>>,
    /// How many there are to be.
    threads: usize,
    batch: Batch,
    /// Batches that the threads have, in order, with their bytes.
    pending: VecDeque<(usize, Receiver<CheckedRecords>)>,
    pending_bytes: usize,
}

#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    bytes: usize,
}

type CheckedRecords = Vec<(Record, RecordCheck)>;

struct Task {
    records: Vec<Record>,
    answer: Sender<CheckedRecords>,
}

impl<'scope, 'env> ParallelCheck<'scope, 'env> {
    pub fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        ParallelCheck {
            scope,
            workers: None,
            threads: thread::available_parallelism().map_or(1, NonZero::get),
            batch: Batch::default(),
            pending: VecDeque::new(),
            pending_bytes: 0,
        }
    }

    /// Takes the next record. While too much is pending, gives checked records to `check`.
    pub fn push<E>(
        &mut self,
        record: Record,
        check: &mut impl FnMut(Record, RecordCheck) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Record::Event { event, .. } = &record {
            self.batch.bytes += event.data.len();
        }
        self.batch.records.push(record);
        if self.batch.records.len() < BATCH_RECORDS && self.batch.bytes < BATCH_BYTES {
            return Ok(());
        }
        let Batch { records, bytes } = mem::take(&mut self.batch);
        while self.pending.len() >= PENDING_EACH * self.threads
            || (self.pending_bytes + bytes > MAX_PENDING_BYTES && self.pending_bytes > 0)
        {
            self.check_first(check)?;
        }
        let (answer, checked) = channel();
        self.pending.push_back((bytes, checked));
        self.pending_bytes += bytes;
        if let Err(unsent) = self.workers().send(Task { records, answer }) {
            // No thread could be started.
            unsent.0.run();
        }
        Ok(())
    }

    /// Gives all remaining records to `check`.
    pub fn finish<E>(
        mut self,
        check: &mut impl FnMut(Record, RecordCheck) -> Result<(), E>,
    ) -> Result<(), E> {
        while !self.pending.is_empty() {
            self.check_first(check)?;
        }
        check_all(self.batch.records).into_iter().try_for_each(|(record, checked)| check(record, checked))
    }

    fn check_first<E>(
        &mut self,
        check: &mut impl FnMut(Record, RecordCheck) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some((bytes, answer)) = self.pending.pop_front() else { return Ok(()) };
        self.pending_bytes -= bytes;
        let records = answer.recv().expect("a thread answers, or its panic ends the scope");
        records.into_iter().try_for_each(|(record, checked)| check(record, checked))
    }

    fn workers(&mut self) -> &Sender<Task> {
        self.workers.get_or_insert_with(|| {
            let (tasks, waiting) = channel::<Task>();
            let waiting = Arc::new(Mutex::new(waiting));
            for _ in 0..self.threads {
                let waiting = waiting.clone();
                // When a thread cannot be started, the others do its part. When none can, the caller does it.
                let _ =
                    thread::Builder::new().name("retake-verify".into()).spawn_scoped(self.scope, move || {
                        while let Some(task) = next(&waiting) {
                            task.run();
                        }
                    });
            }
            tasks
        })
    }
}

/// The next task, or `None` when there are no more.
fn next(waiting: &Mutex<Receiver<Task>>) -> Option<Task> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl Task {
    fn run(self) {
        // Sending fails once a fault was found, as nobody waits then.
        let _ = self.answer.send(check_all(self.records));
    }
}

fn check_all(records: Vec<Record>) -> CheckedRecords {
    let mut hasher = EventHasher::default();
    let check = |record: Record| {
        let checked = RecordCheck::of(&record, &mut hasher);
        (record, checked)
    };
    records.into_iter().map(check).collect()
}
