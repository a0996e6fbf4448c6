//! Owns the time limits of a replay as data: [`Timeouts`], the limits, and [`TimedOut`], where one was
//! exceeded.

use std::fmt;
use std::time::Duration;

use retake_actor::GuestPlace;
use retake_chain::TheaterId;

/// How long a replay may take. Time that a re-run waits for the reader of the take is not counted for a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Each export call.
    pub call: Option<Duration>,
    /// The whole take, with the time that it takes to compile the component.
    pub take: Option<Duration>,
}

/// Where a replay was when it was stopped because it took too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// Which bound it was.
    pub bound: TimeBound,
    /// Number of the chain in the take.
    pub chain_number: u32,
    /// Actor of the chain.
    pub chain: TheaterId,
    /// The call in progress: its number in the chain, and the export.
    pub call: Option<(u64, String)>,
    /// Index in the chain of the last event that was checked.
    pub last_event: Option<u64>,
    /// Where the guest was.
    pub guest: Option<GuestPlace>,
}

/// A bound in time that was exceeded.
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
