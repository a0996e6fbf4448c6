//! Owns sessions of `wasi:cli/run`: one call, with this process's standard streams.

use std::sync::Arc;

use retake_chain::CANCELLED;
use tokio_util::sync::CancellationToken;

use crate::actor_session::{ActorSession, ActorThread};
use crate::error::RecordError;
use crate::host::Stdio;
use crate::program::Program;
use crate::recorder::Recorder;

/// How a recorded command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandEnd {
    /// It returned or exited with this code.
    Exited(i32),
    /// It trapped or a host call failed, with this message.
    Failed(String),
}

/// Runs the command once and records it, up to and including the shutdown of its chain. `cancel` gives the call up.
pub async fn record(
    program: &Arc<Program>,
    recorder: &Recorder,
    cancel: &CancellationToken,
) -> Result<CommandEnd, RecordError> {
    let session = ActorSession::start(program, recorder).await?;
    let given_up = cancel.clone();
    let actor = ActorThread::spawn(session, |session| run(session, given_up))?;
    let end = actor.join(cancel).await?;
    Ok(end.unwrap_or_else(|| CommandEnd::Failed(CANCELLED.into())))
}

async fn run(session: ActorSession, cancel: CancellationToken) -> Result<CommandEnd, RecordError> {
    let mut store = session.store(Stdio::Inherit)?;
    let ended = session.call(&mut store, &[], Vec::new(), &cancel).await?;
    drop(store);
    let end = match ended.failure() {
        Some(message) => CommandEnd::Failed(message.to_string()),
        None => CommandEnd::Exited(ended.exit_code()),
    };
    session.finish(ended).await?;
    session.shutdown().await?;
    Ok(end)
}
