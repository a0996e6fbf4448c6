//! Owns the recipes of takes in which an event is wrong: its hash, its link, its data, or its place in the
//! chain.

use retake_chain::log::FormatVersion;
use retake_chain::{
    ChainEventData, ChainEventPayload, ContentRef, HostFunctionCall, Outcome, SessionStart, Value,
    WasmEventData,
};

use super::session::{OTHER, Said, Session, command, id, returned};

/// The genesis in an event.
pub fn genesis_of(payload: &mut ChainEventPayload) -> &mut SessionStart {
    match payload {
        ChainEventPayload::Session(start) => start,
        other => panic!("{other:?} is no genesis"),
    }
}

/// The command's session in which the first host call has this data.
fn with_data(data: &[u8]) -> Vec<u8> {
    command().with_data(2, data).sealed()
}

/// The clock's answer is another, the hash is the old one, and what follows is linked to it.
pub fn hash() -> Vec<u8> {
    let (whole, altered) = (command(), command().with_data(2, &returned(&[0])));
    let mut forge = whole.begun();
    for (said, data) in whole.events.iter().zip(altered.events.iter().map(|said| &said.data)) {
        let event = forge.link(0, &said.event_type, &said.data);
        let event = retake_chain::ChainEvent { data: data.clone().into(), ..event };
        forge.event_as_it_is(0, &event);
    }
    forge.sealed()
}

/// An event was taken out, and those behind it were left alone.
pub fn link() -> Vec<u8> {
    let session = command();
    let mut whole = session.begun();
    let events: Vec<_> = session
        .events
        .iter()
        .map(|said| {
            let event = whole.link(0, &said.event_type, &said.data);
            whole.event_as_it_is(0, &event);
            event
        })
        .collect();
    let mut forge = session.begun();
    for event in events.iter().enumerate().filter(|(at, _)| *at != 2).map(|(_, event)| event) {
        forge.event_as_it_is(0, event);
    }
    forge.sealed()
}

pub fn after_shutdown() -> Vec<u8> {
    let call = command().events[2].clone();
    command().with_more(6, call).sealed()
}

pub fn payload_cut() -> Vec<u8> {
    with_data(&returned(b"\xa5shor"))
}

/// The byte that MessagePack does not use.
pub fn payload_syntax() -> Vec<u8> {
    with_data(&returned(b"\xc1"))
}

pub fn payload_too_deep() -> Vec<u8> {
    with_data(&returned(&[&[0x91; 257][..], &[0xc0]].concat()))
}

/// The number 5 in two bytes.
pub fn payload_not_canonical() -> Vec<u8> {
    with_data(&returned(b"\xcc\x05"))
}

pub fn duplicate_key() -> Vec<u8> {
    with_data(&returned(b"\x82\xa1a\x01\xa1a\x02"))
}

pub fn payload_trailing() -> Vec<u8> {
    with_data(&returned(b"\x05\x06"))
}

pub fn unknown_kind() -> Vec<u8> {
    command().with(2, Said::raw("wasi:clocks/monotonic-clock@0.2.3/now", b"\x81\xa5Novel\x80")).sealed()
}

/// A call without its parameters.
pub fn payload_shape() -> Vec<u8> {
    let call = b"\x81\xa4Wasm\x81\xa8WasmCall\x81\xadfunction_name\xb6wasi:cli/run@0.2.3/run";
    command().with_data(1, call).sealed()
}

/// The end of a call as the data of its begin's type.
pub fn event_type() -> Vec<u8> {
    let result = command().events[4].data.clone();
    command().with_data(1, &result).sealed()
}

pub fn wrong_response() -> Vec<u8> {
    let session = command();
    session.clone().with_data(4, &trapped_result(&session)).sealed()
}

/// The data of the session's `wasm-result`, with the outcome of a call that trapped.
pub fn trapped_result(session: &Session) -> Vec<u8> {
    let result = &session.events[4].data;
    let response = result.len() - b"\x81\xa8returned\xa2ok".len();
    [&result[..response], b"\x81\xa7trapped\x82\xa4kind\xa5other\xa7message\xa1x"].concat()
}

pub fn no_genesis() -> Vec<u8> {
    command().without(0..1).sealed()
}

pub fn second_genesis() -> Vec<u8> {
    let genesis = command().events[0].clone();
    command().with_more(1, genesis).sealed()
}

pub fn genesis_actor() -> Vec<u8> {
    command().altered(0, |payload| genesis_of(payload).actor_id = id(OTHER)).sealed()
}

pub fn genesis_version() -> Vec<u8> {
    command().altered(0, |payload| genesis_of(payload).format = FormatVersion::new(2, 0)).sealed()
}

pub fn genesis_component() -> Vec<u8> {
    command().altered(0, |payload| genesis_of(payload).actor.digest = ContentRef::of(b"another")).sealed()
}

pub fn call_in_call() -> Vec<u8> {
    let call = command().events[1].clone();
    command().with_more(2, call).sealed()
}

pub fn host_call_outside_call() -> Vec<u8> {
    let now = command().events[2].clone();
    command().with_more(1, now).sealed()
}

/// The call ends twice.
pub fn end_outside_call() -> Vec<u8> {
    let result = command().events[4].clone();
    command().with_more(5, result).sealed()
}

pub fn end_of_another_call() -> Vec<u8> {
    let rename = |payload: &mut ChainEventPayload| match payload {
        ChainEventPayload::Wasm(WasmEventData::WasmResult { function_name, .. }) => {
            *function_name = "stop".into();
        }
        other => panic!("{other:?} is not a result"),
    };
    command().altered(4, rename).sealed()
}

/// The chain ends cleanly in the middle of a call.
pub fn event_inside_call() -> Vec<u8> {
    command().without(4..5).sealed()
}

/// An exchange is observed in a call of a command.
pub fn observation_misplaced() -> Vec<u8> {
    let observation = HostFunctionCall {
        interface: "wasi:http/incoming-handler@0.2.12".into(),
        function: "handle".into(),
        input: vec![Value::Record(vec![])],
        output: Outcome::Cancelled,
    };
    command().with_more(4, Said::new(ChainEventData::host_function(observation))).sealed()
}

/// The clean end of a chain, as an event.
pub fn shutdown() -> Said {
    Said::new(ChainEventData::shutdown())
}
