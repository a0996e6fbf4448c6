//! Owns [`Jobs`]: how many re-runs may go on at once, over all takes that share it. Nobody waits for a place here; who gets none
//! goes on with what it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Places for re-runs.
#[derive(Debug)]
pub struct Jobs {
    free: AtomicUsize,
}

/// A place that is taken, until this is dropped.
#[derive(Debug)]
pub struct Job {
    jobs: Arc<Jobs>,
}

impl Jobs {
    /// So many places.
    pub fn new(places: usize) -> Arc<Jobs> {
        Arc::new(Jobs { free: AtomicUsize::new(places) })
    }

    /// A place, if one is free.
    pub fn take(self: &Arc<Self>) -> Option<Job> {
        let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        taken.ok().map(|_| Job { jobs: self.clone() })
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.jobs.free.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_once_and_is_free_again_when_it_is_left() {
        let jobs = Jobs::new(2);
        let (first, second) = (jobs.take(), jobs.take());
        assert!(first.is_some() && second.is_some() && jobs.take().is_none());
        drop(first);
        assert!(jobs.take().is_some());
    }
}
