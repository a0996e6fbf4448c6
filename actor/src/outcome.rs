//! Owns how the end of a call that did not return is told: from a wasmtime error to an [`Outcome`], and back. Which error is of
//! which kind is said in `trap_table.rs`.

use std::io;

use retake_chain::{Outcome, TrapKind};
use thiserror::Error;
use wasmtime::{OutOfMemory, Trap};

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
    /// The guest, or what it handed over or took.
    Guest,
    /// A host function, which had been called and had not come back.
    Host,
}

impl RaisedIn {
    /// Where an error came from, if a host call was open then or not.
    pub fn open_call(open: bool) -> RaisedIn {
        if open { RaisedIn::Host } else { RaisedIn::Guest }
    }
}

/// The machine had no room for the guest: no memory, addresses or descriptors. The guest has no part in it, and another machine would
/// have had the room.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "this machine has no room for the actor: {reason}; raise the limits of the process (`ulimit -v`, `ulimit -n`) or run less at once"
)]
pub struct Shortage {
    /// What the system says.
    pub reason: String,
}

impl Shortage {
    /// Whether that is what ended a call. What a host function failed with is its own business.
    pub fn of(error: &wasmtime::Error, raised_in: RaisedIn) -> Option<Shortage> {
        if raised_in == RaisedIn::Host || error.is::<Trap>() {
            return None;
        }
        let of_system = error.chain().find(|cause| {
            cause.is::<io::Error>()
                || cause.is::<rustix::io::Errno>()
                || cause.is::<OutOfMemory>()
                || cause.is::<Shortage>()
        })?;
        let reason = match of_system.downcast_ref::<Shortage>() {
            Some(shortage) => shortage.reason.clone(),
            None => of_system.to_string(),
        };
        Some(Shortage { reason })
    }
}

/// What an error that ended a call says of it. `exit_code` recognises the host's way of ending a program early.
///
/// What a host function failed with is its own, whatever its words are; only a trap that it raised is a trap. Messages are
/// the root cause alone: backtraces name places in the component, which differ between the instrumented and the original
/// one.
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
