//! Owns what verification finds in a take that holds: the report, as data.

use retake_chain::{ContentRef, EventHash, SealKind, TakeState, TheaterId};
use serde::Serialize;

use crate::exit::ExitCode;
use crate::fault::Fault;

/// A take whose every record was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How the take ends.
    pub state: TakeState,
    /// Who sealed it, if somebody did.
    pub seal: Option<SealKind>,
    /// The chains, by number.
    pub chains: Vec<ChainReport>,
    /// Events of all chains.
    pub events: u64,
    /// Bytes of the file that were read.
    pub bytes: u64,
    /// Whether the component is in the take, with the digest that every genesis names.
    pub embedded: bool,
    /// The digest of the component that every genesis names; `None` without a chain.
    pub actor: Option<ContentRef>,
}

/// A chain that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// Its actor.
    pub id: TheaterId,
    /// How many events it has.
    pub events: u64,
    /// How many export calls begin in it.
    pub calls: u64,
    /// Hash of its last event.
    pub head: Option<EventHash>,
}

impl Report {
    /// Export calls of all chains.
    pub fn calls(&self) -> u64 {
        self.chains.iter().map(|chain| chain.calls).sum()
    }

    /// Where the take lacks something, if it does and that is at one place: the frame that is torn, or the end without a seal.
    pub fn offset(&self) -> Option<u64> {
        match self.state {
            TakeState::Torn { offset } => Some(offset),
            TakeState::Unsealed => Some(self.bytes),
            TakeState::Sealed => None,
        }
    }

    /// How a command ends that was asked to check this take.
    pub fn exit_code(&self) -> ExitCode {
        Fault::of_report(self).map_or(ExitCode::Identical, Fault::exit_code)
    }
}
