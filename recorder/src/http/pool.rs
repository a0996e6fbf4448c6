//! Owns [`Pool`]: the actors of an HTTP session and the bounded queue that they take requests from.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response, StatusCode};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::body::{ClientBody, RequestBody, in_memory};
use super::exchange::{Client, FailedExchange, OnFailure, exchange, plain};
use super::refusals::{Refusal, Refusals};
use crate::actor_thread::{ActorThread, COME_BACK, overdue};
use crate::error::RecordError;
use crate::host::Host;
use crate::live_actor::LiveActor;
use crate::program::Program;
use crate::recorder::Recorder;
use crate::session::Session;

/// Requests that may wait for each actor.
const WAITING_PER_ACTOR: usize = 64;

/// A request in the queue.
struct Job {
    request: Request<RequestBody>,
    client: Client,
    waiting: Waiting,
}

/// Counts a request that is left in the queue when that goes.
struct Waiting(Option<Arc<Refusals>>);

impl Waiting {
    /// The request waits no longer; what becomes of it is told by others.
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(refusals) = &self.0 {
            refusals.count(Refusal::Stopped);
        }
    }
}

type Queue = Mutex<mpsc::Receiver<Job>>;

/// The actors of one session.
pub struct Pool {
    jobs: mpsc::Sender<Job>,
    /// Held by the actors, so that it goes with the last of them.
    queue: Weak<Queue>,
    actors: Vec<ActorThread>,
    cancel: CancellationToken,
    failed: CancellationToken,
    refusals: Arc<Refusals>,
}

impl Pool {
    /// Starts `actors` actors. `cancel` gives up the calls in flight; `on_failure` hears of each exchange that fails, from
    /// the actor's thread.
    pub async fn start(
        program: &Arc<Program<Host>>,
        recorder: &Recorder,
        actors: usize,
        cancel: CancellationToken,
        on_failure: impl Fn(FailedExchange) + Send + Sync + 'static,
    ) -> Result<Pool, RecordError> {
        let (refusals, on_failure) = (Arc::<Refusals>::default(), Arc::new(on_failure));
        let (jobs, queue) = mpsc::channel(WAITING_PER_ACTOR * actors);
        let queue = Arc::new(Mutex::new(queue));
        let failed = CancellationToken::new();
        let mut running = Vec::new();
        let session = Session::new();
        for _ in 0..actors {
            let actor = LiveActor::start(program, recorder, &session, cancel.clone()).await?;
            let (queue, failed) = (queue.clone(), failed.clone());
            let (refusals, on_failure) = (refusals.clone(), on_failure.clone());
            running.push(ActorThread::spawn(actor, |actor| async move {
                // A panic is a failure too.
                let failed = failed.drop_guard();
                let result = live(actor, queue, &refusals, &*on_failure).await;
                if result.is_ok() {
                    failed.disarm();
                }
                result
            })?);
        }
        Ok(Pool { jobs, queue: Arc::downgrade(&queue), actors: running, cancel, failed, refusals })
    }

    /// Lets an actor answer a request; 503 if the queue is full, or every actor has ended.
    pub(super) async fn answer(&self, request: Request<RequestBody>) -> Response<ClientBody> {
        let (client, response) = oneshot::channel();
        let waiting = Waiting(Some(self.refusals.clone()));
        if let Err(refused) = self.jobs.try_send(Job { request, client, waiting }) {
            let (job, why, words) = match refused {
                TrySendError::Full(job) => (job, Refusal::Busy, "every actor is busy\n"),
                TrySendError::Closed(job) => (job, Refusal::Ended, "every actor has ended\n"),
            };
            job.waiting.end();
            self.refusals.count(why);
            return plain(StatusCode::SERVICE_UNAVAILABLE, words);
        }
        // Whose call is given up waits no longer, nor who waits behind one.
        match self.cancel.run_until_cancelled(response).await {
            Some(Ok(response)) => response,
            Some(Err(_)) | None => plain(StatusCode::BAD_GATEWAY, "the session has ended\n"),
        }
    }

    /// Sends one request with its body in memory.
    pub async fn request(&self, request: Request<Bytes>) -> Response<ClientBody> {
        self.answer(request.map(in_memory)).await
    }

    /// The requests that no actor handled.
    pub fn refusals(&self) -> &Arc<Refusals> {
        &self.refusals
    }

    /// Completes when an actor can go on no longer, of which [`close`](Self::close) then says why, or all have ended.
    pub async fn failed(&self) {
        tokio::select! {
            () = self.failed.cancelled() => {}
            () = self.jobs.closed() => {}
        }
    }

    /// Completes when the calls in flight were given up and have had the time to come back.
    pub(super) async fn overdue(&self) {
        overdue(&self.cancel, COME_BACK).await;
    }

    /// Takes no more requests, lets the actors finish those they have, and ends their chains.
    pub async fn close(self) -> Result<(), RecordError> {
        drop(self.jobs);
        let actors = self.actors.into_iter().map(ActorThread::join);
        let ended = join_all(actors).await;
        // An actor that does not come back still holds the queue, and what waits in it.
        if let Some(queue) = self.queue.upgrade()
            && let Ok(mut queue) = queue.try_lock()
        {
            while queue.try_recv().is_ok() {}
        }
        ended.into_iter().try_for_each(|ended| ended.map(drop))
    }
}

/// One actor's life: one call at a time, from the queue and from its mailbox, until the queue is closed.
async fn live(
    mut actor: LiveActor<Host>,
    queue: Arc<Queue>,
    refusals: &Refusals,
    on_failure: &OnFailure,
) -> Result<(), RecordError> {
    loop {
        let job = tokio::select! {
            job = async { queue.lock().await.recv().await } => job,
            Some(operation) = actor.next_operation() => {
                if !actor.operate(operation).await? {
                    return Ok(());
                }
                continue;
            }
        };
        let Some(Job { request, client, waiting }) = job else { break };
        waiting.end();
        // Once the calls are given up nobody waits either.
        let skipped = match (actor.cancel().is_cancelled(), client.is_closed()) {
            (true, _) => Some(Refusal::Stopped),
            (false, true) => Some(Refusal::ClientGone),
            (false, false) => None,
        };
        if let Some(why) = skipped {
            refusals.count(why);
            continue;
        }
        exchange(&mut actor, request, client, refusals, on_failure).await?;
        if actor.has_to_end() {
            break;
        }
    }
    actor.shutdown().await
}
