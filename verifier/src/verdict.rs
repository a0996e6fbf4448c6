//! Owns the result of a replay, as data: the verdict, and what was compared to reach it.

use retake_chain::{ContentRef, EngineProfile, EventHash, SealKind, TakeState, TheaterId};
use serde::Serialize;

use crate::divergence::Divergence;
use crate::exit::{ExitCode, combine};

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every recomputed hash equals the recorded one.
    Identical,
    /// The first difference.
    Diverged(Box<Divergence>),
    /// Everything before a fault of the take is identical. The rest could not be replayed.
    Unfinished {
        /// The fault.
        reason: String,
    },
    /// The take has no call of which any part could be checked.
    NothingToCheck,
}

/// The result of a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayReport {
    /// The answer.
    pub verdict: Verdict,
    /// Number of export calls that were replayed.
    pub calls: u64,
    /// Number of these calls that were given up when they were recorded. They are re-run up to the last
    /// answer of the host.
    pub given_up: u64,
    /// Number of these calls that were given up before the first answer of the host. Nothing of them can be
    /// checked.
    pub unchecked: u64,
    /// Number of events that were compared or copied.
    pub events: u64,
    /// The chains of the re-run, in order of their numbers.
    pub chains: Vec<RerunChain>,
    /// Digest of the recorded component.
    pub recorded_digest: ContentRef,
    /// Digest of the replayed component.
    pub replayed_digest: ContentRef,
    /// The settings of the engine. They are the same for recording and replay.
    pub profile: EngineProfile,
    /// Interfaces that the replayed component imports in a different version.
    pub renamed_interfaces: Vec<RenamedInterface>,
    /// How the take ends; `None` if a fault stopped the reading before the end.
    pub take_state: Option<TakeState>,
    /// The kind of its seal, if it has one.
    pub seal: Option<SealKind>,
    /// The fault of the take, if it is damaged or altered.
    pub fault: Option<String>,
}

/// A chain of the re-run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RerunChain {
    /// Its actor.
    pub id: TheaterId,
    /// Number of its events.
    pub events: u64,
    /// Hash of its last event.
    pub head: Option<EventHash>,
}

/// An interface that the replayed component imports in a different version on the same track.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RenamedInterface {
    /// The name in the take.
    pub recorded: String,
    /// The name in the component.
    pub replayed: String,
}

impl Verdict {
    /// The exit code for this verdict on a sealed take.
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
    /// Number of export calls of which at least the end or one host call was compared.
    pub fn checked_calls(&self) -> u64 {
        self.calls.saturating_sub(self.unchecked)
    }

    /// The exit code for this report: the code of the verdict, or of the take's state if that wins.
    pub fn exit_code(&self) -> ExitCode {
        let take = match (self.take_state, &self.seal, &self.fault) {
            (Some(TakeState::Sealed), Some(SealKind::Complete), None) => ExitCode::Identical,
            (Some(TakeState::Torn { .. } | TakeState::Unsealed) | None, _, _)
            | (_, Some(SealKind::Repaired { .. }) | None, _)
            | (_, _, Some(_)) => ExitCode::Damaged,
        };
        combine([take, self.verdict.exit_code()])
    }
}
