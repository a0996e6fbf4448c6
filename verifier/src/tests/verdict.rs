//! Promises about results: the text and the JSON of a divergence, and the exit code of each verdict.

use retake_chain::*;

use super::samples::*;
use crate::*;

fn divergence() -> Divergence {
    Divergence {
        chain: id(1),
        chain_number: 0,
        event: 5,
        event_index: 3,
        kind: DivergenceKind::DifferentArguments { positions: vec![0, 2] },
        call: Some(CalledExport { index: 0, function: "run".into(), params: vec![Value::from("x")] }),
        expected: Some(host("resolution", vec![Value::from(3u8)], returned(1u8)).data.into()),
        actual: Some(EventDescription::of(&result("run", Outcome::Exited(2)).to_chain_event(None))),
    }
}

#[test]
fn a_divergence_tells_where_what_and_in_which_call() {
    let text = "\
diverged at event 5 (index 3 of chain 0, actor 01010101-0101-0101-0101-010101010101): different arguments, at position 0, 2
  expected: wasi:clocks/wall-clock@0.2.3/resolution(3) returned 1
  actual:   run exited with 2
  in call 0 of the chain: run(\"x\")";
    assert_eq!(divergence().to_string(), text);
}

#[test]
fn a_side_without_an_event_is_named_as_such() {
    let divergence = Divergence { expected: None, actual: None, call: None, ..divergence() };
    assert!(divergence.to_string().ends_with("expected: nothing more\n  actual:   nothing more"));
}

#[test]
fn json_has_the_values_of_both_sides() {
    let json = serde_json::to_value(divergence()).unwrap();
    assert_eq!(json["event_index"], 3);
    assert_eq!(json["kind"]["different-arguments"]["positions"], serde_json::json!([0, 2]));
    assert_eq!(json["expected"]["payload"]["HostFunction"]["input"], serde_json::json!([3]));
    assert_eq!(json["actual"]["payload"]["Wasm"]["WasmResult"]["response"]["exited"], 2);
    assert_eq!(json["call"]["params"], serde_json::json!(["x"]));
}

#[test]
fn the_takes_own_fault_wins_over_the_verdict() {
    let report = |verdict, take_state, seal, fault: Option<&str>| ReplayReport {
        verdict,
        calls: 1,
        given_up: 0,
        unchecked: 0,
        events: 8,
        chains: vec![RerunChain { id: id(1), events: 8, head: None }],
        recorded_digest: ContentRef::of(COMPONENT),
        replayed_digest: ContentRef::of(COMPONENT),
        profile: profile(),
        renamed_interfaces: vec![],
        take_state: Some(take_state),
        seal,
        fault: fault.map(str::to_owned),
    };
    let diverged = || Verdict::Diverged(Box::new(divergence()));
    let repaired = SealKind::Repaired { reason: "torn".into(), cut_events: 5, original_bytes: 100 };
    let (sealed, complete) = (TakeState::Sealed, Some(SealKind::Complete));
    let table = [
        (Verdict::Identical, sealed, complete.clone(), None, ExitCode::Identical),
        (diverged(), sealed, complete.clone(), None, ExitCode::Diverged),
        (Verdict::NothingToCheck, sealed, complete.clone(), None, ExitCode::Nothing),
        (Verdict::Identical, sealed, complete, Some("altered"), ExitCode::Damaged),
        (Verdict::Identical, sealed, Some(repaired), None, ExitCode::Damaged),
        (Verdict::Identical, TakeState::Unsealed, None, None, ExitCode::Damaged),
        (diverged(), TakeState::Torn { offset: 7 }, None, None, ExitCode::Damaged),
        (
            Verdict::Unfinished { reason: "damaged".into() },
            TakeState::Unsealed,
            None,
            None,
            ExitCode::Damaged,
        ),
    ];
    for (verdict, state, seal, fault, code) in table {
        let report = report(verdict, state, seal, fault);
        assert_eq!(report.exit_code(), code, "{report:?}");
    }
}
