//! Owns [`Recorder`]: the subscriber that writes events to a log file.
//!
//! Actors put their events into a queue and never wait for the file, unless the queue is full or a call has
//! to be safe (`write_queue.rs`). So nothing is lost.

use std::fmt;
use std::sync::Arc;

use retake_chain::StateChain;
use retake_chain::log::{LogWriter, SealSummary, Storage};

use crate::durability::Durability;
use crate::error::RecordError;
use crate::progress::Progress;
use crate::write_queue::WriteQueue;

/// The writing end of a session: subscribes to chains, writes their events, seals the take.
///
/// Cloned handles share one recorder. If all are dropped without a seal, the take stays unsealed.
#[derive(Clone)]
pub struct Recorder(Arc<Handle>);

struct Handle {
    queue: Arc<WriteQueue>,
    durability: Durability,
}

impl Recorder {
    /// Starts a recorder that writes with `writer`. `durability` says when its calls are safe.
    ///
    /// # Errors
    /// [`RecordError::NoThread`] if there is no thread for it; [`RecordError::Write`] if [`Durability::Sync`]
    /// is asked for and the start of the take cannot be synced.
    pub fn start<S: Storage + Send + 'static>(
        writer: LogWriter<S>,
        durability: Durability,
    ) -> Result<Recorder, RecordError> {
        let mut writer = writer.boxed();
        let syncs = durability == Durability::Sync;
        if syncs {
            writer.sync().map_err(|fault| RecordError::Write(Arc::new(fault)))?;
        }
        let queue = WriteQueue::start(writer, syncs)?;
        Ok(Recorder(Arc::new(Handle { queue, durability })))
    }

    /// Subscribes to a chain that has no event yet, so that the take holds all of it.
    ///
    /// # Errors
    /// [`RecordError::Write`] with the first fault, [`RecordError::RecorderGone`] after the seal; so do the
    /// other methods.
    pub async fn subscribe(&self, chain: &StateChain) -> Result<(), RecordError> {
        let queued = self.0.queue.add_chain(chain.actor_id()).await?;
        chain.set_journal(Arc::new(queued));
        Ok(())
    }

    /// Makes every event that was emitted before as safe as the recorder's [`Durability`] says. A caller may
    /// be answered when this succeeds.
    ///
    /// The events are written on the caller's thread, which waits for the file; with [`Durability::Sync`], on
    /// another.
    pub async fn commit(&self) -> Result<(), RecordError> {
        match self.0.durability {
            Durability::None => self.0.queue.check(),
            Durability::Call | Durability::Sync => self.flush().await,
        }
    }

    /// Writes every event that was emitted before to the operating system, whatever the durability; with
    /// [`Durability::Sync`] it is synced too.
    pub async fn flush(&self) -> Result<(), RecordError> {
        self.0.queue.make_safe().await
    }

    /// Writes the remaining events, seals the take and closes it. Later events are not taken.
    pub async fn seal(&self) -> Result<SealSummary, RecordError> {
        self.0.queue.seal().await
    }

    /// What has been written so far.
    pub fn progress(&self) -> &Arc<Progress> {
        self.0.queue.progress()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (durability, progress) = (self.0.durability, self.progress());
        f.debug_struct("Recorder").field("durability", &durability).field("progress", progress).finish()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close();
    }
}
