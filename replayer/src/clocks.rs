//! Owns the clocks of a replay: [`TakeClock`] and [`CallClock`], which know when a time limit is exceeded. A
//! re-run that is stopped has no verdict.

use std::time::{Duration, Instant};

use retake_actor::Ticker;
use wasmtime::Engine;

use crate::error::ReplayError;
use crate::time_bound::{TimeBound, Timeouts};

/// The shortest and the longest time between two looks of a guest at the clock.
const TICKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// The time of a replay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TakeClock {
    timeouts: Timeouts,
    began: Instant,
}

impl TakeClock {
    /// The replay begins now.
    pub fn start(timeouts: Timeouts) -> Self {
        TakeClock { timeouts, began: Instant::now() }
    }

    /// The bound on the take, if it is exceeded.
    pub fn exceeded(&self) -> Option<TimeBound> {
        let limit = self.timeouts.take?;
        (self.began.elapsed() >= limit).then_some(TimeBound::Take(limit))
    }

    /// Has the guests of this engine look at their clocks at regular times, if there is a bound.
    ///
    /// # Errors
    /// [`ReplayError::NoThread`] if there is no thread for it.
    pub fn ticker(&self, engine: &Engine) -> Result<Option<Ticker>, ReplayError> {
        let limits = [self.timeouts.call, self.timeouts.take];
        let Some(shortest) = limits.into_iter().flatten().min() else { return Ok(None) };
        let (least, most) = TICKS;
        let ticker = Ticker::start(engine.clone(), (shortest / 16).clamp(least, most));
        ticker.map(Some).map_err(|error| ReplayError::no_thread("the clock", &error))
    }
}

/// The time of a call in a replay.
#[derive(Debug)]
pub(crate) struct CallClock {
    take: TakeClock,
    began: Instant,
    /// How long the re-run had waited for events before.
    waited: Duration,
}

impl CallClock {
    /// A call begins now, of a re-run that has waited this long for events.
    pub fn start(take: TakeClock, waited: Duration) -> Self {
        CallClock { take, began: Instant::now(), waited }
    }

    /// The same for the next call.
    pub fn restart(&mut self, waited: Duration) {
        *self = CallClock::start(self.take, waited);
    }

    /// The bound that is exceeded, for a re-run that has waited this long by now.
    pub fn exceeded(&self, waited: Duration) -> Option<TimeBound> {
        let run = self.began.elapsed().saturating_sub(waited.saturating_sub(self.waited));
        let call = self.take.timeouts.call.filter(|limit| run >= *limit).map(TimeBound::Call);
        call.or_else(|| self.take.exceeded())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_a_rerun_waits_for_events_is_not_of_its_call() {
        let timeouts = Timeouts { call: Some(Duration::from_secs(3600)), take: None };
        let take = TakeClock::start(timeouts);
        let began =
            Instant::now().checked_sub(Duration::from_secs(3601)).expect("the machine is up for longer");
        let call = CallClock { take, began, waited: Duration::from_secs(7) };
        assert_eq!(call.exceeded(Duration::from_secs(7)), Some(TimeBound::Call(Duration::from_secs(3600))));
        assert_eq!(call.exceeded(Duration::from_secs(27)), None);
    }
}
