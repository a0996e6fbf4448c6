//! Owns [`RerunSlots`]: how many re-runs may run at once, over all takes that share it. Nobody waits for a
//! slot: a chain that gets none continues in its current re-run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of slots, each for one re-run.
#[derive(Debug)]
pub struct RerunSlots {
    free: AtomicUsize,
}

/// A slot that is taken until this is dropped.
#[derive(Debug)]
pub struct RerunSlot {
    slots: Arc<RerunSlots>,
}

impl RerunSlots {
    /// This many free slots.
    pub fn new(count: usize) -> Arc<RerunSlots> {
        Arc::new(RerunSlots { free: AtomicUsize::new(count) })
    }

    /// A slot, if one is free.
    pub fn take(self: &Arc<Self>) -> Option<RerunSlot> {
        let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        taken.ok().map(|_| RerunSlot { slots: self.clone() })
    }
}

impl Drop for RerunSlot {
    fn drop(&mut self) {
        self.slots.free.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_taken_once_and_is_free_again_when_it_is_left() {
        let slots = RerunSlots::new(2);
        let (first, second) = (slots.take(), slots.take());
        assert!(first.is_some() && second.is_some() && slots.take().is_none());
        drop(first);
        assert!(slots.take().is_some());
    }
}
