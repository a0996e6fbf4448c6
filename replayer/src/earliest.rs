//! Owns [`Earliest`]: where the re-runs of one take, beside each other, have found the first difference so far, and where they
//! could not tell whether there is one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Engine;

/// The number in the take of the earliest event at which a re-run stopped. What comes behind it is not re-run: it cannot change the
/// answer any more.
pub(crate) struct Earliest {
    number: AtomicU64,
    /// The number of the earliest event that was taken for what the re-run did, and may not be.
    undecided: AtomicU64,
    engine: OnceLock<Engine>,
}

/// What of a take is to be replayed again, to find out whether something differs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Undecided {
    /// The number in the take of the first event that is known to differ, or not to be checked, if one is.
    pub end: Option<u64>,
}

impl Earliest {
    /// Nothing was found yet.
    pub fn new() -> Self {
        let (number, undecided) = (AtomicU64::new(u64::MAX), AtomicU64::new(u64::MAX));
        Earliest { number, undecided, engine: OnceLock::new() }
    }

    /// Nothing was found yet, in a replay of that part.
    pub fn in_part(part: Undecided) -> Self {
        let number = part.end.map_or(u64::MAX, |end| end.saturating_sub(1));
        Earliest { number: AtomicU64::new(number), ..Earliest::new() }
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

    /// The event with this number was taken for what a re-run did, which is not certain.
    pub fn note_undecided(&self, number: u64) {
        self.undecided.fetch_min(number, Ordering::SeqCst);
    }

    /// The part of the take in which it is not certain that there is no difference, if there is one.
    pub fn undecided(&self) -> Option<Undecided> {
        let found = self.number.load(Ordering::SeqCst);
        let is_undecided = self.undecided.load(Ordering::SeqCst) < found;
        is_undecided.then_some(Undecided { end: (found != u64::MAX).then_some(found) })
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
