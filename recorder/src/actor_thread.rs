//! Owns [`ActorThread`]: the thread that a live actor does its work on, and what becomes of an actor that does not come back.

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use retake_actor::{ActorHandle, HasActor};
use retake_chain::{StateChain, TheaterId};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::RecordError;
use crate::live_actor::LiveActor;

/// How long a cancelled call is given to come back, before its chain is ended without it.
pub(crate) const COME_BACK: Duration = Duration::from_secs(2);

/// A live actor on a thread of its own, so that a guest that computes for long keeps nobody else from theirs.
///
/// A guest that computes without end cannot be called off; its chain can be ended without it, and what it does after
/// that is not recorded.
pub struct ActorThread {
    handle: ActorHandle,
    ended: oneshot::Receiver<Result<(), RecordError>>,
    chain: Arc<StateChain>,
    cancel: CancellationToken,
}

impl ActorThread {
    /// Starts `work` with the actor; its futures run in the caller's runtime.
    pub(crate) fn spawn<T: HasActor, F>(
        actor: LiveActor<T>,
        work: impl FnOnce(LiveActor<T>) -> F + Send + 'static,
    ) -> Result<Self, RecordError>
    where
        F: Future<Output = Result<(), RecordError>>,
    {
        let (handle, chain) = (actor.actor().get_actor_handle(), actor.actor().chain.clone());
        let (runtime, cancel) = (Handle::current(), actor.cancel().clone());
        let (sender, ended) = oneshot::channel();
        thread::Builder::new()
            .name("retake-actor".into())
            // The session may have ended without this actor.
            .spawn(move || drop(sender.send(runtime.block_on(work(actor)))))
            .map_err(|error| RecordError::Engine { reason: format!("no thread for the actor: {error}") })?;
        Ok(ActorThread { handle, ended, chain, cancel })
    }

    /// The handle that the actor is called by.
    pub fn handle(&self) -> &ActorHandle {
        &self.handle
    }

    /// Whose chain it is.
    pub fn id(&self) -> TheaterId {
        self.chain.actor_id()
    }

    /// Waits for the actor to end, which it does when it is told to shut down; false if it was cancelled and did not come
    /// back.
    pub async fn join(self) -> Result<bool, RecordError> {
        tokio::select! {
            ended = self.ended => match ended {
                Ok(ended) => ended.map(|()| true),
                Err(_) => Err(RecordError::Engine { reason: "an actor's thread panicked".into() }),
            },
            () = overdue(&self.cancel, COME_BACK) => {
                self.chain.end("given up, and the actor did not come back").await?;
                Ok(false)
            }
        }
    }
}

/// Completes so long after calls were given up.
pub(crate) async fn overdue(cancel: &CancellationToken, time: Duration) {
    cancel.cancelled().await;
    tokio::time::sleep(time).await;
}
