//! Promises about events, ids and the replay window.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::strategies::{host_call, linked_events};
use crate::*;

#[test]
fn events_are_equal_when_their_hashes_are() {
    let event = linked_events(1, 5).remove(0);
    let mut other = event.clone();
    other.data = Bytes::new();
    assert_eq!(event, other);
    assert_eq!(HashSet::from([event.clone(), other.clone()]).len(), 1);
    other.hash = other.recompute_hash();
    assert_ne!(event, other);
}

#[test]
fn the_short_form_names_hash_type_and_size() {
    let event = ChainEventData::shutdown().to_chain_event(None);
    assert_eq!(event.to_string(), format!("{} shutdown (9 bytes)", &event.hash.to_string()[..8]));
}

#[test]
fn a_type_that_does_not_fit_is_not_used() {
    let right = host_call(vec![], Value::None);
    let ChainEventPayload::HostFunction(call) = right.data.clone() else { panic!("a host call was made") };
    let kept: Arc<str> = Arc::from("wasi:clocks/wall-clock@0.2.3/now");
    let made = ChainEventData::host_function_as(kept.clone(), call.clone());
    assert!(Arc::ptr_eq(&made.event_type, &kept));
    for wrong in ["wasi:clocks/wall-clock@0.2.3/", "shutdown", "wasi:clocks/wall-clock@0.2.3/now/now"] {
        assert_eq!(ChainEventData::host_function_as(Arc::from(wrong), call.clone()), right);
    }
}

#[test]
fn a_component_cannot_pass_a_host_call_off_as_the_runtimes_own_event() {
    let call = |interface: &str, function: &str| {
        ChainEventData::host_function(HostFunctionCall {
            interface: Arc::from(interface),
            function: Arc::from(function),
            input: vec![],
            output: Outcome::Returned(None),
        })
        .to_chain_event(None)
    };
    for (interface, function) in
        [("theater-runtime", "log"), ("retake", "session"), ("theater-runtime", "message")]
    {
        let payload = call(interface, function).payload().unwrap();
        assert_eq!((payload.kind(), payload.kind().origin()), (EventKind::HostCall, Origin::Guest));
    }
    let own = ChainEventData::theater_runtime(TheaterRuntimeEventData::ActorStarted);
    assert_eq!((own.data.kind(), own.data.kind().origin()), (EventKind::Runtime, Origin::Host));
}

#[test]
fn ids_are_read_as_they_are_written() {
    let id = TheaterId::generate();
    assert_eq!(TheaterId::parse(&id.to_string()), Ok(id));
    assert_eq!(id.as_uuid().get_version_num(), 4);
    assert_ne!(id, TheaterId::generate());
    let error = TheaterId::parse("no id").unwrap_err();
    assert!(error.to_string().contains("`no id`"));
    assert_eq!(to_canonical_vec(&id).unwrap()[..2], [0xd9, 36]);
}

#[test]
fn requests_are_found_whatever_the_patch_version() {
    let table = [
        ("wasi:http/incoming-handler@0.2.0/handle", true),
        ("wasi:http/incoming-handler@0.2.12/handle", true),
        ("wasi:http/incoming-handler@0.3.0/handle", false),
        ("wasi:http/incoming-handler@0.2./handle", false),
        ("wasi:http/incoming-handler@0.2.0-rc/handle", false),
        ("wasi:http/outgoing-handler@0.2.0/handle", false),
        ("wasi:http/incoming-handler@0.2.0/handle/x", false),
    ];
    let events = table.map(|(name, _)| ChainEvent::link(None, Arc::from(name), Bytes::new()));
    let chain = HttpReplayChain(events.to_vec());
    let found: Vec<&str> = chain.http_incoming_events().into_iter().map(|event| &*event.event_type).collect();
    let wanted: Vec<&str> = table.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    assert_eq!(found, wanted);
}

#[test]
fn events_by_type_come_in_order() {
    let events = linked_events(20, 3);
    let chain = HttpReplayChain(events.clone());
    assert_eq!(chain.events_by_type("a:b/c@0.1.0/f3"), [&events[3], &events[10], &events[17]]);
}
