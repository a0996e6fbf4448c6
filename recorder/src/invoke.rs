//! Owns sessions of invoked exports: calls of one actor by name, one after the other.

use std::sync::Arc;

use retake_actor::{ActorError, HasActor};
use retake_chain::Value;
use tokio_util::sync::CancellationToken;

use crate::error::RecordError;
use crate::live_actor::LiveActor;
use crate::program::Program;
use crate::recorder::Recorder;
use crate::session::Session;
use crate::wave::Invocation;

/// Makes the calls in order and records them, up to and including the shutdown of the actor's chain. `answered` hears of
/// each answer. `stop` makes no more calls; `cancel` gives up the one in flight. An actor that has ended gets none of the
/// calls that are left, and `answered` hears of the first of them.
pub async fn record<T: HasActor>(
    program: &Arc<Program<T>>,
    recorder: &Recorder,
    (stop, cancel): (&CancellationToken, &CancellationToken),
    calls: &[Invocation],
    mut answered: impl FnMut(&Invocation, Result<Option<Value>, ActorError>),
) -> Result<(), RecordError> {
    let actor = LiveActor::start(program, recorder, &Session::new(), cancel.clone()).await?.spawn()?;
    let handle = actor.handle().clone();
    let calls = async {
        for call in calls {
            if stop.is_cancelled() {
                break;
            }
            let answer = handle.call_function(&call.function, call.params.clone()).await;
            let has_ended = answer == Err(ActorError::Ended);
            answered(call, answer);
            if has_ended {
                break;
            }
        }
        // It may have ended by itself.
        let _ = handle.shutdown().await;
    };
    let gone = CancellationToken::new();
    let ended = async {
        let came_back = actor.join().await;
        if !matches!(came_back, Ok(true)) {
            gone.cancel();
        }
        came_back
    };
    tokio::join!(ended, gone.run_until_cancelled(calls)).0.map(drop)
}
