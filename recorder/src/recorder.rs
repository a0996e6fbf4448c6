//! Owns [`Recorder`]: the subscriber that writes events to a log file.
//!
//! One thread owns the writer (`worker.rs`). Actors hand their events over through a bounded channel and
//! never touch the file; when the channel is full they wait, so nothing is lost.

use std::sync::{Arc, OnceLock};
use std::thread;

use retake_chain::log::{LogWriter, SealSummary, Storage, WriteError};
use retake_chain::{ChainEvent, StateChain, TheaterId};
use tokio::sync::{mpsc, oneshot};

use crate::durability::Durability;
use crate::error::RecordError;
use crate::progress::Progress;
use crate::worker::{EVENT_QUEUE, Worker, WriteReply, WriterCommand};

/// The writing end of a session: subscribes to chains, writes their events, seals the take.
///
/// Cloned handles share one recorder.
#[derive(Clone, Debug)]
pub struct Recorder {
    events: mpsc::Sender<(TheaterId, ChainEvent)>,
    commands: mpsc::UnboundedSender<WriterCommand>,
    thread: thread::Thread,
    progress: Arc<Progress>,
    durability: Durability,
    /// Why nothing more is written, if a write failed.
    fault: Arc<OnceLock<Arc<WriteError>>>,
}

impl Recorder {
    /// Starts a recorder that writes with `writer`. `durability` says when its calls are safe.
    ///
    /// # Errors
    /// [`RecordError::NoThread`] if there is no thread for it; [`RecordError::Write`] if [`Durability::Sync`]
    /// is asked for and the start of the take cannot be synced.
    pub fn start<S: Storage + Send + 'static>(
        mut writer: LogWriter<S>,
        durability: Durability,
    ) -> Result<Recorder, RecordError> {
        if durability == Durability::Sync {
            writer.sync().map_err(|fault| RecordError::Write(Arc::new(fault)))?;
        }
        let (events, event_queue) = mpsc::channel(EVENT_QUEUE);
        let (commands, command_queue) = mpsc::unbounded_channel();
        let (progress, fault) = (Arc::new(Progress::default()), Arc::new(OnceLock::new()));
        let worker = Worker::new(writer, durability, (event_queue, command_queue), &progress, &fault);
        let handle = thread::Builder::new()
            .name("retake-recorder".into())
            .spawn(move || worker.run())
            .map_err(|error| RecordError::no_thread("the recorder", &error))?;
        Ok(Recorder { events, commands, thread: handle.thread().clone(), progress, durability, fault })
    }

    /// Subscribes to a chain that has no event yet, so that the take holds all of it.
    ///
    /// # Errors
    /// [`RecordError::Write`] with the first fault, [`RecordError::RecorderGone`] after the seal; so do the
    /// other methods.
    pub async fn subscribe(&self, chain: &StateChain) -> Result<(), RecordError> {
        let id = chain.actor_id();
        self.ask(|answer| WriterCommand::AddChain(id, answer)).await?;
        chain.add_subscriber(self.events.clone());
        Ok(())
    }

    /// Makes every event that was emitted before as safe as the recorder's [`Durability`] says. A caller may
    /// be answered when this succeeds.
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
        self.ask(WriterCommand::Flush).await
    }

    /// Writes the remaining events, seals the take and closes it. Later events are not taken.
    pub async fn seal(&self) -> Result<SealSummary, RecordError> {
        self.ask(WriterCommand::Seal).await
    }

    /// What has been written so far.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    async fn ask<T>(&self, command: impl FnOnce(WriteReply<T>) -> WriterCommand) -> Result<T, RecordError> {
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
