//! Owns the recording and the replay of a generated guest, through the recorder and the replayer that
//! everybody uses. Its host is scripted, and goes through wasmtime's own values.

use std::fs::File;
use std::io::Read;

use retake_actor::abi::val::{from_value, to_value};
use retake_chain::log::{LogReader, Record};
use retake_chain::{ChainEventPayload, EngineProfile, Value, WasmErrorKind, WasmEventData};
use retake_recorder::{
    Actor, ActorContext, CancellationToken, Durability, HasActor, InstanceMode, LiveActor, LogWriter,
    Program, RecordError, Recorder, Session, SessionKind, SessionOptions,
};
use retake_replayer::{ActorBytes, ReplayOptions, ReplayReport, replay_with};
use wasmtime::component::{Linker, ResourceAny, ResourceDynamic, ResourceType, Val};

/// The interface that guests import.
const HOST: &str = "retake:abuse/host";
/// The host's resource types: `thing` and `other`.
const THING: u32 = 500;
const OTHER: u32 = 501;

/// What happens in a session, apart from the guest.
#[derive(Clone, Debug)]
pub struct Script {
    pub profile: EngineProfile,
    pub instance_mode: InstanceMode,
    /// What `go` is called with, call by call.
    pub calls: Vec<Vec<Value>>,
    /// What `give` answers each time.
    pub gives: Option<Value>,
}

struct Host {
    actor: ActorContext,
    made: u32,
}

impl HasActor for Host {
    fn actor(&mut self) -> &mut ActorContext {
        &mut self.actor
    }
}

/// A recorded session.
pub struct Taped {
    pub component: Vec<u8>,
    pub take: Vec<u8>,
}

impl Script {
    /// Records the calls of `go`.
    pub fn record(&self, component: &str) -> Result<Taped, RecordError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.record_here(component))
    }

    async fn record_here(&self, component: &str) -> Result<Taped, RecordError> {
        let component = wat::parse_str(component).unwrap_or_else(|error| panic!("{error}\n{component}"));
        let options = SessionOptions {
            kind: Some(SessionKind::Invoke),
            profile: self.profile.clone(),
            instance_mode: self.instance_mode,
            ..SessionOptions::default()
        };
        let actor = Actor::new(&component)?;
        let gives = self.gives.clone();
        let link = |linker: &mut Linker<Host>| link(linker, gives);
        let program = Program::load(actor, options, link, |_, actor| Ok(Host { actor, made: 1000 }))?;
        let mut file = tempfile::tempfile().expect("a file");
        let write = |file: &File| file.try_clone().expect("the same file");
        let recorder = Recorder::start(LogWriter::create(write(&file)).expect("a take"), Durability::None)?;
        let session = Session::new();
        let actor = LiveActor::start(&program, &recorder, &session, CancellationToken::new()).await?;
        let actor = actor.spawn()?;
        for arguments in &self.calls {
            // How it ends is in the take.
            let _ = actor.handle().call_function("go", arguments.clone()).await;
        }
        // An actor that could not be recorded says so when it is joined.
        let _ = actor.handle().shutdown().await;
        actor.join().await?;
        recorder.seal().await?;
        let mut take = Vec::new();
        std::io::Seek::rewind(&mut file).expect("a file");
        file.read_to_end(&mut take).expect("the take");
        Ok(Taped { component, take })
    }
}

fn link(linker: &mut Linker<Host>, gives: Option<Value>) -> wasmtime::Result<()> {
    let mut host = linker.instance(HOST)?;
    host.resource("thing", ResourceType::host_dynamic(THING), |_, _| Ok(()))?;
    host.resource("other", ResourceType::host_dynamic(OTHER), |_, _| Ok(()))?;
    for (name, kind) in [("make", THING), ("make-other", OTHER)] {
        host.func_new(name, move |mut store, _, _, results| {
            store.data_mut().made += 1;
            let made = ResourceDynamic::new_own(store.data().made, kind);
            results[0] = Val::Resource(made.try_into_resource_any(&mut store)?);
            Ok(())
        })?;
    }
    host.func_new("poke", |_, _, _, _| Ok(()))?;
    host.func_new("take", |mut store, ty, arguments, _| {
        for (argument, (_, ty)) in arguments.iter().zip(ty.params()) {
            // A borrow has to be given back.
            let give_back = &mut |any: &ResourceAny| Ok(any.try_into_resource_dynamic(&mut store)?.rep());
            to_value(argument, &ty, give_back)?;
        }
        Ok(())
    })?;
    host.func_new("give", move |mut store, ty, _, results| {
        if let (Some(ty), Some(value)) = (ty.results().next(), &gives) {
            let own = &mut |_, rep| ResourceDynamic::new_own(rep, THING).try_into_resource_any(&mut store);
            results[0] = from_value(value, &ty, own)?;
        }
        Ok(())
    })
}

impl Taped {
    /// Replays the session with the guest that was recorded.
    pub fn replay(&self, options: ReplayOptions) -> ReplayReport {
        let build = ActorBytes::Given(self.component.clone());
        replay_with(std::io::Cursor::new(&self.take), build, options)
            .unwrap_or_else(|error| panic!("no replay: {error}"))
    }

    /// How the calls ended that did not return.
    pub fn ends(&self) -> Vec<(WasmErrorKind, String)> {
        let mut reader = LogReader::open(&self.take[..]).expect("a take");
        let mut ends = Vec::new();
        while let Some(record) = reader.next_record().expect("a whole take") {
            let Record::Event { event, .. } = record else { continue };
            let payload = event.payload().expect("a payload");
            if let ChainEventPayload::Wasm(WasmEventData::WasmError { kind, message, .. }) = payload {
                ends.push((kind, message));
            }
        }
        ends
    }
}
