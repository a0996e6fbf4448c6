//! Owns the conversion between a wasmtime error that ended a call and an [`Outcome`]. The kinds of errors are
//! in `trap_table.rs`.

use std::io;

use retake_chain::{Outcome, TrapKind};
use thiserror::Error;
use wasmtime::{OutOfMemory, PoolConcurrencyLimitError, Trap};

use crate::trap_table::TrapRow;

/// An outcome other than a value, raised as an error where a replay reproduces it.
#[derive(Debug, Error)]
#[error("{}", describe(.0))]
pub struct RaisedOutcome(pub Outcome);

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Returned(_) | Outcome::Cancelled => outcome.name().into(),
        Outcome::Exited(code) => format!("exited with code {code}"),
        Outcome::Trapped { message, .. } | Outcome::Failed(message) => message.clone(),
    }
}

/// Where an error came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaisedIn {
    /// The guest's code, or the values that it passed or received.
    Guest,
    /// A host function that had been called and had not returned.
    Host,
}

impl RaisedIn {
    /// Where an error came from, if a host call was open then or not.
    pub fn open_call(open: bool) -> RaisedIn {
        if open { RaisedIn::Host } else { RaisedIn::Guest }
    }
}

/// The machine had no memory, addresses or descriptors left for the guest. The guest did not cause it;
/// another machine could run the call.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "this machine has no room for the actor: {reason}; raise the limits of the process (`ulimit -v`, `ulimit -n`) or run less \
     at once"
)]
pub struct Shortage {
    /// What the system says.
    pub reason: String,
}

impl Shortage {
    /// The shortage that ended a call, if one did. Failures of a host function do not count.
    pub fn of(error: &wasmtime::Error, raised_in: RaisedIn) -> Option<Shortage> {
        if raised_in == RaisedIn::Host || error.is::<Trap>() {
            return None;
        }
        let of_system = error.chain().find(|cause| {
            cause.is::<io::Error>()
                || cause.is::<rustix::io::Errno>()
                || cause.is::<OutOfMemory>()
                || cause.is::<PoolConcurrencyLimitError>()
                || cause.is::<Shortage>()
        })?;
        let reason = match of_system.downcast_ref::<Shortage>() {
            Some(shortage) => shortage.reason.clone(),
            None => of_system.to_string(),
        };
        Some(Shortage { reason })
    }
}

/// The outcome of a call that ended with an error. `exit_code` recognises the host's way to end a program
/// early.
///
/// An error of a host function is a failure, whatever its text; only a trap that it raised is a trap.
/// Messages are the root cause alone, since backtraces differ between the instrumented and the original
/// component.
pub fn outcome_of(
    error: &wasmtime::Error,
    raised_in: RaisedIn,
    exit_code: impl Fn(&wasmtime::Error) -> Option<i32>,
) -> Outcome {
    if let Some(RaisedOutcome(outcome)) = error.downcast_ref() {
        return outcome.clone();
    }
    if let Some(code) = exit_code(error) {
        return Outcome::Exited(code);
    }
    let message = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None if raised_in == RaisedIn::Host => return Outcome::Failed(error.root_cause().to_string()),
        None => error.root_cause().to_string(),
    };
    let kind = TrapRow::of(error).map_or(TrapKind::Other, |row| row.kind);
    Outcome::Trapped { kind, message }
}
