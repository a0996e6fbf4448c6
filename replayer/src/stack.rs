//! Owns [`StackUse`]: how much of its stack a guest has used, and whether that is all it had when it was recorded.
//!
//! The frames of one guest differ in size from one compilation to another: counting fuel and the checks that let it be
//! interrupted make them larger, the shim's lie between them in a recording, another processor has others. So a re-run has
//! several times the stack of a recording, in which every guest that returned then returns. Where the recording says that
//! a call ended because its stack was exhausted, the re-run comes to the same place among the host calls with that stack
//! in hand; it has ended there too as soon as it is as deep as the stack that was recorded.

use retake_actor::profile::{GUEST_STACK, Tuning};

/// The part of the recorded stack that has to be used, in percent: the rest may have been the shim's, or be in the
/// difference between processors.
const ENOUGH: usize = 75;

/// The same for code that is not optimised. Its frames may be smaller too: what optimisation computes once and keeps,
/// it computes again. It is run of the recorded component alone, to find out whether that can tell.
const ENOUGH_UNOPTIMIZED: usize = 2;

/// The stack of a thread that re-runs a guest, apart from the guest's own.
const HOST_STACK: usize = 8 << 20;

/// The stack that a thread needs which re-runs a guest.
pub(crate) fn thread_stack(tuning: Tuning) -> usize {
    tuning.stack + HOST_STACK
}

/// How much of its stack the guest uses, from the place on where it was entered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackUse {
    entered: usize,
    /// How deep a guest is that has used up the stack that it was recorded with.
    enough: usize,
}

impl StackUse {
    /// Guest code is about to be entered by the caller.
    pub fn begins_here(tuning: Tuning) -> Self {
        let percent = if tuning.optimized { ENOUGH } else { ENOUGH_UNOPTIMIZED };
        StackUse { entered: here(), enough: GUEST_STACK / 100 * percent }
    }

    /// Whether the guest that called the caller was as deep as it could be when it was recorded.
    pub fn is_all_that_was_recorded(self) -> bool {
        self.entered.saturating_sub(here()) >= self.enough
    }
}

/// Where the stack of the caller is, to a few hundred bytes.
#[inline(never)]
fn here() -> usize {
    let here = 0u8;
    std::hint::black_box(&raw const here).addr()
}
