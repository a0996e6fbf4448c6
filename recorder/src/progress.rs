//! Owns [`Progress`]: counts of what has been written.

use std::sync::atomic::{AtomicU64, Ordering};

use retake_chain::log::EventRecords;

/// Counts of what has been written, for display while the session runs.
#[derive(Debug, Default)]
pub struct Progress {
    events: AtomicU64,
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Events written.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Export calls that have ended.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Bytes of event data, before compression.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts events that were written.
    pub(crate) fn count(&self, written: &EventRecords) {
        self.events.fetch_add(written.events(), Ordering::Relaxed);
        self.bytes.fetch_add(written.data_bytes(), Ordering::Relaxed);
        self.calls.fetch_add(written.ended_calls(), Ordering::Relaxed);
    }
}
