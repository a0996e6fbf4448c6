//! Owns [`Earliest`]: where the re-runs of one take, beside each other, have found the first difference so far.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Engine;

/// The number in the take of the earliest event at which a re-run stopped. What comes behind it is not re-run: it cannot change the
/// answer any more.
pub(crate) struct Earliest {
    number: AtomicU64,
    engine: OnceLock<Engine>,
}

impl Earliest {
    /// Nothing was found yet.
    pub fn new() -> Self {
        Earliest { number: AtomicU64::new(u64::MAX), engine: OnceLock::new() }
    }

    /// The engine in which the re-runs are, whose guests are to be interrupted.
    pub fn interrupts(&self, engine: &Engine) {
        // The programs of a take are one.
        let _ = self.engine.set(engine.clone());
    }

    /// A re-run stopped at this event.
    pub fn note(&self, number: u64) {
        self.number.fetch_min(number, Ordering::SeqCst);
        // A guest that computes without end behind it would keep the answer back. Guests of other takes go on.
        self.interrupt_guests();
    }

    /// Has every guest ask what becomes of it, now or when it runs next.
    pub fn interrupt_guests(&self) {
        if let Some(engine) = self.engine.get() {
            engine.increment_epoch();
        }
    }

    /// Whether a re-run stopped before this event.
    pub fn is_before(&self, number: u64) -> bool {
        number > self.number.load(Ordering::SeqCst)
    }
}
