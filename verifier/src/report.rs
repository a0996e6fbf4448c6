//! Owns the report on a take without a fault in its records, as data.

use retake_chain::{ContentRef, EventHash, SealKind, TakeState, TheaterId};
use serde::Serialize;

use crate::exit::ExitCode;
use crate::fault::FaultKind;

/// What verification found in a take of which every record was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How the take ends.
    pub state: TakeState,
    /// The kind of its seal, if it has one.
    pub seal: Option<SealKind>,
    /// The chains, in order of their numbers.
    pub chains: Vec<ChainReport>,
    /// Number of events of all chains.
    pub events: u64,
    /// Number of bytes of the file that were read.
    pub bytes: u64,
    /// Whether the component is embedded in the take.
    pub embedded: bool,
    /// Digest of the component, as every genesis names it; `None` without a chain.
    pub actor: Option<ContentRef>,
}

/// What verification found in a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// Its actor.
    pub id: TheaterId,
    /// Number of its events.
    pub events: u64,
    /// Number of export calls that start in it.
    pub calls: u64,
    /// Hash of its last event.
    pub head: Option<EventHash>,
}

impl Report {
    /// Number of export calls of all chains.
    pub fn calls(&self) -> u64 {
        self.chains.iter().map(|chain| chain.calls).sum()
    }

    /// Byte of the file at which the torn frame starts, or at which an unsealed take ends.
    pub fn offset(&self) -> Option<u64> {
        match self.state {
            TakeState::Torn { offset } => Some(offset),
            TakeState::Unsealed => Some(self.bytes),
            TakeState::Sealed => None,
        }
    }

    /// Why the take is not intact and complete, if it is not.
    pub fn fault(&self) -> Option<FaultKind> {
        match (self.state, &self.seal) {
            (TakeState::Torn { offset: 0 }, _) => Some(FaultKind::ShortHeader),
            (TakeState::Torn { .. }, _) => Some(FaultKind::Torn),
            (TakeState::Unsealed, _) | (TakeState::Sealed, None) => Some(FaultKind::Unsealed),
            (TakeState::Sealed, Some(SealKind::Repaired { .. })) => Some(FaultKind::Repaired),
            (TakeState::Sealed, Some(SealKind::Complete)) if self.calls() == 0 => Some(FaultKind::NoCall),
            (TakeState::Sealed, Some(SealKind::Complete)) => None,
        }
    }

    /// The exit code of a command that checks this take.
    pub fn exit_code(&self) -> ExitCode {
        self.fault().map_or(ExitCode::Identical, FaultKind::exit_code)
    }
}
