//! Owns [`Pool`]: the actors of an HTTP session and the bounded queue that they take requests from.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::body::{ClientBody, RequestBody, in_memory};
use super::exchange::{Client, exchange, plain};
use crate::actor_session::{ActorSession, ActorTask};
use crate::error::RecordError;
use crate::program::Program;
use crate::recorder::Recorder;

/// Requests that may wait for each actor.
const WAITING_PER_ACTOR: usize = 64;

type Job = (Request<RequestBody>, Client);

/// The actors of one session.
pub struct Pool {
    jobs: mpsc::Sender<Job>,
    actors: Vec<ActorTask<()>>,
    cancel: CancellationToken,
    failed: CancellationToken,
}

impl Pool {
    /// Starts `actors` actors. `cancel` gives up the calls in flight.
    pub async fn start(
        program: &Arc<Program>,
        recorder: &Recorder,
        actors: usize,
        cancel: CancellationToken,
    ) -> Result<Pool, RecordError> {
        let (jobs, queue) = mpsc::channel(WAITING_PER_ACTOR * actors);
        let queue = Arc::new(Mutex::new(queue));
        let failed = CancellationToken::new();
        let mut running = Vec::new();
        for _ in 0..actors {
            let session = ActorSession::start(program, recorder).await?;
            let (queue, cancel, failed) = (queue.clone(), cancel.clone(), failed.clone());
            running.push(ActorTask::spawn(session, |session| async move {
                let result = mailbox(session, queue, cancel).await;
                if result.is_err() {
                    failed.cancel();
                }
                result
            }));
        }
        Ok(Pool { jobs, actors: running, cancel, failed })
    }

    /// Lets an actor answer a request; 503 if the queue is full.
    pub(super) async fn answer(&self, request: Request<RequestBody>) -> Response<ClientBody> {
        let (client, response) = oneshot::channel();
        if self.jobs.try_send((request, client)).is_err() {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "every actor is busy\n");
        }
        match response.await {
            Ok(response) => response,
            Err(_) => plain(StatusCode::BAD_GATEWAY, "the session has ended\n"),
        }
    }

    /// Sends one request with its body in memory.
    pub async fn request(&self, request: Request<Bytes>) -> Response<ClientBody> {
        self.answer(request.map(in_memory)).await
    }

    /// Completes when an actor can go on no longer; [`close`](Self::close) then says why.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Takes no more requests, lets the actors finish those they have, and ends their chains.
    pub async fn close(self) -> Result<(), RecordError> {
        drop(self.jobs);
        let mut first_fault = Ok(());
        for actor in self.actors {
            let result = actor.join(&self.cancel).await.map(drop);
            if first_fault.is_ok() {
                first_fault = result;
            }
        }
        first_fault
    }
}

/// One actor's life: one call at a time, in order of arrival, until the queue is closed.
async fn mailbox(
    session: ActorSession,
    queue: Arc<Mutex<mpsc::Receiver<Job>>>,
    cancel: CancellationToken,
) -> Result<(), RecordError> {
    loop {
        let job = queue.lock().await.recv().await;
        let Some((request, client)) = job else { break };
        if client.is_closed() || cancel.is_cancelled() {
            continue;
        }
        exchange(&session, request, client, &cancel).await?;
    }
    session.shutdown().await
}
