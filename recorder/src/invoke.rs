//! Owns sessions of invoked exports: calls of actors by name, one after the other.

use std::sync::Arc;

use futures::future::join_all;
use retake_actor::{ActorError, HasActor};
use retake_chain::Value;
use tokio_util::sync::CancellationToken;

use crate::error::RecordError;
use crate::live_actor::LiveActor;
use crate::program::Program;
use crate::recorder::Recorder;
use crate::session::Session;
use crate::wave::Invocation;

/// Starts this many actors, makes the calls in order and records them, with the shutdown of each chain.
/// `answered` gets each answer. After `stop` no more calls are made; `cancel` gives up the calls in flight.
///
/// # Errors
/// [`RecordError`] of the first actor that failed.
pub async fn record<T: HasActor>(
    program: &Arc<Program<T>>,
    recorder: &Recorder,
    actors: usize,
    (stop, cancel): (&CancellationToken, &CancellationToken),
    calls: &[Invocation],
    mut answered: impl FnMut(&Invocation, Result<Option<Value>, ActorError>),
) -> Result<(), RecordError> {
    let session = Session::new();
    let mut running = Vec::new();
    for _ in 0..actors {
        running.push(LiveActor::start(program, recorder, &session, cancel.clone()).await?.spawn()?);
    }
    let handles: Vec<_> = running.iter().map(|actor| actor.handle().clone()).collect();
    let make_calls = async {
        for call in calls {
            if stop.is_cancelled() {
                break;
            }
            let answer = match handles.get(call.actor) {
                Some(actor) => actor.call_function(&call.function, call.params.clone()).await,
                None => Err(ActorError::Ended),
            };
            answered(call, answer);
        }
    };
    let (failed, all_ended) = (CancellationToken::new(), CancellationToken::new());
    let work = async {
        failed.run_until_cancelled(make_calls).await;
        // Some may have ended by themselves.
        join_all(handles.iter().map(|actor| actor.shutdown())).await;
    };
    let ended = async {
        let ended = join_all(running.into_iter().map(|actor| async {
            let came_back = actor.join().await;
            if !matches!(came_back, Ok(true)) {
                failed.cancel();
            }
            came_back.map(drop)
        }));
        let ended = ended.await;
        all_ended.cancel();
        ended
    };
    // An actor that never comes back does not answer that it has shut down.
    let (ended, _) = tokio::join!(ended, all_ended.run_until_cancelled(work));
    ended.into_iter().collect()
}
