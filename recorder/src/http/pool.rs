//! Owns [`Pool`]: the actors of an HTTP session and the bounded queue that they take requests from.

use std::sync::Arc;

use async_channel::{Receiver, Sender, TrySendError};
use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response, StatusCode};
use retake_actor::HasActor;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::WasiHttpView;

use super::body::{ClientBody, RequestBody, in_memory};
use super::exchange::{FailedExchange, OnFailure, exchange};
use super::refusals::{Refusal, Refusals};
use super::response::{ResponseSender, plain};
use crate::error::RecordError;
use crate::live_actor::LiveActor;
use crate::program::Program;
use crate::recorder::Recorder;
use crate::running_actor::{COME_BACK, RunningActor, overdue};
use crate::session::Session;

/// Requests that may wait for each actor.
const WAITING_PER_ACTOR: usize = 64;

/// A request in the queue.
struct QueuedRequest {
    request: Request<RequestBody>,
    client: ResponseSender,
    wait: CountedWait,
}

/// Counts a request that is still in the queue when the queue is dropped.
struct CountedWait(Option<Arc<Refusals>>);

impl CountedWait {
    /// The request waits no longer.
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for CountedWait {
    fn drop(&mut self) {
        if let Some(refusals) = &self.0 {
            refusals.count(Refusal::Stopped);
        }
    }
}

/// Held by every actor: when the last has ended, nobody takes what waits in the queue.
struct LastEnded {
    queue: Receiver<QueuedRequest>,
    failed: CancellationToken,
}

impl Drop for LastEnded {
    fn drop(&mut self) {
        abandon(&self.queue);
        self.failed.cancel();
    }
}

/// Nobody takes what waits in the queue, nor what comes.
fn abandon(queue: &Receiver<QueuedRequest>) {
    queue.close();
    while queue.try_recv().is_ok() {}
}

/// The actors of one session.
pub struct Pool {
    requests: Sender<QueuedRequest>,
    queue: Receiver<QueuedRequest>,
    actors: Vec<RunningActor>,
    cancel: CancellationToken,
    /// An actor has failed, or all have ended.
    failed: CancellationToken,
    refusals: Arc<Refusals>,
}

impl Pool {
    /// Starts this many actors, with any host data that has an actor and wasi:http. `cancel` gives up the
    /// calls in flight. `on_failure` is called with each exchange that fails, on the actor's thread.
    ///
    /// # Errors
    /// [`RecordError`] if an actor cannot be started.
    pub async fn start<T: HasActor + WasiHttpView>(
        program: &Arc<Program<T>>,
        recorder: &Recorder,
        actors: usize,
        cancel: CancellationToken,
        on_failure: impl Fn(FailedExchange) + Send + Sync + 'static,
    ) -> Result<Pool, RecordError> {
        let (refusals, on_failure) = (Arc::<Refusals>::default(), Arc::new(on_failure));
        let (requests, queue) = async_channel::bounded(WAITING_PER_ACTOR * actors);
        let failed = CancellationToken::new();
        let last_ended = Arc::new(LastEnded { queue: queue.clone(), failed: failed.clone() });
        let mut running = Vec::new();
        let session = Session::new();
        for _ in 0..actors {
            let actor = LiveActor::start(program, recorder, &session, cancel.clone()).await?;
            let (queue, failed, last_ended) = (queue.clone(), failed.clone(), last_ended.clone());
            let (refusals, on_failure) = (refusals.clone(), on_failure.clone());
            running.push(actor.spawn_with(|actor| async move {
                let _last_ended = last_ended;
                // A panic is a failure too.
                let failed = failed.drop_guard();
                let result = live(actor, queue, &refusals, &*on_failure).await;
                if result.is_ok() {
                    failed.disarm();
                }
                result
            })?);
        }
        Ok(Pool { requests, queue, actors: running, cancel, failed, refusals })
    }

    /// Lets an actor answer a request, from whatever server it comes. The answer is 503 if the queue is full
    /// or every actor has ended.
    pub async fn answer(&self, request: Request<RequestBody>) -> Response<ClientBody> {
        let (client, response) = oneshot::channel();
        let wait = CountedWait(Some(self.refusals.clone()));
        if let Err(refused) = self.requests.try_send(QueuedRequest { request, client, wait }) {
            let (queued, refusal, text) = match refused {
                TrySendError::Full(queued) => (queued, Refusal::Busy, "every actor is busy\n"),
                TrySendError::Closed(queued) => (queued, Refusal::Ended, "every actor has ended\n"),
            };
            queued.wait.end();
            self.refusals.count(refusal);
            return plain(StatusCode::SERVICE_UNAVAILABLE, text);
        }
        // When the calls are given up, nobody waits any longer: not for a call, and not in the queue.
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

    /// Completes when an actor has failed, or all have ended. [`close`](Self::close) then says why.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Completes when the calls in flight were given up and have had the time to come back.
    pub(super) async fn overdue(&self) {
        overdue(&self.cancel, COME_BACK).await;
    }

    /// Takes no more requests, lets the actors finish those that wait, and ends their chains.
    ///
    /// # Errors
    /// [`RecordError`] of the first actor that failed.
    pub async fn close(self) -> Result<(), RecordError> {
        self.queue.close();
        let actors = self.actors.into_iter().map(RunningActor::join);
        let ended = join_all(actors).await;
        // An actor that does not come back takes nothing from it.
        abandon(&self.queue);
        ended.into_iter().try_for_each(|ended| ended.map(drop))
    }
}

/// One actor's life: one call at a time, from the queue and from its mailbox, until the queue is closed.
async fn live<T: HasActor + WasiHttpView>(
    mut actor: LiveActor<T>,
    queue: Receiver<QueuedRequest>,
    refusals: &Refusals,
    on_failure: &OnFailure,
) -> Result<(), RecordError> {
    loop {
        let queued = tokio::select! {
            queued = queue.recv() => queued,
            Some(operation) = actor.next_operation() => {
                if !actor.operate(operation).await? {
                    return Ok(());
                }
                continue;
            }
        };
        let Ok(QueuedRequest { request, client, wait }) = queued else { break };
        wait.end();
        // When the calls are given up, nobody waits for a response.
        let skipped = match (actor.recorded().cancel().is_cancelled(), client.is_closed()) {
            (true, _) => Some(Refusal::Stopped),
            (false, true) => Some(Refusal::ClientGone),
            (false, false) => None,
        };
        if let Some(why) = skipped {
            refusals.count(why);
            continue;
        }
        exchange(actor.recorded(), request, client, refusals, on_failure).await?;
        if actor.recorded().has_to_end() {
            break;
        }
    }
    actor.shutdown().await
}
