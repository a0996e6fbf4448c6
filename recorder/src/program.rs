//! Owns [`Program`]: a component made ready to run and be recorded. Everything that can be refused is refused here, before
//! a file is created.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use retake_actor::{Actor, ActorError, Entry, EntryKind, Tap, compile, instrument, profile};
use retake_chain::log::FORMAT_VERSION;
use retake_chain::{
    ActorSource, EngineProfile, InstanceMode, SessionKind, SessionStart, StateChain, TheaterId,
};
use wasmtime::Engine;
use wasmtime::component::InstancePre;

use crate::error::RecordError;
use crate::host::{Host, Permissions, linker};

/// What a session is made with, apart from the component.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The engine profile.
    pub profile: EngineProfile,
    /// What the actor may reach.
    pub permissions: Permissions,
    /// Arguments of a command, `argv[0]` included.
    pub arguments: Vec<String>,
    /// The path of the component, as it was given.
    pub actor_path: String,
}

/// A component that is ready to be recorded.
pub struct Program {
    pub(crate) actor: Actor,
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<Host>,
    pub(crate) entry: Entry,
    pub(crate) options: SessionOptions,
}

impl Program {
    /// Instruments, compiles and links the actor. Fails if it has no export that a session can drive, or imports
    /// something that is not provided.
    pub fn load(actor: Actor, options: SessionOptions) -> Result<Arc<Program>, RecordError> {
        let instrumented = instrument(&actor.bytes).map_err(ActorError::from)?;
        let engine = profile::engine(&options.profile).map_err(RecordError::engine)?;
        let component = compile(&engine, &instrumented.component)?;
        let entry = Entry::find(&engine, &component)?;
        let mut linker = linker(&engine).map_err(RecordError::engine)?;
        Tap::add_to_linker(&mut linker, &engine, &instrumented, &component, |host: &mut Host| &mut host.tap)
            .map_err(RecordError::engine)?;
        let pre = linker
            .instantiate_pre(&component)
            .map_err(|error| RecordError::Import { reason: format!("{error:#}") })?;
        options.permissions.check()?;
        Ok(Arc::new(Program { actor, engine, pre, entry, options }))
    }

    /// Which kind of export a session of this program drives.
    pub fn kind(&self) -> EntryKind {
        self.entry.kind
    }

    /// The component as it was given.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The genesis of one chain.
    pub(crate) fn genesis(&self, id: TheaterId) -> SessionStart {
        let options = &self.options;
        let permissions = &options.permissions;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        SessionStart {
            format: FORMAT_VERSION,
            actor_id: id,
            actor: ActorSource {
                digest: self.actor.digest,
                size: self.actor.bytes.len() as u64,
                path: options.actor_path.clone(),
            },
            kind: match self.entry.kind {
                EntryKind::Http => SessionKind::Http,
                EntryKind::Command => SessionKind::Command,
            },
            profile: options.profile.clone(),
            arguments: options.arguments.clone(),
            env_names: permissions.env.iter().map(|(name, _)| name.clone()).collect(),
            preopens: permissions
                .dirs
                .iter()
                .map(|dir| match dir.read_only {
                    true => format!("{}:ro", dir.guest),
                    false => dir.guest.clone(),
                })
                .collect(),
            allow_net: permissions.allow_net,
            instance_mode: InstanceMode::PerCall,
            started_at_unix_ms: since_epoch.map_or(0, |time| time.as_millis() as u64),
        }
    }

    /// A chain for a new actor of this program; it has no event yet.
    pub(crate) fn new_chain(&self) -> Arc<StateChain> {
        Arc::new(StateChain::new(TheaterId::generate()))
    }
}
