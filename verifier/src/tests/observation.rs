//! Promises about observations: however an actor makes its response, the observation must agree with its
//! calls. What the calls do not show is not compared.

use std::sync::Arc;

use retake_chain::*;

use super::samples::*;
use crate::*;

const HANDLE: &str = "wasi:http/incoming-handler@0.2.12/handle";

fn host_call(function: &str, input: Vec<Value>, output: Outcome) -> ChainEventData {
    let interface =
        if function.contains("put-stream") { "wasi:io/streams@0.2.3" } else { "wasi:http/types@0.2.3" };
    let (interface, function) = (Arc::from(interface), Arc::from(function));
    ChainEventData::host_function(HostFunctionCall { interface, function, input, output })
}

/// A call that returns `ok`, with a value if there is one.
fn ok(function: &str, input: Vec<Value>, value: Option<Value>) -> ChainEventData {
    host_call(function, input, Outcome::Returned(Some(Value::case("ok", value))))
}

fn plain(function: &str, input: Vec<Value>, value: impl Into<Value>) -> ChainEventData {
    host_call(function, input, returned(value))
}

fn h(number: u32) -> Value {
    Value::Handle(number)
}

fn text(bytes: &str) -> Value {
    Value::from(bytes.as_bytes().to_vec())
}

fn headers(pairs: &[(&str, &str)]) -> Value {
    Value::List(pairs.iter().map(|(name, value)| Value::List(vec![(*name).into(), text(value)])).collect())
}

fn body(content: &[u8]) -> Value {
    Value::record([
        ("length", (content.len() as u64).into()),
        ("sha256", Value::from(ContentRef::of(content).as_ref().to_vec())),
        ("complete", true.into()),
    ])
}

/// What a host notes of a `GET /` with these headers, and of a response of 200.
fn noted(request: &[(&str, &str)], response: &[(&str, &str)], content: &[u8]) -> ChainEventData {
    let request = Value::record([
        ("method", "GET".into()),
        ("path", "/".into()),
        ("headers", headers(request)),
        ("body", body(b"")),
    ]);
    let response =
        Value::record([("status", 200u64.into()), ("headers", headers(response)), ("body", body(content))]);
    ChainEventData::host_function(HostFunctionCall {
        interface: Arc::from("wasi:http/incoming-handler@0.2.12"),
        function: Arc::from("handle"),
        input: vec![request],
        output: returned(response),
    })
}

/// The calls that make response 1 of fields 1 with body 1 and stream 1, and give it.
fn respond() -> Vec<ChainEventData> {
    vec![
        plain("[constructor]outgoing-response", vec![h(1)], h(1)),
        ok("[method]outgoing-response.body", vec![h(1)], Some(h(1))),
        ok("[method]outgoing-body.write", vec![h(1)], Some(h(1))),
        host_call(
            "[static]response-outparam.set",
            vec![h(1), Value::case("ok", Some(h(1)))],
            Outcome::Returned(None),
        ),
    ]
}

/// Checks a session of these calls, each with what was noted of it.
fn check(mode: InstanceMode, calls: Vec<(Vec<ChainEventData>, ChainEventData)>) -> Result<(), EventFault> {
    let genesis = SessionStart { kind: SessionKind::Http, instance_mode: mode, ..start(id(1)) };
    let mut events = vec![ChainEventData::session(genesis)];
    for (number, (host_calls, noted)) in (1..).zip(calls) {
        events.push(call(HANDLE, vec![h(number), h(number)]));
        events.extend(host_calls);
        events.extend([noted, result(HANDLE, Outcome::Returned(None))]);
    }
    events.push(ChainEventData::shutdown());
    match verify(&sealed(&[(id(1), link(&events))])[..]) {
        Ok(_) => Ok(()),
        Err(VerifyError { fault: VerifyFault::Integrity(IntegrityError::Event { fault, .. }), .. }) => {
            Err(*fault)
        }
        Err(other) => panic!("unexpected {other}"),
    }
}

/// Checks one call. Each observation in `wrong` must be refused.
#[track_caller]
fn compares(calls: Vec<ChainEventData>, right: ChainEventData, wrong: Vec<ChainEventData>) {
    check(InstanceMode::PerCall, vec![(calls.clone(), right)]).unwrap();
    for noted in wrong {
        let found = check(InstanceMode::PerCall, vec![(calls.clone(), noted)]);
        assert!(matches!(found, Err(EventFault::Observation(ObservationFault::Differs { .. }))), "{found:?}");
    }
}

#[test]
fn headers_are_followed_through_all_their_changes() {
    let list = vec![headers(&[("A", "1"), ("content-length", "007"), ("b", "2"), ("a", "3")])];
    let mut calls = vec![
        ok("[static]fields.from-list", list, Some(h(9))),
        plain("[method]fields.clone", vec![h(9)], h(1)),
        ok("[method]fields.append", vec![h(9), "a".into(), text("not of the copy")], None),
        ok("[method]fields.delete", vec![h(1), "B".into()], None),
        ok("[method]fields.append", vec![h(1), "C".into(), text("4")], None),
        ok("[method]fields.set", vec![h(1), "d".into(), Value::List(vec![text("5"), text("6")])], None),
        ok("[method]fields.set", vec![h(1), "c".into(), Value::List(vec![])], None),
        host_call(
            "[method]fields.append",
            vec![h(1), "host".into(), text("x")],
            returned(Value::case("err", Some("forbidden".into()))),
        ),
    ];
    calls.extend(respond());
    calls.push(ok("[method]output-stream.write", vec![h(1), text("0123456")], None));
    let right = [("a", "1"), ("content-length", "7"), ("a", "3"), ("d", "5"), ("d", "6")];
    let noted = |headers: &[(&str, &str)]| noted(&[], headers, b"0123456");
    let swapped = [("a", "3"), ("content-length", "7"), ("a", "1"), ("d", "5"), ("d", "6")];
    compares(
        calls,
        noted(&right),
        vec![noted(&right[1..]), noted(&swapped), noted(&[&right[..], &[("b", "2")]].concat())],
    );
}

#[test]
fn the_headers_that_the_actor_saw_are_those_of_the_request() {
    let mut calls = vec![
        plain("[method]incoming-request.headers", vec![h(1)], h(1)),
        plain("[method]fields.entries", vec![h(1)], headers(&[("x", "1"), ("y", "2")])),
        plain("[method]fields.get", vec![h(1), "Host".into()], Value::List(vec![])),
    ];
    calls.extend(respond());
    let noted = |request: &[(&str, &str)]| noted(request, &[("x", "1"), ("y", "2")], b"");
    let wrong = vec![noted(&[("x", "1")]), noted(&[("x", "1"), ("y", "2"), ("z", "3")])];
    compares(calls, noted(&[("host", "here"), ("x", "1"), ("y", "2")]), wrong);
}

#[test]
fn bodies_count_in_whatever_way_they_are_written() {
    let mut calls = vec![plain("[constructor]fields", vec![], h(1))];
    calls.extend(respond());
    calls.extend([
        ok("[method]output-stream.write", vec![h(1), text("ab")], None),
        ok("[method]output-stream.blocking-write-and-flush", vec![h(1), text("cd")], None),
        ok("[method]output-stream.write-zeroes", vec![h(1), 2u64.into()], None),
        ok("[method]output-stream.blocking-write-zeroes-and-flush", vec![h(1), 1u64.into()], None),
        // Another stream, to somewhere else.
        ok("[method]output-stream.write", vec![h(2), text("ef")], None),
    ]);
    let noted = |content: &[u8]| noted(&[], &[], content);
    compares(calls, noted(b"abcd\0\0\0"), vec![noted(b"abcd\0\0"), noted(b"abcd\0\0\0ef"), noted(b"")]);
}

#[test]
fn what_cannot_be_followed_is_not_compared() {
    let spliced = ok("[method]output-stream.splice", vec![h(1), h(7), 9u64.into()], Some(9u64.into()));
    let failed = host_call(
        "[method]output-stream.blocking-write-and-flush",
        vec![h(1), text("ab")],
        returned(Value::case("err", Some("closed".into()))),
    );
    let zeros = ok("[method]output-stream.write-zeroes", vec![h(1), u64::MAX.into()], None);
    for unknown in [spliced, failed, zeros] {
        let mut calls = vec![plain("[constructor]fields", vec![], h(1))];
        calls.extend(respond());
        calls.push(unknown);
        check(InstanceMode::PerCall, vec![(calls, noted(&[], &[], b"whatever came"))]).unwrap();
    }
    // Headers that came from somewhere else.
    let calls = [vec![plain("[method]incoming-response.headers", vec![h(3)], h(1))], respond()].concat();
    check(InstanceMode::PerCall, vec![(calls, noted(&[], &[("from", "elsewhere")], b""))]).unwrap();
}

#[test]
fn an_instance_that_lives_on_takes_its_resources_along_and_not_its_requests() {
    let kept = vec![
        plain("[method]incoming-request.headers", vec![h(1)], h(5)),
        ok("[static]fields.from-list", vec![headers(&[("a", "1")])], Some(h(6))),
        plain("[constructor]outgoing-response", vec![h(6)], h(2)),
        plain("[constructor]fields", vec![], h(1)),
    ];
    let first = [kept, respond()].concat();
    let given = Value::case("ok", Some(h(2)));
    let second = |entries: &[(&str, &str)]| {
        vec![
            // The fields are those of the first request.
            plain("[method]fields.entries", vec![h(5)], headers(entries)),
            host_call("[static]response-outparam.set", vec![h(2), given.clone()], Outcome::Returned(None)),
        ]
    };
    let calls = |response: &[(&str, &str)]| {
        vec![
            (first.clone(), noted(&[("x", "first")], &[], b"")),
            (second(&[("x", "first")]), noted(&[("x", "second")], response, b"")),
        ]
    };
    check(InstanceMode::Session, calls(&[("a", "1")])).unwrap();
    let found = check(InstanceMode::Session, calls(&[("a", "2")]));
    assert!(matches!(found, Err(EventFault::Observation(ObservationFault::Differs { .. }))), "{found:?}");
}

#[test]
fn more_headers_than_can_be_remembered_are_not_compared() {
    let mut calls =
        vec![ok("[static]fields.from-list", vec![headers(&[("a", &"x".repeat(1 << 20))])], Some(h(1)))];
    calls.extend((2..100).map(|copy| plain("[method]fields.clone", vec![h(1)], h(copy))));
    calls.extend(respond());
    let other = noted(&[], &[("a", "y")], b"");
    let small = [vec![plain("[constructor]fields", vec![], h(1))], respond()].concat();
    // The next exchange has all of the room again.
    let calls = |response: &[(&str, &str)]| {
        let second = small.iter().cloned().map(|event| renumbered(event, 2)).collect();
        vec![(calls.clone(), other.clone()), (second, noted(&[], response, b""))]
    };
    check(InstanceMode::PerCall, calls(&[])).unwrap();
    assert!(check(InstanceMode::PerCall, calls(&[("a", "1")])).is_err());
}

/// The event, of the exchange with this response-outparam.
fn renumbered(mut event: ChainEventData, outparam: u32) -> ChainEventData {
    if let ChainEventPayload::HostFunction(call) = &mut event.data
        && &*call.function == "[static]response-outparam.set"
    {
        call.input[0] = h(outparam);
    }
    event
}
