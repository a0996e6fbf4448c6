//! Owns [`Recorder`]: the subscriber that writes events to a log file, and [`Durability`], which says when a call is safe in it.
//!
//! One thread owns the writer (`worker.rs`). Actors hand their events over through a bounded channel and never touch the
//! file; when the channel is full they wait, so nothing is lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use retake_chain::log::{LogWriter, SealSummary, Storage, WriteError};
use retake_chain::{ChainEvent, StateChain, TheaterId};
use tokio::sync::{mpsc, oneshot};

use crate::error::RecordError;
use crate::worker::{Answer, Command, Worker};

/// Events that may wait for the recorder, over all chains of the session.
pub(crate) const QUEUE: usize = 512;

/// When a call is safe, so that its caller may be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When its events are written to the operating system: they survive the death of the recorder.
    #[default]
    Call,
    /// When the storage has synced them: they survive a loss of power. Calls that wait at the same time share a sync.
    Sync,
    /// At once. The events of the last calls may be lost with the recorder; when they cannot be written, the session hears of
    /// it at a later call, or when it seals the take.
    None,
}

/// The writing end of a session: subscribes to chains, writes their events, seals the take.
///
/// Cloned handles share one recorder.
#[derive(Clone, Debug)]
pub struct Recorder {
    events: mpsc::Sender<(TheaterId, ChainEvent)>,
    commands: mpsc::UnboundedSender<Command>,
    thread: thread::Thread,
    progress: Arc<Progress>,
    durability: Durability,
    /// Why nothing is written any more, if that is so.
    fault: Arc<OnceLock<Arc<WriteError>>>,
}

/// Counts of what has been written, for display while the session runs.
#[derive(Debug, Default)]
pub struct Progress {
    events: AtomicU64,
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Events written.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Export calls that have ended.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Bytes of event data, before compression.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts an event that was written.
    pub(crate) fn count(&self, event: &ChainEvent) {
        self.events.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(event.data.len() as u64, Ordering::Relaxed);
        if event.ends_call() {
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Recorder {
    /// Starts a recorder that writes with `writer`. Its calls are safe as `durability` says.
    ///
    /// # Errors
    /// [`RecordError::Engine`] without a thread; [`RecordError::Write`] if the beginning of the take cannot be synced that
    /// [`Durability::Sync`] wants to be.
    pub fn start<S: Storage + Send + 'static>(
        mut writer: LogWriter<S>,
        durability: Durability,
    ) -> Result<Recorder, RecordError> {
        if durability == Durability::Sync {
            writer.sync().map_err(|fault| RecordError::Write(Arc::new(fault)))?;
        }
        let (events, event_queue) = mpsc::channel(QUEUE);
        let (commands, command_queue) = mpsc::unbounded_channel();
        let (progress, fault) = (Arc::new(Progress::default()), Arc::new(OnceLock::new()));
        let worker = Worker::new(writer, durability, (event_queue, command_queue), &progress, &fault);
        let handle =
            thread::Builder::new().name("retake-recorder".into()).spawn(move || worker.run()).map_err(
                |error| RecordError::Engine { reason: format!("no thread for the recorder: {error}") },
            )?;
        Ok(Recorder { events, commands, thread: handle.thread().clone(), progress, durability, fault })
    }

    /// Subscribes to a chain that has no event yet, so that the take holds all of it.
    ///
    /// # Errors
    /// [`RecordError::Write`] with the first fault, [`RecordError::RecorderGone`] after the seal; so do the other methods.
    pub async fn subscribe(&self, chain: &StateChain) -> Result<(), RecordError> {
        let id = chain.actor_id();
        self.ask(|answer| Command::AddChain(id, answer)).await?;
        chain.add_subscriber(self.events.clone());
        Ok(())
    }

    /// Makes every event that was emitted before as safe as the recorder's [`Durability`] says. Whoever was called may be
    /// answered when this returns, and only if it succeeds.
    pub async fn commit(&self) -> Result<(), RecordError> {
        if self.durability != Durability::None {
            return self.flush().await;
        }
        match self.fault.get() {
            Some(fault) => Err(RecordError::Write(fault.clone())),
            None if self.commands.is_closed() => Err(RecordError::RecorderGone),
            None => Ok(()),
        }
    }

    /// Writes every event that was emitted before to the operating system, whatever the durability; with
    /// [`Durability::Sync`] it is synced too.
    pub async fn flush(&self) -> Result<(), RecordError> {
        self.ask(Command::Flush).await
    }

    /// Writes what is left, seals the take and closes it. No event is taken after this.
    pub async fn seal(&self) -> Result<SealSummary, RecordError> {
        self.ask(Command::Seal).await
    }

    /// What has been written so far.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    async fn ask<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, RecordError> {
        let (sender, answer) = oneshot::channel();
        if self.commands.send(command(sender)).is_err() {
            return Err(RecordError::RecorderGone);
        }
        self.thread.unpark();
        match answer.await {
            Ok(result) => result.map_err(RecordError::Write),
            Err(_) => Err(RecordError::RecorderGone),
        }
    }
}
