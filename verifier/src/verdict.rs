//! Owns the answer of a replay, as data: the verdict and all it was reached with.

use retake_chain::{ContentRef, EngineProfile, EventHash, SealKind, TakeState, TheaterId};
use serde::Serialize;

use crate::divergence::Divergence;
use crate::exit::{ExitCode, combine};

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every recomputed hash is the recorded one.
    Identical,
    /// The first difference.
    Diverged(Box<Divergence>),
    /// Everything up to a fault of the take is identical; what follows could not be replayed.
    Unfinished {
        /// The fault.
        reason: String,
    },
    /// The take has no call of which anything could be checked.
    NothingToCheck,
}

/// The answer of a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayReport {
    /// What was found.
    pub verdict: Verdict,
    /// Export calls that were gone through.
    pub calls: u64,
    /// Of those, how many were given up when they were recorded: they are re-run as far as the host answered them.
    pub given_up: u64,
    /// Of those, how many were given up before the host answered anything: nothing of them can be checked.
    pub unchecked: u64,
    /// Events that were compared or copied.
    pub events: u64,
    /// The re-run's chains, by number.
    pub chains: Vec<ReplayedChain>,
    /// Digest of the component that was recorded.
    pub recorded_digest: ContentRef,
    /// Digest of the component that was replayed.
    pub replayed_digest: ContentRef,
    /// The engine's settings, in both.
    pub profile: EngineProfile,
    /// Interfaces that the replayed component imports in another version.
    pub renamed_interfaces: Vec<RenamedInterface>,
    /// How the take ends; `None` where a fault kept it from being read to its end.
    pub take_state: Option<TakeState>,
    /// Who sealed it, if somebody did.
    pub seal: Option<SealKind>,
    /// What is wrong with the take, where it is damaged or altered.
    pub fault: Option<String>,
}

/// A chain of the re-run, as far as it was replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayedChain {
    /// Its actor.
    pub id: TheaterId,
    /// Its events.
    pub events: u64,
    /// Hash of its last event.
    pub head: Option<EventHash>,
}

/// An interface that has another version in the replayed component, on the same track.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RenamedInterface {
    /// The name in the take.
    pub recorded: String,
    /// The name in the component.
    pub replayed: String,
}

impl Verdict {
    /// How a command ends with this verdict on a take that is sealed.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Verdict::Identical => ExitCode::Identical,
            Verdict::Diverged(_) => ExitCode::Diverged,
            Verdict::Unfinished { .. } => ExitCode::Damaged,
            Verdict::NothingToCheck => ExitCode::Nothing,
        }
    }
}

impl ReplayReport {
    /// Export calls of which at least the end or one host call was compared.
    pub fn checked_calls(&self) -> u64 {
        self.calls.saturating_sub(self.unchecked)
    }

    /// How a command ends with this report: the verdict's code, unless the take's own state is graver.
    pub fn exit_code(&self) -> ExitCode {
        let take = match (self.take_state, &self.seal, &self.fault) {
            (Some(TakeState::Sealed), Some(SealKind::Complete), None) => ExitCode::Identical,
            _ => ExitCode::Damaged,
        };
        combine([take, self.verdict.exit_code()])
    }
}
