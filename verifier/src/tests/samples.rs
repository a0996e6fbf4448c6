//! Owns what several tests use: a small session, and takes made from it.

use std::sync::Arc;

use retake_chain::log::FORMAT_VERSION;
use retake_chain::*;

/// The component of every sample session.
pub(super) const COMPONENT: &[u8] = b"\0asm, as far as these tests care";

pub(super) fn id(n: u8) -> TheaterId {
    TheaterId::from(uuid_of(n))
}

fn uuid_of(n: u8) -> uuid::Uuid {
    uuid::Uuid::from_bytes([n; 16])
}

pub(super) fn profile() -> EngineProfile {
    EngineProfile {
        engine: "engine 1.2.3".into(),
        nan_canonicalization: true,
        relaxed_simd_deterministic: true,
        threads: false,
        memory_limit: 1 << 30,
        table_limit: 10_000,
        fuel: None,
        hostcall_limit: 1 << 27,
        interruptible: false,
    }
}

pub(super) fn start(actor_id: TheaterId) -> SessionStart {
    SessionStart {
        format: FORMAT_VERSION,
        actor_id,
        actor: ActorSource {
            digest: ContentRef::of(COMPONENT),
            size: COMPONENT.len() as u64,
            path: "a.wasm".into(),
        },
        kind: SessionKind::Command,
        profile: profile(),
        arguments: vec!["a.wasm".into()],
        env_names: vec![],
        preopens: vec![],
        allow_net: false,
        instance_mode: InstanceMode::PerCall,
        started_at_unix_ms: 1_700_000_000_000,
    }
}

pub(super) fn host(function: &str, input: Vec<Value>, output: Outcome) -> ChainEventData {
    let interface = Arc::from("wasi:clocks/wall-clock@0.2.3");
    ChainEventData::host_function(HostFunctionCall {
        interface,
        function: Arc::from(function),
        input,
        output,
    })
}

pub(super) fn returned(value: impl Into<Value>) -> Outcome {
    Outcome::Returned(Some(value.into()))
}

pub(super) fn call(function: &str, params: Vec<Value>) -> ChainEventData {
    ChainEventData::wasm(WasmEventData::WasmCall { function_name: function.into(), params })
}

pub(super) fn result(function: &str, response: Outcome) -> ChainEventData {
    ChainEventData::wasm(WasmEventData::WasmResult { function_name: function.into(), state: None, response })
}

pub(super) fn error(function: &str, kind: TrapKind, message: &str) -> ChainEventData {
    let (function_name, kind, message) = (function.into(), WasmErrorKind::Trapped(kind), message.into());
    ChainEventData::wasm(WasmEventData::WasmError { function_name, kind, message })
}

/// A genesis, one call with two host calls in it, a second call that traps, and the end.
pub(super) fn session(actor: TheaterId) -> Vec<ChainEventData> {
    vec![
        ChainEventData::session(start(actor)),
        call("run", vec![Value::from("x")]),
        host("now", vec![], returned(1_700_000_000u64)),
        host("resolution", vec![Value::from(3u8)], returned(1u8)),
        result("run", returned(true)),
        call("run", vec![]),
        error("run", TrapKind::Unreachable, "unreachable"),
        ChainEventData::shutdown(),
    ]
}

pub(super) fn link(data: &[ChainEventData]) -> Vec<ChainEvent> {
    let mut parent = None;
    let link = |data: &ChainEventData| {
        let event = data.to_chain_event(parent);
        parent = Some(event.hash);
        event
    };
    data.iter().map(link).collect()
}

/// A take of these chains, sealed, with the component embedded.
pub(super) fn sealed(chains: &[(TheaterId, Vec<ChainEvent>)]) -> Vec<u8> {
    let mut writer = LogWriter::create(Vec::new()).unwrap();
    writer.embed_actor(COMPONENT).unwrap();
    for (id, events) in chains {
        let chain = writer.add_chain(*id).unwrap();
        for event in events {
            writer.append(chain, event).unwrap();
        }
        writer.flush().unwrap();
    }
    writer.seal().unwrap().0
}

/// The records of a take, and how it ends.
pub(super) fn records(take: &[u8]) -> (Vec<Record>, Option<Seal>) {
    let mut reader = LogReader::open(take).unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        records.push(record);
    }
    (records, reader.seal().cloned())
}
