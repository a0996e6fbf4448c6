//! Owns the count of requests that no actor handled. The take does not have them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why no actor handled a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The queue was full: 503.
    Busy,
    /// Every actor had ended: 503.
    Ended,
    /// The session ended while the request waited: 502.
    Stopped,
    /// The request named no host, which an actor needs: 400.
    NoHost,
    /// The client went away while the request waited.
    ClientGone,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 5] =
        [Refusal::Busy, Refusal::Ended, Refusal::Stopped, Refusal::NoHost, Refusal::ClientGone];
}

/// How many requests no actor handled, for each reason.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; Refusal::ALL.len()]);

impl Refusals {
    /// How many there are for this reason.
    pub fn of(&self, refusal: Refusal) -> u64 {
        self.0[refusal as usize].load(Ordering::Relaxed)
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        Refusal::ALL.into_iter().map(|refusal| self.of(refusal)).sum()
    }

    pub(super) fn count(&self, refusal: Refusal) {
        self.0[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }
}
