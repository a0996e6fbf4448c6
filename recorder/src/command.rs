//! Owns sessions of `wasi:cli/run`: one call, with this process's standard streams.

use std::sync::Arc;

use retake_actor::{ActorError, HasActor};
use retake_chain::Value;
use tokio_util::sync::CancellationToken;

use crate::error::RecordError;
use crate::invoke;
use crate::program::Program;
use crate::recorder::Recorder;
use crate::wave::Invocation;

/// How a recorded command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandEnd {
    /// It returned or exited with this code.
    Exited(i32),
    /// It trapped or a host call failed, with this message.
    Failed(String),
    /// The call was given up.
    GivenUp,
}

/// Runs the command once and records it, with the shutdown of its chain. `cancel` gives the call up.
///
/// # Errors
/// [`RecordError`] if it cannot be recorded.
pub async fn record<T: HasActor>(
    program: &Arc<Program<T>>,
    recorder: &Recorder,
    cancel: &CancellationToken,
) -> Result<CommandEnd, RecordError> {
    let run = Invocation { actor: 0, function: program.entry()?.name.clone(), params: Vec::new() };
    let mut end = CommandEnd::GivenUp;
    // The one call is made before anyone can stop it.
    let stop = CancellationToken::new();
    invoke::record(program, recorder, 1, (&stop, cancel), &[run], |_, answer| end = end_of(answer)).await?;
    Ok(end)
}

/// What the answer of `run` means: a result without values, or another end of the call.
fn end_of(answer: Result<Option<Value>, ActorError>) -> CommandEnd {
    match answer {
        Ok(Some(Value::String(case))) if case == "ok" => CommandEnd::Exited(0),
        Ok(_) => CommandEnd::Exited(1),
        Err(ActorError::Exited { code, .. }) => CommandEnd::Exited(code),
        Err(ActorError::Failed { message, .. }) => CommandEnd::Failed(message),
        Err(ActorError::Cancelled { .. }) => CommandEnd::GivenUp,
        Err(other) => CommandEnd::Failed(other.to_string()),
    }
}
