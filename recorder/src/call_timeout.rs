//! Owns the time limit of the calls of a session, [`CallTimeout`].
//!
//! A call that takes longer is given up wherever it is: its future is dropped while it waits for the host, or
//! when the guest yields, which it does at every tick. Until then, nothing that is recorded depends on the
//! limit.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use retake_actor::{FunctionName, GuestPlace};
use retake_chain::TheaterId;
use wasmtime::{Store, UpdateDeadline};

/// How long each call of a session may take, and which ones took longer.
#[derive(Debug)]
pub struct CallTimeout {
    limit: Duration,
    given_up: AtomicU64,
    first: OnceLock<TimedOutCall>,
}

/// A call that was given up because it took too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOutCall {
    /// The bound.
    pub limit: Duration,
    /// The actor.
    pub actor: TheaterId,
    /// Number of the call in the actor's chain, from 0.
    pub call: u64,
    /// The export.
    pub function: String,
    /// Index in the chain of the last event before the call was given up.
    pub last_event: u64,
    /// The host call that it waited for.
    pub waiting_for: Option<FunctionName>,
    /// Where the guest was, if it was computing.
    pub guest: Option<GuestPlace>,
}

impl fmt::Display for TimedOutCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TimedOutCall { limit, actor, call, function, last_event, waiting_for, guest } = self;
        write!(f, "`{function}` took longer than {limit:?} and was given up: call {call} of actor {actor}")?;
        write!(f, ", after event {last_event} of its chain")?;
        match (waiting_for, guest) {
            (Some(host_call), _) => write!(f, ", waiting for `{host_call}`"),
            (None, Some(guest)) => write!(f, ", {guest}"),
            (None, None) => Ok(()),
        }
    }
}

impl CallTimeout {
    /// A bound on each call.
    pub fn new(limit: Duration) -> Arc<CallTimeout> {
        Arc::new(CallTimeout { limit, given_up: AtomicU64::new(0), first: OnceLock::new() })
    }

    /// The bound.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// How many calls took longer.
    pub fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    /// The first call that took longer.
    pub fn first(&self) -> Option<&TimedOutCall> {
        self.first.get()
    }

    pub(crate) fn note(&self, call: TimedOutCall) {
        // The first of several stays.
        let _ = self.first.set(call);
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }
}

/// Where the guest of a store was when it last gave way.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastGuestPlace(Arc<Mutex<Option<GuestPlace>>>);

impl LastGuestPlace {
    /// Makes the guest yield whenever the epoch changes, and notes where it is.
    pub fn watch<T>(&self, store: &mut Store<T>) {
        let noted = self.0.clone();
        store.epoch_deadline_callback(move |guest| {
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = GuestPlace::of(&guest);
            Ok(UpdateDeadline::Yield(1))
        });
    }

    pub fn take(&self) -> Option<GuestPlace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
