//! Owns how the end of a call that did not return is told: from a wasmtime error to an [`Outcome`], and back.

use retake_chain::{CANCELLED, Outcome};
use thiserror::Error;
use wasmtime::Trap;

/// An outcome other than a value, raised as an error where a replay reproduces it.
#[derive(Debug, Error)]
#[error("{}", describe(.0))]
pub struct RaisedOutcome(pub Outcome);

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Returned(_) => "returned".into(),
        Outcome::Exited(code) => format!("exited with code {code}"),
        Outcome::Trapped(message) | Outcome::Failed(message) => message.clone(),
        Outcome::Cancelled => CANCELLED.into(),
    }
}

/// What wasmtime says of a parameter area in memory that it does not hand to a host function, and the trap that the
/// same area is in an instrumented component, where it is handed to the shim.
const PARAMETER_AREA_FAULTS: [(&str, Trap); 2] =
    [("pointer not aligned", Trap::UnalignedPointer), ("pointer out of bounds", Trap::MemoryOutOfBounds)];

/// What an error that ended a call says of it. `exit_code` recognises the host's way of ending a program early.
///
/// Messages are the root cause alone: backtraces name places in the component, which differ between the instrumented
/// and the original one.
pub fn outcome_of(error: &wasmtime::Error, exit_code: impl Fn(&wasmtime::Error) -> Option<i32>) -> Outcome {
    if let Some(RaisedOutcome(outcome)) = error.downcast_ref() {
        outcome.clone()
    } else if let Some(code) = exit_code(error) {
        Outcome::Exited(code)
    } else if let Some(trap) = error.downcast_ref::<Trap>() {
        Outcome::Trapped(trap.to_string())
    } else {
        let message = error.root_cause().to_string();
        let fault = PARAMETER_AREA_FAULTS.iter().find(|(said, _)| *said == message);
        fault.map_or(Outcome::Failed(message.clone()), |(_, trap)| Outcome::Trapped(trap.to_string()))
    }
}
