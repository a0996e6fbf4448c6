//! Owns [`ActorThread`]: the thread of a live actor, and what happens to an actor that does not stop.

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use retake_actor::ActorHandle;
use retake_chain::{StateChain, TheaterId};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::RecordError;

/// How long a call that was given up may take to come back. After that its chain is ended without it.
pub(crate) const COME_BACK: Duration = Duration::from_secs(2);

/// A live actor on a thread of its own, so that a guest that computes for long does not hold up the others.
///
/// A guest that computes without end cannot be stopped. Its chain can be ended without it; what it does after
/// that is not recorded.
pub struct ActorThread {
    handle: ActorHandle,
    ended: oneshot::Receiver<Result<(), RecordError>>,
    chain: Arc<StateChain>,
    cancel: CancellationToken,
}

impl ActorThread {
    /// Starts `work` on a thread of its own. Its futures run in the caller's runtime; `cancel` gives up its
    /// calls.
    pub(crate) fn spawn<F>(
        handle: ActorHandle,
        chain: Arc<StateChain>,
        cancel: CancellationToken,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Self, RecordError>
    where
        F: Future<Output = Result<(), RecordError>>,
    {
        let (sender, ended) = oneshot::channel();
        let runtime = Handle::current();
        thread::Builder::new()
            .name("retake-actor".into())
            // The session may have ended without this actor.
            .spawn(move || drop(sender.send(runtime.block_on(work()))))
            .map_err(|error| RecordError::no_thread("an actor", &error))?;
        Ok(ActorThread { handle, ended, chain, cancel })
    }

    /// The handle by which the actor is called.
    pub fn handle(&self) -> &ActorHandle {
        &self.handle
    }

    /// The actor's id.
    pub fn id(&self) -> TheaterId {
        self.chain.actor_id()
    }

    /// Waits for the actor to end, which it does after a shutdown is asked for. Returns false if its call was
    /// given up and did not come back.
    ///
    /// # Errors
    /// [`RecordError`] that ended the actor.
    pub async fn join(self) -> Result<bool, RecordError> {
        tokio::select! {
            ended = self.ended => match ended {
                Ok(ended) => ended.map(|()| true),
                Err(_) => Err(RecordError::ActorPanicked),
            },
            () = overdue(&self.cancel, COME_BACK) => {
                self.chain.end("given up, and the actor did not come back").await?;
                Ok(false)
            }
        }
    }
}

/// Completes this long after the calls were given up.
pub(crate) async fn overdue(cancel: &CancellationToken, time: Duration) {
    cancel.cancelled().await;
    tokio::time::sleep(time).await;
}
