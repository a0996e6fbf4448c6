//! Owns [`Program`]: a component that is ready to run and be recorded. What can be refused is refused here,
//! before a file is created.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use retake_actor::profile::Tuning;
use retake_actor::{
    Actor, ActorContext, ActorStore, CodeCache, Export, Exports, HasActor, LoadError, Tap, Ticker,
    instrument, profile,
};
use retake_chain::log::FORMAT_VERSION;
use retake_chain::{ActorSource, EngineProfile, InstanceMode, SessionKind, SessionStart, TheaterId};
use wasmtime::component::{InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::call_timeout::CallTimeout;
use crate::error::RecordError;
use crate::theater::{GET_CHAIN, RUNTIME};

/// How often a guest that can yield yields while it computes.
const TICK: Duration = Duration::from_millis(10);

/// The data segments of a component of up to this many bytes are copied for each instance.
const SMALL: usize = 1 << 20;

/// What a session is made with, apart from the component and its host.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The engine profile.
    pub profile: EngineProfile,
    /// How the actor is driven. By default its export `wasi:http/incoming-handler` or `wasi:cli/run` says.
    pub kind: Option<SessionKind>,
    /// Whether calls share an instance.
    pub instance_mode: InstanceMode,
    /// Arguments of a command, `argv[0]` included.
    pub arguments: Vec<String>,
    /// Names of the environment variables that the host gives.
    pub env_names: Vec<String>,
    /// Guest paths of the directories that the host gives; read-only ones end with `:ro`.
    pub preopens: Vec<String>,
    /// Whether the host allows the network.
    pub allow_net: bool,
    /// The path of the component, as it was given.
    pub actor_path: String,
    /// Where compiled code is kept. Without it the component is compiled each time.
    pub code_cache: Option<Arc<CodeCache>>,
    /// How many instances may live at a time, if their memory is to be kept ready. It is not if the machine
    /// has no room for that.
    pub pooled_instances: u32,
    /// How long each call may take. It shows only in the event of a call that is given up.
    pub timeout: Option<Arc<CallTimeout>>,
}

impl Default for SessionOptions {
    /// The default profile, a fresh instance per call, and nothing from the host.
    fn default() -> Self {
        SessionOptions {
            profile: profile::default_profile(),
            kind: None,
            instance_mode: InstanceMode::PerCall,
            arguments: Vec::new(),
            env_names: Vec::new(),
            preopens: Vec::new(),
            allow_net: false,
            actor_path: String::new(),
            code_cache: None,
            pooled_instances: 0,
            timeout: None,
        }
    }
}

/// A component that is ready to be recorded, in stores whose data is `T`.
pub struct Program<T: 'static> {
    actor: Actor,
    engine: Engine,
    pre: InstancePre<T>,
    exports: Exports,
    kind: SessionKind,
    asks_for_chain: bool,
    /// Makes guests yield. Without it they compute for as long as they like, and their code is faster.
    ticker: Option<Ticker>,
    options: SessionOptions,
    host: Box<MakeHost<T>>,
}

type MakeHost<T> = dyn Fn(SessionKind, ActorContext) -> Result<T, RecordError> + Send + Sync;

impl<T: HasActor> Program<T> {
    /// Instruments, compiles and links the actor. `link` provides its imports as in any linker. `host` makes
    /// the data of a store for each instance.
    ///
    /// # Errors
    /// [`RecordError`] if the component cannot be recorded, has no export that the session can drive, or has
    /// an import that is not provided.
    pub fn load(
        actor: Actor,
        mut options: SessionOptions,
        link: impl FnOnce(&mut Linker<T>) -> wasmtime::Result<()>,
        host: impl Fn(SessionKind, ActorContext) -> Result<T, RecordError> + Send + Sync + 'static,
    ) -> Result<Arc<Program<T>>, RecordError> {
        let instrumented = instrument(actor.component()).map_err(LoadError::from)?;
        let kind = options.kind.or(instrumented.entry);
        // The actors of a server share its threads.
        let yields = kind == Some(SessionKind::Http) || options.timeout.is_some();
        options.profile.interruptible = yields;
        let compile = |pooled_instances| {
            let copied_data = actor.component().len() < SMALL;
            let tuning = Tuning { pooled_instances, copied_data, ..Tuning::recording(yields) };
            let engine = profile::tuned_engine(&options.profile, tuning).map_err(RecordError::engine)?;
            let cache = options.code_cache.as_deref();
            let component = instrumented.compile(&engine, actor.component_digest(), cache)?;
            Ok::<_, RecordError>((engine, component))
        };
        // Neither a machine without the room nor a component that does not fit has a fault.
        let (engine, component) = match compile(options.pooled_instances) {
            Err(_) if options.pooled_instances > 0 => compile(0),
            compiled => compiled,
        }?;
        let exports = Exports::of(&engine, &component);
        let kind = kind.ok_or_else(|| RecordError::no_entry(&exports))?;
        let mut linker = Linker::new(&engine);
        link(&mut linker).map_err(RecordError::engine)?;
        Tap::add_to_linker(&mut linker, &engine, &instrumented, &component, |data: &mut T| {
            &mut data.actor().tap
        })
        .map_err(RecordError::linking)?;
        let pre = linker.instantiate_pre(&component).map_err(RecordError::linking)?;
        let asks_for_chain = instrumented
            .functions
            .iter()
            .any(|function| &*function.interface == RUNTIME && &*function.function == GET_CHAIN);
        let ticker = yields.then(|| Ticker::start(engine.clone(), TICK)).transpose();
        let ticker = ticker.map_err(|error| RecordError::no_thread("the clock", &error))?;
        let host = Box::new(host);
        Ok(Arc::new(Program { actor, engine, pre, exports, kind, asks_for_chain, ticker, options, host }))
    }

    /// How a session of this program is driven.
    pub fn kind(&self) -> SessionKind {
        self.kind
    }

    /// The actor as it was given.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The functions that it exports.
    pub fn exports(&self) -> &Exports {
        &self.exports
    }

    /// The export that the session drives by itself.
    pub(crate) fn entry(&self) -> Result<&Export, RecordError> {
        self.exports.entry().ok_or_else(|| RecordError::no_entry(&self.exports))
    }

    /// Whether calls share an instance.
    pub fn instance_mode(&self) -> InstanceMode {
        self.options.instance_mode
    }

    /// Whether the actor imports the function that returns its chain.
    pub(crate) fn asks_for_chain(&self) -> bool {
        self.asks_for_chain
    }

    pub(crate) fn pre(&self) -> &InstancePre<T> {
        &self.pre
    }

    /// A store for a fresh instance of the actor.
    pub(crate) fn store(&self, actor: ActorStore) -> Result<Store<T>, RecordError> {
        let profile = &self.options.profile;
        let host = (self.host)(self.kind, ActorContext::new(actor, profile))?;
        Ok(profile::store(&self.engine, profile, host, |host| &mut host.actor().limits))
    }

    /// How long each call may take.
    pub(crate) fn timeout(&self) -> Option<&CallTimeout> {
        self.options.timeout.as_deref()
    }

    /// Whether guests yield while they compute.
    pub(crate) fn yields(&self) -> bool {
        self.ticker.is_some()
    }

    /// Gives the next call in a store the fuel and the time that it may have.
    pub(crate) fn begin_call(&self, store: &mut Store<T>) -> wasmtime::Result<()> {
        if self.yields() {
            store.set_epoch_deadline(1);
        }
        profile::begin_call(store, &self.options.profile)
    }

    /// The genesis of one chain.
    pub(crate) fn genesis(&self, id: TheaterId) -> SessionStart {
        let options = self.options.clone();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        SessionStart {
            format: FORMAT_VERSION,
            actor_id: id,
            actor: ActorSource {
                digest: self.actor.digest,
                size: self.actor.bytes.len() as u64,
                path: options.actor_path,
            },
            kind: self.kind,
            profile: options.profile,
            arguments: options.arguments,
            env_names: options.env_names,
            preopens: options.preopens,
            allow_net: options.allow_net,
            instance_mode: options.instance_mode,
            started_at_unix_ms: since_epoch.map_or(0, |time| time.as_millis() as u64),
        }
    }
}
