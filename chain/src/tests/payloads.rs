//! Promises about payloads: one form in bytes, bound to the event's type.

use proptest::collection::vec;
use proptest::prelude::*;

use super::strategies::{payload, session};
use crate::codec::count::count_values;
use crate::*;

proptest! {
    #[test]
    fn a_payload_comes_back_from_its_bytes_and_type(payload in payload()) {
        let decoded = ChainEventPayload::decode(&payload.event_type(), &payload.encode());
        prop_assert_eq!(decoded.unwrap(), payload);
    }

    #[test]
    fn the_hand_made_encoder_equals_serde(payload in payload()) {
        let serde = to_canonical_vec(&Wire::of(&payload)).unwrap();
        prop_assert_eq!(&payload.encode()[..], serde);
    }

    #[test]
    fn a_payload_fits_its_own_type_alone(one in payload(), other in payload()) {
        prop_assert!(one.fits(&one.event_type()));
        prop_assert_eq!(one.fits(&other.event_type()), one.event_type() == other.event_type());
    }

    #[test]
    fn values_are_counted_as_they_are_decoded(payload in payload()) {
        let bytes = payload.encode();
        let decoded = Value::decode(&bytes).unwrap();
        prop_assert_eq!(count_values(&bytes), Ok(nodes(&decoded)));
    }

    #[test]
    fn random_bytes_are_counted_without_a_panic(bytes in vec(any::<u8>(), 0..64)) {
        if let Err(offset) = count_values(&bytes) {
            prop_assert!(offset < bytes.len() as u64);
        }
    }

    #[test]
    fn random_bytes_are_an_error_and_no_panic(bytes in vec(any::<u8>(), 0..64)) {
        prop_assert!(ChainEventPayload::decode("a/b", &bytes).is_err());
    }

    #[test]
    fn damaged_payloads_are_another_payload_or_an_error(
        payload in payload(), at in any::<prop::sample::Index>(), flip in 1u8..
    ) {
        let mut bytes = payload.encode().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert_ne!(ChainEventPayload::decode(&payload.event_type(), &bytes).ok(), Some(payload));
    }
}

proptest! {
    #[test]
    fn bytes_that_decode_are_those_that_would_be_written(
        payload in payload(), at in 0usize..24, flip in prop::option::of(any::<u8>())
    ) {
        let mut bytes = payload.encode().to_vec();
        let at = at.min(bytes.len() - 1);
        // Without a byte, or with another one; most of what tells how to read the rest is at the front.
        match flip {
            Some(flip) => bytes[at] ^= flip,
            None => bytes = [&bytes[..at], &bytes[at + 1..]].concat(),
        }
        if let Ok(decoded) = ChainEventPayload::decode(&payload.event_type(), &bytes) {
            prop_assert_eq!(&decoded.encode()[..], bytes);
        }
    }
}

#[test]
fn a_payload_with_fields_is_refused_without_the_map_around_it() {
    for payload in [
        ChainEventData::host_function(HostFunctionCall {
            interface: "a:b/c".into(),
            function: "d".into(),
            input: vec![],
            output: Outcome::Returned(None),
        }),
        ChainEventData::wasm(WasmEventData::WasmCall { function_name: "f".into(), params: vec![] }),
    ] {
        let bare = &payload.data.encode()[1..];
        let refused = ChainEventPayload::decode(&payload.event_type, bare);
        assert!(matches!(refused, Err(DecodeError::Trailing { .. })), "{refused:?}");
    }
}

/// A payload as serde's derive writes it.
#[derive(serde::Serialize)]
enum Wire<'a> {
    Session(&'a SessionStart),
    HostFunction { input: &'a [Value], output: &'a Outcome },
    Wasm(&'a WasmEventData),
    TheaterRuntime(&'a TheaterRuntimeEventData),
    Shutdown,
    ReplaySummary(&'a ReplaySummary),
}

impl<'a> Wire<'a> {
    fn of(payload: &'a ChainEventPayload) -> Self {
        match payload {
            ChainEventPayload::Session(start) => Wire::Session(start),
            ChainEventPayload::HostFunction(call) => {
                Wire::HostFunction { input: &call.input, output: &call.output }
            }
            ChainEventPayload::Wasm(data) => Wire::Wasm(data),
            ChainEventPayload::TheaterRuntime(data) => Wire::TheaterRuntime(data),
            ChainEventPayload::Shutdown => Wire::Shutdown,
            ChainEventPayload::ReplaySummary(summary) => Wire::ReplaySummary(summary),
        }
    }
}

/// A value and all that it holds.
fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::List(values) => values.iter().map(nodes).sum::<usize>(),
        Value::Record(fields) => fields.iter().map(|(_, value)| nodes(value)).sum(),
        _ => 0,
    }
}

#[test]
fn values_behind_lengths_of_every_width_are_counted() {
    for length in [1, 31, 32, 300, 70_000] {
        let name = |index: usize| format!("{index:05}{}", "n".repeat(length / 100));
        let value = Value::List(vec![
            Value::List(vec![Value::None; length]),
            Value::record((0..length.min(1000)).map(|index| (name(index), Value::from(-1i8)))),
            Value::from("é".repeat(length)),
            Value::from(vec![0xdd; length]),
            Value::Handle(u32::MAX),
            Value::from(u64::MAX),
        ]);
        assert_eq!(count_values(&to_canonical_vec(&value).unwrap()), Ok(nodes(&value)), "{length}");
    }
    // Extensions that no value is, and a map with a 32-bit length.
    for (bytes, count) in [
        (
            &b"\x93\xd4\x05\x90\xd8\x05\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0"
                [..],
            4,
        ),
        (b"\x94\xc7\x02\x05\x91\x91\xc8\x00\x01\x05\x91\xc9\x00\x00\x00\x01\x05\x91\x91\xc0", 6),
        (b"\xdf\x00\x00\x00\x02\xa1a\xc0\xa1b\x91\xc0", 4),
    ] {
        assert_eq!(count_values(bytes), Ok(count), "{bytes:x?}");
    }
}

/// The data of a host call without a result, whose one argument is a list of this many nils; and where that
/// list begins.
fn call_with(nils: usize) -> (Vec<u8>, u64) {
    let head = b"\x81\xacHostFunction\x82\xa5input\x91";
    let list = [&[0xdd][..], &(nils as u32).to_be_bytes(), &vec![0xc0; nils]].concat();
    ([head, &list[..], b"\xa6output\xa8returned"].concat(), head.len() as u64)
}

/// Values of such a call that are not among the nils: the payload, its fields, and the list.
const AROUND: usize = 5;

#[test]
fn as_many_values_as_an_event_may_have_can_be_read() {
    let (bytes, _) = call_with(MAX_VALUES - AROUND);
    ChainEventPayload::decode("a/b", &bytes).unwrap();
}

#[test]
fn one_value_more_is_refused_with_its_place() {
    let (bytes, offset) = call_with(MAX_VALUES - AROUND + 1);
    let error = ChainEventPayload::decode("a/b", &bytes).unwrap_err();
    assert_eq!(error, DecodeError::TooManyValues { offset });
}

#[test]
fn outcomes_have_the_documented_bytes() {
    let table: [(Outcome, &[u8]); 6] = [
        (Outcome::Returned(None), b"\xa8returned"),
        (Outcome::Returned(Some(Value::None)), b"\x81\xa8returned\xc0"),
        (Outcome::Exited(-1), b"\x81\xa6exited\xff"),
        (
            Outcome::Trapped { kind: TrapKind::Other, message: "t".into() },
            b"\x81\xa7trapped\x82\xa4kind\xa5other\xa7message\xa1t",
        ),
        (Outcome::Failed("f".into()), b"\x81\xa6failed\xa1f"),
        (Outcome::Cancelled, b"\xa9cancelled"),
    ];
    for (outcome, bytes) in table {
        assert_eq!(to_canonical_vec(&outcome).unwrap(), bytes, "{outcome}");
        let call = [&b"\x81\xacHostFunction\x82\xa5input\x90\xa6output"[..], bytes].concat();
        let Ok(ChainEventPayload::HostFunction(call)) = ChainEventPayload::decode("a/b", &call) else {
            panic!("{outcome} does not decode")
        };
        assert_eq!(call.output, outcome);
    }
}

#[test]
fn a_state_of_none_is_not_no_state() {
    let result = |state| {
        ChainEventPayload::Wasm(WasmEventData::WasmResult {
            function_name: "f".into(),
            state,
            response: Outcome::Returned(None),
        })
    };
    assert_ne!(result(None).encode(), result(Some(Value::None)).encode());
}

#[test]
fn the_names_of_a_host_call_are_in_its_type_alone() {
    let data = super::strategies::host_call(vec![], Value::None);
    let bytes = data.data.encode();
    assert_eq!(&*data.event_type, "wasi:clocks/wall-clock@0.2.3/now");
    assert_eq!(&bytes[..], b"\x81\xacHostFunction\x82\xa5input\x90\xa6output\x81\xa8returned\xc0");
}

#[test]
fn a_payload_under_another_type_is_refused() {
    let error = ChainEventPayload::decode(SHUTDOWN, &ChainEventPayload::encode(&call())).unwrap_err();
    assert_eq!(error, DecodeError::WrongType { event_type: "shutdown".into(), payload: "Wasm" });
    let error =
        ChainEventPayload::decode("no-slash", b"\x81\xacHostFunction\x82\xa5input\x90\xa6output\xa8returned");
    assert!(matches!(error, Err(DecodeError::WrongType { .. })));
}

fn call() -> ChainEventPayload {
    ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name: "f".into(), params: vec![] })
}

#[test]
fn an_export_cannot_end_as_only_a_host_call_can() {
    let payload = ChainEventPayload::Wasm(WasmEventData::WasmResult {
        function_name: "f".into(),
        state: None,
        response: Outcome::Trapped { kind: TrapKind::Other, message: "t".into() },
    });
    let error = ChainEventPayload::decode(WASM_RESULT, &payload.encode()).unwrap_err();
    assert_eq!(error, DecodeError::WrongResponse { outcome: "trapped" });
}

#[test]
fn a_kind_of_trap_that_the_list_does_not_have_is_refused() {
    let ended = |kind: &str, message: &str| {
        let (kind, message) = (Value::from(kind), Value::from(message));
        let end = Value::record([("function_name", Value::from("f")), ("kind", kind), ("message", message)]);
        to_canonical_vec(&Value::record([("Wasm", Value::record([("WasmError", end)]))])).unwrap()
    };
    let read = |kind| ChainEventPayload::decode(WASM_ERROR, &ended(kind, "m"));
    let kinds = TrapKind::ALL.iter().copied().map(WasmErrorKind::Trapped);
    for kind in kinds.chain([WasmErrorKind::HostFailure, WasmErrorKind::Cancelled]) {
        let error = WasmEventData::WasmError { function_name: "f".into(), kind, message: "m".into() };
        assert_eq!(read(kind.name()).unwrap(), ChainEventPayload::Wasm(error));
    }
    assert!(matches!(read("novel"), Err(DecodeError::Shape { reason, .. }) if reason.contains("`novel`")));

    let call = b"\x81\xacHostFunction\x82\xa5input\x90\xa6output\x81\xa7trapped\x82\xa4kind\xa5novel\xa7message\xa1t";
    assert!(matches!(ChainEventPayload::decode("a/b", call), Err(DecodeError::Shape { .. })));
}

/// The page of the format and the reader that was made from it have the list of kinds as it is.
#[test]
fn the_documents_have_the_list_of_kinds() {
    let document = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let names: Vec<&str> = TrapKind::ALL.iter().map(|kind| kind.name()).collect();

    let page = document("format.md");
    let (_, table) = page.split_once("| kind | meaning |\n|---|---|\n").expect("the table of kinds");
    let rows = table.lines().map_while(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), names);

    let reader = document("reader/data.py");
    let (_, list) = reader.split_once("TRAPS = (").expect("the list of kinds");
    let list = list.split(").split()").next().expect("its end");
    let words = list.split_whitespace().map(|word| word.trim_matches('"')).filter(|word| !word.is_empty());
    assert_eq!(words.collect::<Vec<_>>(), names);
}

#[test]
fn a_call_that_was_given_up_is_one_by_its_kind_alone() {
    let ended = |outcome| WasmEventData::ended("f".into(), None, outcome);
    let failed = ended(Outcome::Failed("cancelled".into()));
    let trapped = ended(Outcome::Trapped { kind: TrapKind::Other, message: "cancelled".into() });
    let given_up = ended(Outcome::Cancelled);

    let kind = |ended: &WasmEventData| match ended {
        WasmEventData::WasmError { kind, message, .. } if message == "cancelled" => *kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(&failed), WasmErrorKind::HostFailure);
    assert_eq!(kind(&trapped), WasmErrorKind::Trapped(TrapKind::Other));
    assert_eq!(kind(&given_up), WasmErrorKind::Cancelled);
    assert_ne!(ChainEventPayload::Wasm(failed).encode(), ChainEventPayload::Wasm(given_up).encode());
}

#[test]
fn an_unknown_field_is_refused() {
    let summary = ChainEventPayload::ReplaySummary(ReplaySummary {
        total_events: 1,
        events_replayed: 1,
        mismatches: 0,
        success: true,
        error: None,
    });
    let mut bytes = summary.encode().to_vec();
    let map = bytes.iter().position(|&byte| byte == 0x85).unwrap();
    bytes[map] = 0x86;
    bytes.extend_from_slice(b"\xa1x\x01");
    assert!(matches!(
        ChainEventPayload::decode(REPLAY_SUMMARY, &bytes),
        Err(DecodeError::NotCanonical { offset }) if offset == map as u64
    ));
}

#[test]
fn a_genesis_names_its_fields_and_modes_in_words() {
    let start = session(TheaterId::parse("8c2f0a52-3d0e-4b7c-9a51-6f2f6f0e4f11").unwrap());
    let json = serde_json::to_value(&start).unwrap();
    assert_eq!(json["kind"], "command");
    assert_eq!(json["instance_mode"], "per-call");
    assert_eq!(json["format"], serde_json::json!([1, 0]));
    assert_eq!(json["actor_id"], "8c2f0a52-3d0e-4b7c-9a51-6f2f6f0e4f11");
    assert_eq!(json["actor"]["digest"], ContentRef::of(b"component").to_string());
}
