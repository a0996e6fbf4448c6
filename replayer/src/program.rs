//! Owns [`Program`]: the original component, compiled and linked to the stand-in.

use std::sync::Arc;

use retake_actor::profile::Tuning;
use retake_actor::{
    Actor, ActorContext, ActorStore, Export, Exports, GuestPlace, HasActor, Limits, LoadError, MemoryUse,
    RaisedIn, RaisedOutcome, StandInResources, instrument, link_stand_in, profile,
};
use retake_chain::{ContentRef, EngineProfile, InstanceMode, Outcome, TrapKind};
use retake_verifier::same_track;
use wasmtime::component::{InstancePre, Linker};
use wasmtime::{Engine, Store, StoreContextMut, Trap, UpdateDeadline};

use crate::error::ReplayError;
use crate::options::ReplayOptions;
use crate::stack::StackRoom;
use crate::stand_in::{Answers, Interrupted};

/// A component that is ready to be re-run.
pub struct Program {
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

impl Program {
    /// Compiles and links the component under the recorded profile, and within the bound that the replay has of its own.
    ///
    /// A component whose calls may have ended for what the shim used up is instrumented, as it was when it was recorded.
    pub fn load(
        actor: &Actor,
        recorded: &EngineProfile,
        options: &ReplayOptions,
    ) -> Result<Arc<Program>, ReplayError> {
        Program::load_with(actor, recorded, options, StackRoom::Ample)
    }

    /// The same, with this much stack. With as much as was recorded it is compiled as when it was recorded: instrumented, and
    /// without fuel of the replay's own.
    pub(crate) fn load_with(
        actor: &Actor,
        recorded: &EngineProfile,
        options: &ReplayOptions,
        room: StackRoom,
    ) -> Result<Arc<Program>, ReplayError> {
        profile::check(recorded)
            .map_err(|ours| ReplayError::Profile { recorded: Box::new(recorded.clone()), ours })?;
        if let (Some(fuel), Some(_)) = (recorded.fuel, options.fuel) {
            return Err(ReplayError::TwoBounds { fuel });
        }
        let is_as_recorded = room == StackRoom::AsRecorded;
        let fuel = options.own_fuel(recorded).filter(|_| !is_as_recorded);
        let profile = EngineProfile {
            fuel: recorded.fuel.or(fuel),
            memory_limit: options.memory_limit.unwrap_or(u64::MAX).min(recorded.memory_limit),
            ..recorded.clone()
        };
        let tuning = room.tuning(options.tuning);
        let engine = profile::tuned_engine(&profile, tuning).map_err(|error| ReplayError::engine(&error))?;
        let cache = options.code_cache.as_deref();
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
            watch: options.memory_use.clone(),
        }))
    }

    /// The function that a recorded call was of; a build without it is a divergence at that call, not a fault.
    pub(crate) fn export(&self, recorded: &str) -> Option<&Export> {
        let exact = self.exports.iter().find(|export| export.name == recorded);
        exact.or_else(|| self.exports.iter().find(|export| is_on_track_of(export, recorded)))
    }

    /// A store for a fresh instance of the actor, that `answers` answers.
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

    /// Whether no call of a session in this mode can tell which calls came before it.
    pub(crate) fn calls_are_independent(&self, mode: InstanceMode) -> bool {
        mode == InstanceMode::PerCall && self.exports.iter().all(|export| export.stateful.is_none())
    }
}

impl Program {
    /// Gives the next call in a store what the profile allows it.
    pub(crate) fn begin_call(&self, store: &mut Store<Guest>) -> wasmtime::Result<()> {
        profile::begin_call(store, &self.profile)
    }

    /// Whether a guest was stopped by the replay's own bound, which the recording did not have.
    pub(crate) fn is_own_bound(&self, error: &wasmtime::Error) -> bool {
        self.fuel.is_some() && matches!(error.downcast_ref(), Some(Trap::OutOfFuel))
    }

    /// How a call ended that did not return.
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

/// Called in a guest after the epoch has changed.
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
