//! Owns [`ReplayOptions`]: how a take is replayed, apart from the actor.

use std::num::NonZero;
use std::sync::Arc;

use retake_actor::profile::Tuning;
use retake_actor::{Actor, CodeCache, MemoryUse};
use retake_chain::EngineProfile;

use crate::error::ReplayError;
use crate::program::{Program, ProgramSettings};
use crate::programs::{ProgramKey, Programs};
use crate::rerun_slots::RerunSlots;
use crate::stack::StackRoom;
use crate::time_bound::Timeouts;

/// How many chains are re-run at once by default: as many as a session of `retake record` can have.
const CHAINS_AT_ONCE: usize = 1024;

/// How a take is replayed, apart from the actor.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Fuel per call, for a take that was recorded without a bound. A build that computes without end then
    /// ends with a trap that says so, which the take does not have. A take that was recorded with a bound is
    /// refused.
    pub fuel: Option<u64>,
    /// The same, but a take that was recorded with a bound keeps its own and is not refused.
    pub fuel_if_unbounded: Option<u64>,
    /// Where compiled code is kept. Without it the component is compiled each time.
    pub code_cache: Option<Arc<CodeCache>>,
    /// Programs to share with other takes.
    pub programs: Option<Arc<Programs>>,
    /// Slots for more re-runs than one for each chain. While one is free, calls that do not depend on each
    /// other are re-run at once. This changes how long a replay takes, and nothing else.
    pub slots: Option<Arc<RerunSlots>>,
    /// Re-run each call on a thread of its own while a slot is free, however short the call is.
    pub thread_per_call: bool,
    /// How many chains are re-run at once, each on a thread of its own; 1024 by default. If more of them are
    /// under way in the take, it is read again for the others.
    pub chains_at_once: Option<NonZero<usize>>,
    /// How long the replay may take. Time is part of no verdict: a replay that takes longer has none.
    pub timeouts: Timeouts,
    /// How the engine is tuned. A deterministic actor cannot observe it.
    pub tuning: Tuning,
    /// A lower limit on each memory than the recorded one, in bytes. An actor that needs no more cannot
    /// observe it.
    pub memory_limit: Option<u64>,
    /// Where the actor's use of memory is noted.
    pub memory_use: Option<Arc<MemoryUse>>,
}

impl ReplayOptions {
    /// How many chains are re-run at once.
    pub(crate) fn chains_at_once(&self) -> usize {
        self.chains_at_once.map_or(CHAINS_AT_ONCE, NonZero::get)
    }

    /// The program for a component, from the shared ones if they have it.
    pub(crate) fn program(
        &self,
        actor: &Actor,
        recorded: &EngineProfile,
        room: StackRoom,
    ) -> Result<Arc<Program>, ReplayError> {
        let settings = ProgramSettings {
            fuel: self.fuel,
            fuel_if_unbounded: self.fuel_if_unbounded,
            memory_limit: self.memory_limit,
            memory_use: self.memory_use.clone(),
            code_cache: self.code_cache.clone(),
            tuning: self.tuning,
            room,
        };
        let Some(programs) = &self.programs else { return Program::load(actor, recorded, &settings) };
        let key = ProgramKey {
            digest: actor.digest,
            fuel: settings.own_fuel(recorded),
            profile: recorded.clone(),
            room,
        };
        programs.get(key, || Program::load(actor, recorded, &settings))
    }
}
