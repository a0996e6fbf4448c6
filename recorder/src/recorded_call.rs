//! Owns what a call of an export gets and what it gives: [`CallArguments`] and [`EndedCall`].

use retake_actor::ActorError;
use retake_chain::{Outcome, Value, WasmEventData};
use wasmtime::component::Val;

use crate::call_timeout::TimedOutCall;

/// The arguments of a call, as the engine takes them and as the event carries them.
pub(crate) struct CallArguments {
    pub vals: Vec<Val>,
    pub recorded: Vec<Value>,
}

/// How a call ended, before its `wasm-result` or `wasm-error` is written.
pub(crate) struct EndedCall {
    pub outcome: Outcome,
    /// The new state as the event carries it, for a stateful function that did not fail.
    pub state: Option<Value>,
    /// Where the call was when it was given up, if it took too long.
    pub timed_out: Option<TimedOutCall>,
}

impl EndedCall {
    /// Whether the guest did not return: it trapped, failed or exited, or the call was given up.
    pub fn is_early(&self) -> bool {
        !matches!(self.outcome, Outcome::Returned(_))
    }

    /// Whether the call was given up.
    pub fn is_given_up(&self) -> bool {
        self.outcome == Outcome::Cancelled
    }

    /// What the caller gets.
    pub fn answer(&self, function: &str) -> Result<Option<Value>, ActorError> {
        if let Some(call) = &self.timed_out {
            return Err(ActorError::TimedOut { reason: call.to_string() });
        }
        let function = function.to_string();
        match self.outcome.clone() {
            Outcome::Returned(value) => Ok(value),
            Outcome::Exited(code) => Err(ActorError::Exited { function, code }),
            Outcome::Trapped { message, .. } | Outcome::Failed(message) => {
                Err(ActorError::Failed { function, message })
            }
            Outcome::Cancelled => Err(ActorError::Cancelled { function }),
        }
    }

    /// The event that ends the call.
    pub fn into_event(self, function_name: String) -> WasmEventData {
        WasmEventData::ended(function_name, self.state, self.outcome)
    }
}
