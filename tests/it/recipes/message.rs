//! Owns the recipes of takes whose chains tell a message differently.

use retake_chain::{ChainEventPayload, HostFunctionCall, Outcome, Value, WasmEventData};

use super::session::{Said, Session, bytes, command, couriers};

fn host_call(payload: &mut ChainEventPayload) -> &mut HostFunctionCall {
    match payload {
        ChainEventPayload::HostFunction(call) => call,
        other => panic!("{other:?} is no host call"),
    }
}

/// The place of the message that is in the take as sent before it is there as received.
fn sent_first() -> usize {
    couriers().find(13, "message-server-host/send")
}

/// The handler behind a message is called without it.
pub fn not_taken() -> Vec<u8> {
    let session = couriers();
    let call = session.find(session.find(0, "theater-runtime/message"), "wasm-call");
    let without = |payload: &mut ChainEventPayload| match payload {
        ChainEventPayload::Wasm(WasmEventData::WasmCall { params, .. }) => params.clear(),
        other => panic!("{other:?} is no call"),
    };
    session.altered(call, without).sealed()
}

pub fn receiver() -> Vec<u8> {
    to_another(couriers()).sealed()
}

/// The couriers with a message to the sender itself, which the other actor received.
pub fn to_another(couriers: Session) -> Session {
    couriers.altered(sent_first(), |payload| host_call(payload).input[0] = "#1".into())
}

pub fn content() -> Vec<u8> {
    with_another_content(couriers()).sealed()
}

/// The couriers with a message that is another where it was sent.
pub fn with_another_content(couriers: Session) -> Session {
    couriers.altered(sent_first(), |payload| host_call(payload).input[1] = bytes("another"))
}

/// The requesting actor got another response than was given.
pub fn response() -> Vec<u8> {
    let session = couriers();
    let request = session.find(0, "message-server-host/request");
    let got = Outcome::Returned(Some(Value::case("ok", Some(bytes("another")))));
    session.altered(request, |payload| host_call(payload).output = got).sealed()
}

pub fn one_sided() -> Vec<u8> {
    never_received(couriers()).sealed()
}

/// The couriers without the receipt of a message, the call that takes it and the end of that.
pub fn never_received(session: Session) -> Session {
    let receipt = session.find(13, "theater-runtime/message");
    let call = session.find(receipt, "wasm-call");
    let end = (call..).find(|&at| is_result_of(&session.events[at], session.events[receipt].chain));
    let end = end.expect("the call ends");
    session.without(end..end + 1).without(call..call + 1).without(receipt..receipt + 1)
}

fn is_result_of(said: &Said, chain: usize) -> bool {
    said.chain == chain && said.event_type == "wasm-result"
}

/// One message more than may be under way, all to an actor that does not receive them.
pub fn too_many() -> Vec<u8> {
    let mut session = command();
    let sent = b"\x81\xacHostFunction\x82\xa5input\x92\xa2#0\xc4\x00\xa6output\x81\xa8returned\xa2ok";
    let sent = Said::raw("theater:simple/message-server-host/send", sent);
    session.events.splice(2..4, std::iter::repeat_n(sent, (1 << 16) + 1));
    session.sealed()
}
