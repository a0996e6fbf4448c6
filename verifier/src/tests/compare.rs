//! Promises about comparisons: every kind of difference has its name, and equal events have none.

use std::sync::Arc;

use retake_chain::TrapKind::{CannotLeave, StringEncoding, Unreachable};
use retake_chain::*;

use super::samples::*;
use crate::DivergenceKind::*;

use crate::*;

fn kind(expected: &ChainEventData, actual: &ChainEventData) -> Option<DivergenceKind> {
    compare(&expected.to_chain_event(None), &actual.to_chain_event(None))
}

#[test]
fn every_way_to_differ_has_its_name() {
    let ok = || returned(1u8);
    let args = |positions: &[usize]| DifferentArguments { positions: positions.to_vec() };
    let two = |a: u8, b: u8| vec![Value::from(a), Value::from(b)];
    let exited = |code| result("run", Outcome::Exited(code));
    let started = ChainEventData::theater_runtime(TheaterRuntimeEventData::ActorStarted);
    let table = [
        (host("now", vec![], ok()), host("resolution", vec![], ok()), DifferentCall),
        (host("now", two(1, 2), ok()), host("now", two(1, 3), ok()), args(&[1])),
        (host("now", two(1, 2), ok()), host("now", two(2, 3), ok()), args(&[0, 1])),
        (host("now", two(1, 2), ok()), host("now", vec![Value::from(1u8)], ok()), args(&[1])),
        (host("now", two(1, 2), ok()), host("now", two(1, 3), returned(2u8)), args(&[1])),
        (host("now", vec![], ok()), host("now", vec![], returned(2u8)), DifferentOutcome),
        (host("now", vec![], ok()), host("now", vec![], trapped(Unreachable, "t")), DifferentTrap),
        (
            host("now", vec![], trapped(Unreachable, "t")),
            host("now", vec![], trapped(CannotLeave, "t")),
            DifferentTrap,
        ),
        (host("now", vec![], ok()), result("run", ok()), MissingCall),
        (host("now", vec![], ok()), error("run", Unreachable, "t"), MissingCall),
        (result("run", ok()), host("now", vec![], ok()), ExtraCall),
        (error("run", Unreachable, "t"), host("now", vec![], ok()), ExtraCall),
        (call("run", vec![]), call("go", vec![]), DifferentCall),
        (call("run", two(1, 2)), call("run", two(3, 2)), args(&[0])),
        (result("run", ok()), result("run", returned(2u8)), DifferentResult),
        (result("run", ok()), exited(0), DifferentOutcome),
        (exited(0), exited(1), DifferentResult),
        (result("run", ok()), error("run", Unreachable, "t"), DifferentTrap),
        (error("run", Unreachable, "t"), result("run", ok()), DifferentTrap),
        (error("run", Unreachable, "t"), error("run", CannotLeave, "t"), DifferentTrap),
        (error("run", TrapKind::Other, "t"), error("run", TrapKind::Other, "u"), DifferentTrap),
        (started, ChainEventData::shutdown(), DifferentHash),
    ];
    for (expected, actual, name) in table {
        assert_eq!(kind(&expected, &actual), Some(name), "{expected:?} and {actual:?}");
    }
}

#[test]
fn a_trap_of_the_recorded_kind_is_the_recorded_one_whatever_its_words() {
    let adopted = |expected: &ChainEventData, actual: &ChainEventData| {
        let mut actual = actual.clone();
        adopt_recorded_message(&expected.data, &mut actual.data);
        kind(expected, &actual)
    };
    let call = |kind, words| host("now", vec![], trapped(kind, words));
    let table = [
        (error("run", StringEncoding, "a"), error("run", StringEncoding, "b"), None),
        (call(StringEncoding, "a"), call(StringEncoding, "b"), None),
        (error("run", StringEncoding, "a"), error("run", Unreachable, "a"), Some(DifferentTrap)),
        (call(StringEncoding, "a"), call(Unreachable, "a"), Some(DifferentTrap)),
        (error("run", StringEncoding, "a"), error("go", StringEncoding, "b"), Some(DifferentCall)),
        (error("run", StringEncoding, "a"), call(StringEncoding, "b"), Some(ExtraCall)),
        (error("run", TrapKind::Other, "a"), error("run", TrapKind::Other, "b"), Some(DifferentTrap)),
        (call(TrapKind::Other, "a"), call(TrapKind::Other, "b"), Some(DifferentTrap)),
        (ended(Outcome::Failed("a".into())), ended(Outcome::Failed("b".into())), Some(DifferentTrap)),
        (ended(Outcome::Cancelled), ended(Outcome::Failed("cancelled".into())), Some(DifferentTrap)),
        (ended(Outcome::Failed("cancelled".into())), ended(Outcome::Cancelled), Some(DifferentTrap)),
    ];
    for (expected, actual, difference) in table {
        assert_eq!(adopted(&expected, &actual), difference, "{expected:?} and {actual:?}");
    }
}

fn ended(outcome: Outcome) -> ChainEventData {
    ChainEventData::wasm(WasmEventData::ended("run".into(), None, outcome))
}

fn trapped(kind: TrapKind, words: &str) -> Outcome {
    Outcome::Trapped { kind, message: words.into() }
}

#[test]
fn equal_events_have_no_difference() {
    for data in session(id(1)) {
        assert_eq!(kind(&data, &data), None);
    }
}

#[test]
fn equal_events_after_another_parent_differ_by_their_hash() {
    let data = host("now", vec![], returned(1u8));
    let parent = ChainEventData::shutdown().to_chain_event(None).hash;
    let difference = compare(&data.to_chain_event(None), &data.to_chain_event(Some(parent)));
    assert_eq!(difference, Some(DifferentHash));
}

#[test]
fn events_that_do_not_decode_differ_by_their_hash() {
    let good = ChainEventData::shutdown().to_chain_event(None);
    let bad = ChainEvent::link(None, Arc::from("shutdown"), bytes::Bytes::new());
    assert_eq!(compare(&good, &bad), Some(DifferentHash));
}

#[test]
fn a_call_is_compared_before_there_is_an_answer() {
    let recorded = HostFunctionCall {
        interface: Arc::from("wasi:clocks/wall-clock@0.2.3"),
        function: Arc::from("now"),
        input: vec![Value::from(1u8)],
        output: Outcome::Returned(None),
    };
    let input = [Value::from(1u8)];
    let compare = |interface, function, input| compare_host_call(&recorded, interface, function, input);
    assert_eq!(compare("wasi:clocks/wall-clock@0.2.3", "now", &input), None);
    assert_eq!(compare("wasi:clocks/wall-clock@0.2.9", "now", &input), None);
    assert_eq!(compare("wasi:clocks/wall-clock@0.3.0", "now", &input), Some(DifferentCall));
    assert_eq!(compare("wasi:clocks/wall-clock@0.2.3", "then", &input), Some(DifferentCall));
    let positions = vec![0];
    assert_eq!(compare("wasi:clocks/wall-clock@0.2.3", "now", &[]), Some(DifferentArguments { positions }));
}
