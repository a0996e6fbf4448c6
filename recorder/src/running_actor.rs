//! Owns [`RunningActor`]: where a live actor runs, and what happens to an actor that does not stop.

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

type Ended = Result<(), RecordError>;

/// A live actor that does what is asked through its handle: on a thread of its own, so that a guest that
/// computes for long does not hold up the others, or as a task, if its guest yields.
///
/// A guest that computes without end cannot be stopped unless it yields. Its chain can be ended without it;
/// what it does after that is not recorded.
pub struct RunningActor {
    handle: ActorHandle,
    ended: oneshot::Receiver<Ended>,
    chain: Arc<StateChain>,
    cancel: CancellationToken,
}

impl RunningActor {
    /// Starts an actor's work, which runs in the caller's runtime: as a task if its guest `yields`, otherwise
    /// on a thread. `cancel` gives up its calls.
    pub(crate) fn start(
        (handle, chain): (ActorHandle, Arc<StateChain>),
        cancel: CancellationToken,
        yields: bool,
        work: impl Future<Output = Ended> + Send + 'static,
    ) -> Result<Self, RecordError> {
        let (sender, ended) = oneshot::channel();
        // The session may have ended without this actor.
        let work = async move { drop(sender.send(work.await)) };
        let runtime = Handle::current();
        if yields {
            runtime.spawn(work);
        } else {
            thread::Builder::new()
                .name("retake-actor".into())
                .spawn(move || runtime.block_on(work))
                .map_err(|error| RecordError::no_thread("an actor", &error))?;
        }
        Ok(RunningActor { handle, ended, chain, cancel })
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
