//! Owns the bounds in time on a replay: [`TakeClock`] and [`CallClock`], which know when one is exceeded, and [`Ticker`], which has
//! the guests look at them. A re-run that is stopped by one has no verdict.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use retake_actor::GuestPlace;
use retake_chain::TheaterId;
use wasmtime::Engine;

use crate::error::ReplayError;
use crate::options::Timeouts;

/// How often guests look at the clock, at the least and at the most.
const TICKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// Where a replay was when it was stopped since it took too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// Which bound it was.
    pub bound: TimeBound,
    /// Number of the chain in the take.
    pub chain_number: u32,
    /// Actor of the chain.
    pub chain: TheaterId,
    /// The call: its number in the chain, and the export.
    pub call: Option<(u64, String)>,
    /// Index in the chain of the last event that was checked.
    pub last_event: Option<u64>,
    /// Where the guest was.
    pub guest: Option<GuestPlace>,
}

/// A bound in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeBound {
    /// On each call.
    Call(Duration),
    /// On the whole take.
    Take(Duration),
}

impl fmt::Display for TimeBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeBound::Call(limit) => write!(f, "a call took longer than {limit:?}"),
            TimeBound::Take(limit) => write!(f, "the replay took longer than {limit:?}"),
        }
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and was stopped: chain {} (actor {})", self.bound, self.chain_number, self.chain)?;
        if let Some((number, function)) = &self.call {
            write!(f, ", call {number}, `{}`", function.escape_debug())?;
        }
        if let Some(event) = self.last_event {
            write!(f, ", after event {event} of the chain")?;
        }
        match &self.guest {
            Some(guest) => write!(f, ", {guest}"),
            None => Ok(()),
        }
    }
}

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

    /// Has the guests of this engine look at their clocks from time to time, if there is a bound.
    ///
    /// # Errors
    /// [`ReplayError::Engine`] without a thread.
    pub fn ticker(&self, engine: &Engine) -> Result<Option<Ticker>, ReplayError> {
        let limits = [self.timeouts.call, self.timeouts.take];
        let Some(shortest) = limits.into_iter().flatten().min() else { return Ok(None) };
        let (least, most) = TICKS;
        Ticker::start(engine.clone(), (shortest / 16).clamp(least, most)).map(Some)
    }
}

/// The time of a call in a replay.
#[derive(Debug)]
pub(crate) struct CallClock {
    take: TakeClock,
    began: Instant,
    /// What the re-run had waited for events before.
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

    /// The bound that is exceeded, of a re-run that has waited this long by now.
    pub fn exceeded(&self, waited: Duration) -> Option<TimeBound> {
        let run = self.began.elapsed().saturating_sub(waited.saturating_sub(self.waited));
        let call = self.take.timeouts.call.filter(|limit| run >= *limit).map(TimeBound::Call);
        call.or_else(|| self.take.exceeded())
    }
}

/// A thread that advances an engine's epoch from time to time, until this is dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    _stop: Sender<()>,
}

impl Ticker {
    fn start(engine: Engine, tick: Duration) -> Result<Ticker, ReplayError> {
        let (stop, stopped) = channel();
        let ticks = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(tick) {
                engine.increment_epoch();
            }
        };
        thread::Builder::new()
            .name("retake-clock".into())
            .spawn(ticks)
            .map_err(|error| ReplayError::Engine { reason: format!("no thread for the clock: {error}") })?;
        Ok(Ticker { _stop: stop })
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
