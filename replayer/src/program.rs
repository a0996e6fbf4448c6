//! Owns [`Program`]: the original component, compiled and linked to the stand-in.

use std::sync::Arc;

use retake_actor::profile::Tuning;
use retake_actor::{
    Actor, ActorContext, ActorStore, CodeCache, Export, Exports, GuestPlace, HasActor, Limits, LoadError,
    MemoryUse, RaisedIn, RaisedOutcome, StandInResources, instrument, link_stand_in, profile,
};
use retake_chain::{ContentRef, EngineProfile, InstanceMode, Outcome, TrapKind};
use retake_verifier::same_track;
use wasmtime::component::{InstancePre, Linker};
use wasmtime::{Engine, Store, StoreContextMut, Trap, UpdateDeadline};

use crate::error::ReplayError;
use crate::stack::StackRoom;
use crate::stand_in::{Answers, Interrupted};

/// A component that is ready to be re-run.
pub(crate) struct Program {
    /// Digest of the component.
    pub(crate) digest: ContentRef,
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<Guest>,
    pub(crate) exports: Exports,
    /// What it runs under: the recorded profile, with the replay's own fuel if it has a bound of its own.
    pub(crate) profile: EngineProfile,
    /// The replay's own fuel.
    pub(crate) fuel: Option<u64>,
    pub(crate) resources: StandInResources,
    pub(crate) tuning: Tuning,
    watch: Option<Arc<MemoryUse>>,
}

/// The data of a store in which an actor is re-run.
pub(crate) struct Guest {
    pub(crate) actor: ActorContext,
    pub(crate) answers: Answers,
}

impl HasActor for Guest {
    fn actor(&mut self) -> &mut ActorContext {
        &mut self.actor
    }
}

/// What a program is made with, apart from the component and the recorded profile.
pub(crate) struct ProgramSettings {
    /// Fuel per call, which no recorded bound may contradict.
    pub fuel: Option<u64>,
    /// Fuel per call where the take was recorded without a bound.
    pub fuel_if_unbounded: Option<u64>,
    pub memory_limit: Option<u64>,
    pub memory_use: Option<Arc<MemoryUse>>,
    pub code_cache: Option<Arc<CodeCache>>,
    pub tuning: Tuning,
    pub room: StackRoom,
}

impl ProgramSettings {
    /// The replay's own fuel for a take of that profile.
    pub fn own_fuel(&self, recorded: &EngineProfile) -> Option<u64> {
        self.fuel.or(self.fuel_if_unbounded.filter(|_| recorded.fuel.is_none()))
    }
}

impl Program {
    /// Compiles and links the component under the recorded profile, and within the replay's own bound.
    ///
    /// A component is instrumented, as it was in the recording, if its calls may have ended because of what
    /// the shim used up. With [`StackRoom::AsRecorded`] it is always instrumented, and has no fuel of the
    /// replay's own.
    pub(crate) fn load(
        actor: &Actor,
        recorded: &EngineProfile,
        settings: &ProgramSettings,
    ) -> Result<Arc<Program>, ReplayError> {
        profile::check(recorded)
            .map_err(|ours| ReplayError::Profile { recorded: Box::new(recorded.clone()), ours })?;
        if let (Some(fuel), Some(_)) = (recorded.fuel, settings.fuel) {
            return Err(ReplayError::TwoBounds { fuel });
        }
        let is_as_recorded = settings.room == StackRoom::AsRecorded;
        let fuel = settings.own_fuel(recorded).filter(|_| !is_as_recorded);
        let profile = EngineProfile {
            fuel: recorded.fuel.or(fuel),
            memory_limit: settings.memory_limit.unwrap_or(u64::MAX).min(recorded.memory_limit),
            ..recorded.clone()
        };
        let tuning = settings.room.tuning(settings.tuning, recorded);
        let engine = profile::tuned_engine(&profile, tuning).map_err(|error| ReplayError::engine(&error))?;
        let cache = settings.code_cache.as_deref();
        let has_shim = is_as_recorded || profile::bounds_the_shim(recorded);
        let shim = has_shim.then(|| instrument(actor.component())).transpose();
        let shim = shim.map_err(LoadError::from)?;
        let component = match &shim {
            Some(instrumented) => instrumented.compile(&engine, actor.component_digest(), cache)?,
            None => actor.compile(&engine, cache)?,
        };
        let mut linker = Linker::new(&engine);
        let resources =
            link_stand_in(&mut linker, &engine, &component, shim.as_ref(), |guest: &mut Guest| {
                &mut guest.answers
            })
            .map_err(|error| ReplayError::engine(&error))?;
        let pre = linker.instantiate_pre(&component).map_err(|error| ReplayError::engine(&error))?;
        Ok(Arc::new(Program {
            exports: Exports::of(&engine, &component),
            digest: actor.digest,
            engine,
            pre,
            profile,
            fuel,
            resources,
            tuning,
            watch: settings.memory_use.clone(),
        }))
    }

    /// The export that a recorded call was made of. A build without it diverges at that call.
    pub(crate) fn export(&self, recorded: &str) -> Option<&Export> {
        let exact = self.exports.iter().find(|export| export.name == recorded);
        exact.or_else(|| self.exports.iter().find(|export| is_on_track_of(export, recorded)))
    }

    /// A store for a fresh instance of the actor, whose calls `answers` answers.
    pub(crate) fn store(&self, actor: ActorStore, answers: Answers) -> Store<Guest> {
        let mut guest = Guest { actor: ActorContext::new(actor, &self.profile), answers };
        guest.actor.limits = guest.actor.limits.watched(self.watch.clone());
        let mut store = profile::store(&self.engine, &self.profile, guest, |guest| &mut guest.actor.limits);
        if self.tuning.interruptible {
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(interrupted);
        }
        store
    }

    /// Whether no call of a session in this mode can observe which calls came before it.
    pub(crate) fn calls_are_independent(&self, mode: InstanceMode) -> bool {
        mode == InstanceMode::PerCall && self.exports.iter().all(|export| export.stateful.is_none())
    }

    /// Gives the next call in a store what the profile allows it.
    pub(crate) fn begin_call(&self, store: &mut Store<Guest>) -> wasmtime::Result<()> {
        profile::begin_call(store, &self.profile)
    }

    /// Whether a guest was stopped by the replay's own bound, which the recording did not have.
    pub(crate) fn is_own_bound(&self, error: &wasmtime::Error) -> bool {
        self.fuel.is_some() && matches!(error.downcast_ref(), Some(Trap::OutOfFuel))
    }

    /// The outcome of a call that did not return.
    pub(crate) fn outcome_of(
        &self,
        limits: &Limits,
        error: &wasmtime::Error,
        raised_in: RaisedIn,
    ) -> Outcome {
        match (limits.outcome_of(error, raised_in, |_| None), self.fuel) {
            (Outcome::Trapped { kind: TrapKind::OutOfFuel, message }, Some(fuel))
                if !error.is::<RaisedOutcome>() =>
            {
                let message = format!("{message}; the replay's own bound is {fuel} per call");
                Outcome::Trapped { kind: TrapKind::OutOfFuel, message }
            }
            (outcome, _) => outcome,
        }
    }
}

/// Called while a guest runs, after the epoch has changed.
fn interrupted(mut guest: StoreContextMut<'_, Guest>) -> wasmtime::Result<UpdateDeadline> {
    match guest.data_mut().answers.interrupted() {
        Interrupted::GoesOn => return Ok(UpdateDeadline::Continue(1)),
        Interrupted::Watched => return Ok(UpdateDeadline::Continue(0)),
        Interrupted::Exhausted(outcome) => return Err(RaisedOutcome(outcome).into()),
        Interrupted::Superseded => {}
        Interrupted::Overdue(bound) => {
            let place = GuestPlace::of(&guest);
            guest.data_mut().answers.timed_out(bound, place);
        }
    }
    Ok(UpdateDeadline::Interrupt)
}

fn is_on_track_of(export: &Export, recorded: &str) -> bool {
    match (export.parts(), recorded.rsplit_once('/')) {
        ((Some(interface), function), Some((recorded_interface, recorded_function))) => {
            function == recorded_function && same_track(recorded_interface, interface)
        }
        _ => false,
    }
}
