//! Owns how a take is replayed: [`ActorBytes`], where the component comes from, and [`ReplayOptions`], all else.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use retake_actor::profile::Tuning;
use retake_actor::{Actor, CodeCache, MemoryUse};
use retake_chain::{ActorSource, EngineProfile, SessionStart};

use crate::error::ReplayError;
use crate::jobs::Jobs;
use crate::program::Program;
use crate::programs::{Key, Programs};
use crate::stack::StackRoom;

/// How many chains are re-run at once, if nothing else is said: as many as a session of `retake record` can have.
const CHAINS_AT_ONCE: usize = 1024;

/// Where the component to re-run comes from.
pub enum ActorBytes<'a> {
    /// Another build, on purpose: its digest need not be the recorded one.
    Given(Vec<u8>),
    /// The same, of a function that keeps what it has loaded: for many takes.
    Loaded(&'a dyn Fn() -> Result<Arc<Actor>, ReplayError>),
    /// The recorded one: from the take if it is embedded, else what this function finds at the recorded path.
    Recorded(&'a dyn Fn(&str) -> io::Result<Vec<u8>>),
    /// The same, of a function that looks for it by its digest, where it may lie, and keeps what it has loaded.
    Found(&'a dyn Fn(&ActorSource) -> Result<Arc<Actor>, ReplayError>),
}

/// How a take is replayed, apart from the actor.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Fuel per call, for a take that was recorded without a bound: a build that computes without end then ends with a
    /// trap that says so, which the take does not have.
    pub fuel: Option<u64>,
    /// The same for one of many takes: those that were recorded with a bound keep theirs, and are not refused.
    pub fuel_if_unbounded: Option<u64>,
    /// Where compiled code is kept; without it the component is compiled each time.
    pub code_cache: Option<Arc<CodeCache>>,
    /// Programs that were made for other takes, and will be for this one.
    pub programs: Option<Arc<Programs>>,
    /// Places for re-runs beside the one that each chain has: while one is free, calls that do not depend on each other are re-run at
    /// once. The answer is the same; only how long it takes is not.
    pub jobs: Option<Arc<Jobs>>,
    /// Re-run each call on a thread of its own while a place is free, however short it is.
    pub thread_per_call: bool,
    /// How many chains are re-run at once, each on a thread of its own; without it 1024. A take that has more of them under way is
    /// read again for the others.
    pub chains_at_once: Option<NonZero<usize>>,
    /// How long it may take. Time is in no verdict: a replay that takes longer has none.
    pub timeouts: Timeouts,
    /// How the engine is tuned, which a deterministic actor cannot tell.
    pub tuning: Tuning,
    /// A lower limit on each memory than the recorded one, in bytes. An actor that needs no more cannot tell either.
    pub memory_limit: Option<u64>,
    /// Sees how much memory the actor uses.
    pub memory_use: Option<Arc<MemoryUse>>,
}

/// How long a replay may take. Time that a re-run waits for the reader of the take is not counted for a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Each export call.
    pub call: Option<Duration>,
    /// The whole take, with the time that it takes to compile the component.
    pub take: Option<Duration>,
}

impl ReplayOptions {
    /// How many chains are re-run at once.
    pub(crate) fn chains_at_once(&self) -> usize {
        self.chains_at_once.map_or(CHAINS_AT_ONCE, NonZero::get)
    }

    /// The replay's own fuel for a take of that profile.
    pub(crate) fn own_fuel(&self, recorded: &EngineProfile) -> Option<u64> {
        self.fuel.or(self.fuel_if_unbounded.filter(|_| recorded.fuel.is_none()))
    }

    /// The program for a component, from those that are shared if they have it.
    pub(crate) fn program(
        &self,
        actor: &Actor,
        start: &SessionStart,
        room: StackRoom,
    ) -> Result<Arc<Program>, ReplayError> {
        let make = || Program::load_with(actor, &start.profile, self, room);
        let Some(programs) = &self.programs else { return make() };
        let profile = start.profile.clone();
        let key = Key { digest: actor.digest, fuel: self.own_fuel(&profile), profile, room };
        programs.get(key, make)
    }
}

impl ActorBytes<'_> {
    /// The component to re-run for a session that begins so; `embedded` is what the take has of it.
    pub(crate) fn load(
        &mut self,
        start: &SessionStart,
        embedded: &mut Vec<u8>,
    ) -> Result<Arc<Actor>, ReplayError> {
        let actor = match self {
            ActorBytes::Given(bytes) => return Ok(Arc::new(Actor::new(bytes)?)),
            ActorBytes::Loaded(load) => return load(),
            // The checker has compared its digest with the genesis.
            _ if !embedded.is_empty() => Arc::new(Actor::new(&std::mem::take(embedded))?),
            ActorBytes::Recorded(find) => {
                let bytes = find(&start.actor.path).map_err(|error| ReplayError::ActorMissing {
                    path: start.actor.path.clone(),
                    reason: error.to_string(),
                })?;
                Arc::new(Actor::new(&bytes)?)
            }
            ActorBytes::Found(find) => find(&start.actor)?,
        };
        if actor.digest != start.actor.digest {
            return Err(ReplayError::OtherActor {
                path: start.actor.path.clone(),
                found: actor.digest,
                recorded: start.actor.digest,
            });
        }
        Ok(actor)
    }
}
