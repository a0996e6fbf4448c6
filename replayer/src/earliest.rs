//! Owns [`Earliest`]: the first difference that the re-runs of one take have found so far, and the first
//! event at which they could not decide whether there is one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Engine;

/// The number in the take of the earliest event at which a re-run stopped. Later events are not re-run, as
/// they cannot change the answer.
pub(crate) struct Earliest {
    number: AtomicU64,
    /// The number of the earliest event that was accepted as done by the re-run, which is not certain.
    undecided: AtomicU64,
    engine: OnceLock<Engine>,
}

/// The part of a take to replay again, to decide whether something differs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Undecided {
    /// The number in the take of the first event that is known to differ, or that cannot be checked.
    pub end: Option<u64>,
}

impl Earliest {
    /// Nothing was found yet.
    pub fn new() -> Self {
        let (number, undecided) = (AtomicU64::new(u64::MAX), AtomicU64::new(u64::MAX));
        Earliest { number, undecided, engine: OnceLock::new() }
    }

    /// Nothing was found yet in a replay of that part.
    pub fn in_part(part: Undecided) -> Self {
        let number = part.end.map_or(u64::MAX, |end| end.saturating_sub(1));
        Earliest { number: AtomicU64::new(number), ..Earliest::new() }
    }

    /// Sets the engine whose guests are interrupted.
    pub fn interrupts(&self, engine: &Engine) {
        // A take has one program.
        let _ = self.engine.set(engine.clone());
    }

    /// A re-run stopped at this event.
    pub fn note(&self, number: u64) {
        self.number.fetch_min(number, Ordering::SeqCst);
        // A guest that computes without end after it would delay the answer for ever. Guests of other takes
        // go on.
        self.interrupt_guests();
    }

    /// The event with this number was accepted as done by a re-run, which is not certain.
    pub fn note_undecided(&self, number: u64) {
        self.undecided.fetch_min(number, Ordering::SeqCst);
    }

    /// The part of the take that has to be replayed again, if there is one.
    pub fn undecided(&self) -> Option<Undecided> {
        let found = self.number.load(Ordering::SeqCst);
        let is_undecided = self.undecided.load(Ordering::SeqCst) < found;
        is_undecided.then_some(Undecided { end: (found != u64::MAX).then_some(found) })
    }

    /// Makes every guest ask whether it may go on, now or when it runs next.
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
