//! Owns [`StackDepth`]: how much of its stack a guest has used when it calls its host.
//!
//! A recorded actor reaches its host through the shim, whose frames lie on the guest's stack too. A guest that recurses
//! with a call at every level therefore ran out of stack a little earlier than its re-run would, inside a call that was
//! never reported. Such an end is compared by kind and call, not by depth: but only of a guest that is that deep.

use retake_actor::profile::GUEST_STACK;

/// More than the frames of the shim and its adapters take together.
const SHIM: usize = 16 << 10;

/// A place on the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackDepth(usize);

impl StackDepth {
    /// Where the caller is, to a few hundred bytes.
    pub fn here() -> Self {
        let here = 0u8;
        StackDepth(std::hint::black_box(&raw const here).addr())
    }

    /// Whether guest code that was entered at this place could have been at the end of its stack in the shim.
    pub fn is_nearly_used_up(self) -> bool {
        self.0.saturating_sub(Self::here().0) > GUEST_STACK - SHIM
    }
}
