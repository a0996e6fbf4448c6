//! Owns [`Program`]: the original component, compiled and linked to the stand-in.

use std::sync::Arc;

use retake_actor::{
    Actor, ActorContext, ActorStore, Export, Exports, HasActor, StandInResources, compile, link_stand_in,
    profile,
};
use retake_chain::EngineProfile;
use retake_verifier::same_track;
use wasmtime::component::{InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::error::ReplayError;
use crate::stand_in::Answers;

/// A component that is ready to be re-run.
pub struct Program {
    pub(crate) actor: Actor,
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<Guest>,
    pub(crate) exports: Exports,
    pub(crate) profile: EngineProfile,
    pub(crate) resources: StandInResources,
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
    /// Compiles and links the component under the recorded profile.
    pub fn load(actor: Actor, profile: &EngineProfile) -> Result<Arc<Program>, ReplayError> {
        profile::check(profile)
            .map_err(|ours| ReplayError::Profile { recorded: Box::new(profile.clone()), ours })?;
        let engine = profile::engine(profile).map_err(|error| ReplayError::engine(&error))?;
        let component = compile(&engine, &actor.bytes)?;
        let mut linker = Linker::new(&engine);
        let resources =
            link_stand_in(&mut linker, &engine, &component, |guest: &mut Guest| &mut guest.answers)
                .map_err(|error| ReplayError::engine(&error))?;
        let pre = linker.instantiate_pre(&component).map_err(|error| ReplayError::engine(&error))?;
        Ok(Arc::new(Program {
            exports: Exports::of(&engine, &component),
            actor,
            engine,
            pre,
            profile: profile.clone(),
            resources,
        }))
    }

    /// The function that a recorded call was of; a build without it is a divergence at that call, not a fault.
    pub(crate) fn export(&self, recorded: &str) -> Option<&Export> {
        let exact = self.exports.iter().find(|export| export.name == recorded);
        exact.or_else(|| self.exports.iter().find(|export| is_on_track_of(export, recorded)))
    }

    /// A store for a fresh instance of the actor, that `answers` answers.
    pub(crate) fn store(&self, actor: ActorStore, answers: Answers) -> Store<Guest> {
        let guest = Guest { actor: ActorContext::new(actor, &self.profile), answers };
        profile::store(&self.engine, &self.profile, guest, |guest| &mut guest.actor.limits)
    }
}

fn is_on_track_of(export: &Export, recorded: &str) -> bool {
    match (export.parts(), recorded.rsplit_once('/')) {
        ((Some(interface), function), Some((recorded_interface, recorded_function))) => {
            function == recorded_function && same_track(recorded_interface, interface)
        }
        _ => false,
    }
}
