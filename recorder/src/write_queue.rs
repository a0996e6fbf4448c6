//! Owns [`WriteQueue`]: the events of a session on their way to the file, and who writes them.
//!
//! Every chain puts its events into one buffer, encoded as the take holds them. A call that has to be safe
//! writes the whole buffer itself, on the thread that it runs on: calls that wait for each other find theirs
//! written, and no other thread is woken. A thread of the queue's own writes what no call asks for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use retake_chain::log::{ChainNumber, EventRecords, LogWriter, SealSummary, Storage, WriteError};
use retake_chain::{EventRef, Journal, TheaterId};
use tokio::sync::Mutex as AsyncMutex;

use crate::error::RecordError;
use crate::progress::Progress;

/// The thread writes when this many bytes wait.
const BATCH: usize = 64 << 10;
/// Whoever appends an event waits when this many bytes wait.
const FULL: usize = 2 << 20;
/// Events that no call asks for reach the file after this long.
const UNASKED: Duration = Duration::from_millis(100);

/// Everything between the chains of a session and its file.
pub(crate) struct WriteQueue {
    waiting: Mutex<Waiting>,
    /// Held while events are compressed and written. Empty when the take is sealed, or nobody wants it.
    writer: Arc<AsyncMutex<Option<Writing>>>,
    /// Whether events are safe when they survive a loss of power, or already when they survive the end of
    /// this process.
    syncs: bool,
    progress: Arc<Progress>,
    /// Why nothing more is written, if a write failed.
    fault: OnceLock<Arc<WriteError>>,
    thread: OnceLock<Thread>,
}

/// What waits to be written.
#[derive(Default)]
struct Waiting {
    records: EventRecords,
    /// Events taken so far, those that are written included.
    taken: u64,
    /// No more are taken.
    closed: bool,
    /// The thread wants to be woken by the next event.
    asleep: bool,
}

/// The writer, and memory for what is written next.
struct Writing {
    log: LogWriter<Box<dyn Storage + Send>>,
    records: EventRecords,
    /// How many events the operating system has.
    flushed: u64,
    /// How many the disk has, if that is asked for.
    synced: u64,
}

/// How far events get in one go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Into the compressor, which gives what it likes to the operating system.
    Buffer,
    System,
    Disk,
}

/// One chain's end of the queue.
pub(crate) struct QueuedChain {
    pub queue: Arc<WriteQueue>,
    pub number: ChainNumber,
}

impl WriteQueue {
    /// Starts the thread that writes what no call asks for. `syncs` says what makes events safe.
    pub fn start(
        log: LogWriter<Box<dyn Storage + Send>>,
        syncs: bool,
    ) -> Result<Arc<WriteQueue>, RecordError> {
        let writing = Writing { log, records: EventRecords::default(), flushed: 0, synced: 0 };
        let queue = Arc::new(WriteQueue {
            waiting: Mutex::default(),
            writer: Arc::new(AsyncMutex::new(Some(writing))),
            syncs,
            progress: Arc::default(),
            fault: OnceLock::new(),
            thread: OnceLock::new(),
        });
        let worked = queue.clone();
        let thread = thread::Builder::new()
            .name("retake-recorder".into())
            .spawn(move || worked.work())
            .map_err(|error| RecordError::no_thread("the recorder", &error))?;
        let _ = queue.thread.set(thread.thread().clone());
        Ok(queue)
    }

    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Whether a write has failed, or the take has ended.
    pub fn check(&self) -> Result<(), RecordError> {
        match self.fault.get() {
            Some(fault) => Err(RecordError::Write(fault.clone())),
            None if self.waiting().closed => Err(RecordError::RecorderGone),
            None => Ok(()),
        }
    }

    /// Introduces a chain to the take, before its first event.
    pub async fn add_chain(self: &Arc<Self>, id: TheaterId) -> Result<QueuedChain, RecordError> {
        let mut writer = self.writer.lock().await;
        let writing = self.open(&mut writer)?;
        let number = self.guard(writing.log.add_chain(id))?;
        Ok(QueuedChain { queue: self.clone(), number })
    }

    /// Makes every event safe that was taken before, unless somebody else has by now.
    pub async fn make_safe(self: &Arc<Self>) -> Result<(), RecordError> {
        let taken = self.waiting().taken;
        let mut writer = self.writer.clone().lock_owned().await;
        let writing = self.open(&mut writer)?;
        if !self.syncs {
            return if writing.flushed >= taken {
                Ok(())
            } else {
                self.write_waiting(writing, Reach::System)
            };
        }
        if writing.synced >= taken {
            return Ok(());
        }
        let queue = self.clone();
        // Disks take their time.
        let sync = move || queue.write_waiting(queue.open(&mut writer)?, Reach::Disk);
        tokio::task::spawn_blocking(sync).await.map_err(|_| RecordError::RecorderGone)?
    }

    /// Writes the rest, and seals the take. No more events are taken.
    pub async fn seal(self: &Arc<Self>) -> Result<SealSummary, RecordError> {
        let mut writer = self.writer.clone().lock_owned().await;
        self.check()?;
        let queue = self.clone();
        let seal = move || {
            queue.close();
            let mut writing = writer.take().ok_or(RecordError::RecorderGone)?;
            queue.write_waiting(&mut writing, Reach::Buffer)?;
            queue.guard(writing.log.seal().map(|(_, summary)| summary))
        };
        tokio::task::spawn_blocking(seal).await.map_err(|_| RecordError::RecorderGone)?
    }

    /// The writer, if something can still be written.
    fn open<'w>(&self, writer: &'w mut Option<Writing>) -> Result<&'w mut Writing, RecordError> {
        self.check()?;
        writer.as_mut().ok_or(RecordError::RecorderGone)
    }

    /// Takes no more events. What is not written by now is not asked for any more.
    pub fn close(&self) {
        self.waiting().closed = true;
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// The life of the thread: it writes large batches, and flushes what has waited for long.
    fn work(&self) {
        // Without a time it sleeps until there is an event.
        let (mut due, mut taken_before) = (None, 0);
        loop {
            let now = Instant::now();
            let (taken, size) = {
                let mut waiting = self.waiting();
                if waiting.closed {
                    break;
                }
                waiting.asleep = due.is_none();
                (waiting.taken, waiting.records.size())
            };
            if size >= BATCH {
                self.write_unasked(Reach::Buffer);
                continue;
            }
            match due {
                None => {
                    thread::park();
                    due = Some(Instant::now() + UNASKED);
                }
                Some(due) if now < due => thread::park_timeout(due - now),
                Some(_) => {
                    self.write_unasked(Reach::System);
                    due = (taken != taken_before).then(|| now + UNASKED);
                    taken_before = taken;
                }
            }
        }
        // Unless it was sealed, the take ends here.
        drop(self.writer.blocking_lock().take());
    }

    fn write_unasked(&self, reach: Reach) {
        if let Some(writing) = self.writer.blocking_lock().as_mut()
            && writing.flushed < self.waiting().taken
        {
            // A fault is kept, and reported to whoever asks next.
            let _ = self.write_waiting(writing, reach);
        }
    }

    /// Writes what waits now.
    fn write_waiting(&self, writing: &mut Writing, reach: Reach) -> Result<(), RecordError> {
        let taken = {
            let mut waiting = self.waiting();
            std::mem::swap(&mut waiting.records, &mut writing.records);
            waiting.taken
        };
        let Writing { log, records, .. } = writing;
        let written = log.append_all(records).and_then(|()| match reach {
            Reach::Buffer => Ok(()),
            Reach::System => log.flush(),
            Reach::Disk => log.sync(),
        });
        self.guard(written)?;
        self.progress.count(records);
        records.clear();
        if reach != Reach::Buffer {
            writing.flushed = taken;
        }
        if reach == Reach::Disk {
            writing.synced = taken;
        }
        Ok(())
    }

    /// Keeps a fault of the file: nothing is written after it.
    fn guard<T>(&self, result: Result<T, WriteError>) -> Result<T, RecordError> {
        result.map_err(|fault| {
            let fault = Arc::new(fault);
            // Without room for another chain the others go on.
            if !matches!(*fault, WriteError::TooManyChains) {
                let _ = self.fault.set(fault.clone());
                self.close();
            }
            RecordError::Write(fault)
        })
    }

    /// Nobody panics while holding it.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for QueuedChain {
    fn take(&self, event: EventRef<'_>) -> bool {
        let mut waiting = self.queue.waiting();
        if waiting.closed {
            return true;
        }
        let before = waiting.records.size();
        waiting.records.push(self.number, event);
        waiting.taken += 1;
        let size = waiting.records.size();
        let is_batch = before < BATCH && size >= BATCH;
        let wake = std::mem::take(&mut waiting.asleep) || is_batch;
        drop(waiting);
        if wake {
            self.queue.wake();
        }
        size < FULL
    }

    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let mut writer = self.queue.writer.lock().await;
            if let Some(writing) = writer.as_mut()
                && self.queue.waiting().records.size() >= FULL
            {
                // It is kept, and reported to whoever asks next.
                let _ = self.queue.write_waiting(writing, Reach::Buffer);
            }
        })
    }
}
