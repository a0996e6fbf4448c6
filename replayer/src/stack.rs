//! Owns [`StackUse`]: how much of its stack a guest has used, and [`StackRule`]: what that means where the
//! recorded call ended with an exhausted stack.
//!
//! The frames of a guest differ in size from one compilation to another. Counting fuel and checks for
//! interruption make them larger, a recording has the shim's frames between them, and another processor has
//! other frames. So a re-run has several times the stack of a recording, and every guest that returned in the
//! recording returns. Its depth decides whether it exhausted its stack only if it is the recorded guest, or
//! if it is less deep than the recorded stack.

use retake_actor::profile::{self, GUEST_STACK, Tuning};
use retake_chain::EngineProfile;

/// The part of the recorded stack that the recorded component has to use, in percent. The shim may have used
/// the rest, or processors may differ by it.
const ENOUGH: usize = 75;

/// The same for code that is not optimised. Its frames may be smaller too, as it computes again what
/// optimised code keeps.
const ENOUGH_UNOPTIMIZED: usize = 2;

/// How many bytes of the recorded stack may have been free when it was exhausted: what the shim and the host
/// have on it.
const MARGIN: usize = 16 << 10;

/// The stack of a thread that re-runs a guest, apart from the guest's own.
const HOST_STACK: usize = 8 << 20;

/// The stack of a thread that re-runs a guest.
pub(crate) fn thread_stack(tuning: Tuning) -> usize {
    tuning.stack + HOST_STACK
}

/// How much stack a re-run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StackRoom {
    /// More than the recording in any case. Guests can be interrupted.
    Ample,
    /// As much as the recording, with the same frames. Guests can be interrupted if they could be in the
    /// recording; others must be known to end.
    AsRecorded,
}

impl StackRoom {
    /// The engine's tuning for it, starting from the one that is asked for.
    pub fn tuning(self, asked: Tuning, recorded: &EngineProfile) -> Tuning {
        match self {
            StackRoom::Ample => {
                let stack = profile::rerun_stack(asked.optimized).max(asked.stack);
                Tuning { interruptible: true, stack, ..asked }
            }
            StackRoom::AsRecorded => Tuning::recording(recorded.interruptible),
        }
    }
}

/// What decides whether a guest has exhausted the recorded stack, where the recording says that it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StackRule {
    /// The recorded component, in an ample stack: it has, once it is about as deep.
    RecordedBuild,
    /// Another build, in an ample stack. One that exhausts even that has. One that comes back has not if it
    /// was less deep than the recorded stack; else it is not known, as its frames are larger than in a
    /// recording.
    OtherBuild,
    /// Another build, compiled as when it was recorded, with the recorded stack: it has if the engine says
    /// so. Only what the host has on the stack differs a little, where a guest that is nearly that deep is
    /// called back in one of its calls (`realloc`).
    AsRecorded,
}

impl StackRule {
    /// The rule for a replay of the recorded component, or of another build.
    pub fn of(room: StackRoom, is_recorded_build: bool) -> StackRule {
        match (room, is_recorded_build) {
            (StackRoom::AsRecorded, _) => StackRule::AsRecorded,
            (StackRoom::Ample, true) => StackRule::RecordedBuild,
            (StackRoom::Ample, false) => StackRule::OtherBuild,
        }
    }

    /// How deep a guest is that may have used up the recorded stack, in bytes.
    fn enough(self, tuning: Tuning) -> usize {
        match self {
            _ if !tuning.optimized => GUEST_STACK / 100 * ENOUGH_UNOPTIMIZED,
            StackRule::RecordedBuild => GUEST_STACK / 100 * ENOUGH,
            StackRule::OtherBuild => GUEST_STACK - MARGIN,
            StackRule::AsRecorded => tuning.stack - MARGIN,
        }
    }
}

/// How much of its stack the guest uses since it was entered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackUse {
    entered: usize,
    /// How deep a guest is that may have used up the stack that it was recorded with.
    enough: usize,
    /// How deep it was when it last called, or was interrupted.
    latest: usize,
    /// How deep it was at most since the last call of [`watch`](Self::watch).
    deepest: usize,
    /// How deep it was then.
    watched_from: usize,
}

impl StackUse {
    /// Guest code is about to be entered by the caller.
    pub fn begins_here(rule: StackRule, tuning: Tuning) -> Self {
        StackUse { entered: here(), enough: rule.enough(tuning), latest: 0, deepest: 0, watched_from: 0 }
    }

    /// The guest has called the caller, or was interrupted.
    pub fn note(&mut self) {
        self.latest = self.entered.saturating_sub(here());
        self.deepest = self.deepest.max(self.latest);
    }

    /// Forgets how deep the guest was before the call that is answered now.
    pub fn watch(&mut self) {
        (self.deepest, self.watched_from) = (self.latest, self.latest);
    }

    /// Whether the guest was so deep when it called last, or was interrupted, that this may have been all of
    /// the recorded stack.
    pub fn is_deep(self) -> bool {
        self.latest >= self.enough
    }

    /// The same for any time since it is watched.
    pub fn was_deep(self) -> bool {
        self.deepest >= self.enough
    }

    /// The same for the call at which the watch started.
    pub fn was_deep_at_first(self) -> bool {
        self.watched_from >= self.enough
    }
}

/// Where the stack of the caller is, to a few hundred bytes.
#[inline(never)]
fn here() -> usize {
    let here = 0u8;
    std::hint::black_box(&raw const here).addr()
}
