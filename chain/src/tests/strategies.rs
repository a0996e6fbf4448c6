//! Owns what several tests need: random values and payloads, and ready-made events.

use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::*;

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<u64>().prop_map(Value::Unsigned),
        (0u64..300).prop_map(Value::Unsigned),
        (i64::MIN..0).prop_map(Value::Negative),
        (-300i64..0).prop_map(Value::Negative),
        any::<u32>().prop_map(Value::F32),
        any::<u64>().prop_map(Value::F64),
        ".{0,40}".prop_map(Value::String),
        vec(any::<u8>(), 0..300).prop_map(Value::from),
        any::<u32>().prop_map(Value::Handle),
    ];
    leaf.prop_recursive(4, 48, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::List),
            vec((key(), inner), 0..20).prop_map(record),
        ]
    })
}

/// A record of these fields, with names that are all different.
fn record(fields: Vec<(String, Value)>) -> Value {
    let mut seen = std::collections::HashSet::new();
    Value::record(fields.into_iter().filter(|(name, _)| seen.insert(name.clone())))
}

/// Keys of records: mostly names, and some that forms of a value might take for their own.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z-]{0,40}",
        1 => "[$a]{0,3}",
        1 => "\\${1,2}(int|f32|f64|bytes|handle|record)",
        1 => ".{0,8}",
    ]
}

fn response() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        proptest::option::of(value()).prop_map(Outcome::Returned),
        any::<i32>().prop_map(Outcome::Exited)
    ]
}

fn trap_kind() -> impl Strategy<Value = TrapKind> {
    proptest::sample::select(TrapKind::ALL)
}

fn error_kind() -> impl Strategy<Value = WasmErrorKind> {
    prop_oneof![
        4 => trap_kind().prop_map(WasmErrorKind::Trapped),
        1 => Just(WasmErrorKind::HostFailure),
        1 => Just(WasmErrorKind::Cancelled),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        response(),
        (trap_kind(), ".{0,40}").prop_map(|(kind, message)| Outcome::Trapped { kind, message }),
        ".{0,40}".prop_map(Outcome::Failed),
        Just(Outcome::Cancelled),
    ]
}

pub(crate) fn payload() -> impl Strategy<Value = ChainEventPayload> {
    let host = ("[a-z:/@.0-9]{0,40}", "[a-z.-]{1,40}", vec(value(), 0..6), outcome());
    let host = host.prop_map(|(interface, function, input, output)| {
        let (interface, function) = (Arc::from(interface), Arc::from(function));
        ChainEventPayload::HostFunction(HostFunctionCall { interface, function, input, output })
    });
    let call = (".{0,40}", vec(value(), 0..6))
        .prop_map(|(function_name, params)| WasmEventData::WasmCall { function_name, params });
    let result = (".{0,40}", proptest::option::of(value()), response()).prop_map(
        |(function_name, state, response)| WasmEventData::WasmResult { function_name, state, response },
    );
    let error = (".{0,40}", error_kind(), ".{0,40}")
        .prop_map(|(function_name, kind, message)| WasmEventData::WasmError { function_name, kind, message });
    let creation = ".{0,40}".prop_map(|error| WasmEventData::WasmComponentCreationError { error });
    prop_oneof![
        4 => host,
        2 => prop_oneof![call, result, error, creation].prop_map(ChainEventPayload::Wasm),
        1 => rare(),
    ]
}

fn rare() -> impl Strategy<Value = ChainEventPayload> {
    use TheaterRuntimeEventData::*;
    prop_oneof![
        Just(ChainEventPayload::Shutdown),
        Just(ChainEventPayload::TheaterRuntime(ActorStarted)),
        Just(ChainEventPayload::TheaterRuntime(ShutdownRequested)),
        ".{0,40}"
            .prop_map(|message| ChainEventPayload::TheaterRuntime(Log { level: LogLevel::Warn, message })),
        (any::<u64>(), any::<bool>(), proptest::option::of(".{0,40}")).prop_map(|(n, success, error)| {
            let (total_events, events_replayed, mismatches) = (n, n / 2, n % 7);
            let summary = ReplaySummary { total_events, events_replayed, mismatches, success, error };
            ChainEventPayload::ReplaySummary(summary)
        }),
        (any::<[u8; 16]>(), proptest::option::of(any::<u64>()), vec(".{0,20}", 0..4)).prop_map(
            |(id, fuel, arguments)| {
                let mut start = session(TheaterId::from(uuid::Uuid::from_bytes(id)));
                start.profile.fuel = fuel;
                start.arguments = arguments;
                ChainEventPayload::Session(Box::new(start))
            }
        ),
    ]
}

pub(crate) fn session(actor_id: TheaterId) -> SessionStart {
    SessionStart {
        format: log::FORMAT_VERSION,
        actor_id,
        actor: ActorSource { digest: ContentRef::of(b"component"), size: 9, path: "actor.wasm".into() },
        kind: SessionKind::Command,
        profile: EngineProfile {
            engine: "engine 1.2.3".into(),
            nan_canonicalization: true,
            relaxed_simd_deterministic: true,
            threads: false,
            memory_limit: 1 << 30,
            table_limit: 10_000,
            fuel: None,
            hostcall_limit: 1 << 27,
            interruptible: false,
        },
        arguments: vec!["actor.wasm".into()],
        env_names: vec!["HOME".into()],
        preopens: vec!["/data:ro".into()],
        allow_net: false,
        instance_mode: InstanceMode::PerCall,
        started_at_unix_ms: 1_700_000_000_000,
    }
}

/// A host call that returned `answer`.
pub(crate) fn host_call(input: Vec<Value>, answer: Value) -> ChainEventData {
    ChainEventData::host_function(HostFunctionCall {
        interface: Arc::from("wasi:clocks/wall-clock@0.2.3"),
        function: Arc::from("now"),
        input,
        output: Outcome::Returned(Some(answer)),
    })
}

/// `count` linked events of one chain, with `len` bytes of data that does not compress.
pub(crate) fn linked_events(count: u64, len: usize) -> Vec<ChainEvent> {
    let mut parent = None;
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    (0..count)
        .map(|i| {
            let data: Bytes = (0..len)
                .map(|_| {
                    noise ^= noise << 13;
                    noise ^= noise >> 7;
                    noise ^= noise << 17;
                    noise as u8
                })
                .collect();
            let event = ChainEvent::link(parent, Arc::from(format!("a:b/c@0.1.0/f{}", i % 7)), data);
            parent = Some(event.hash);
            event
        })
        .collect()
}
