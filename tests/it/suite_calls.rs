//! The calls of a long take are replayed beside each other where they do not depend on each other, and the
//! answer is the one that a replay in order has: the same verdict, the same first divergence, the same counts
//! and heads.

use crate::support::{Sandbox, actor};
use serde_json::Value as Json;

/// Clock readings of most calls; a segment is cut after a few of them.
const READINGS: u32 = 50;

/// Records these calls of `clock-calls.wat`, by their numbers of readings.
fn record(calls: &[u32], args: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("clock-calls.wat");
    let lines: String = calls.iter().map(|n| format!("work({n})\n")).collect();
    sandbox.write("calls.txt", lines);
    let fixed = ["record", "clock-calls.wat", "--calls", "calls.txt", "-o", "it.take"];
    sandbox.retake(fixed.iter().chain(args)).expect(0);
    sandbox
}

/// Calls of which some have another number of readings.
fn calls(others: &[(usize, u32)]) -> Vec<u32> {
    let mut calls = vec![READINGS; 80];
    others.iter().for_each(|(at, readings)| calls[*at] = *readings);
    calls
}

/// Builds the actor with this code at its begin.
fn change(sandbox: &Sandbox, code: &str) {
    let source = String::from_utf8(sandbox.read("clock-calls.wat")).expect("text");
    let changed = source.replacen("(nop) ;; CHANGE", code, 1);
    assert_ne!(source, changed);
    sandbox.write("changed.wat", changed);
}

/// The reports of a replay in order and of one with four jobs, which must be one.
#[track_caller]
fn both(sandbox: &Sandbox, args: &[&str], exit: i32) -> Json {
    let in_order = sandbox.retake(["replay", "--json", "it.take"].iter().chain(args)).expect(exit).json();
    let lines = sandbox.retake(["test", "--json", "--jobs", "4", "it.take"].iter().chain(args)).expect(exit);
    let lines = lines.json_lines();
    let finished = lines.iter().find(|line| line["event"] == "take-finished").expect("it was replayed");
    let report = finished["report"].clone();
    let of_report = |report: &Json| {
        let mut report = report.as_object().expect("an object").clone();
        ["take", "exit"].iter().for_each(|field| drop(report.remove(*field)));
        Json::Object(report)
    };
    assert_eq!(of_report(&report), of_report(&in_order));
    report
}

#[test]
fn an_identical_take_is_identical() {
    let sandbox = record(&calls(&[]), &[]);
    let report = both(&sandbox, &[], 0);
    assert_eq!((report["calls"].as_u64(), report["events"].as_u64()), (Some(80), Some(80 * 52 + 2)));
}

#[test]
fn the_first_of_several_divergences_is_told_with_its_call() {
    let sandbox = record(&calls(&[(37, 51), (60, 51), (79, 51)]), &[]);
    change(&sandbox, "(if (i32.eq (local.get $n) (i32.const 51)) (then (drop (call $now))))");
    let report = both(&sandbox, &["--actor", "changed.wat"], 1);
    let divergence = &report["verdict"]["diverged"];
    assert_eq!(divergence["kind"], "extra-call");
    assert_eq!(divergence["call"]["index"], 37);
    assert_eq!(divergence["event_index"], 1 + 37 * 52 + 1 + 51);
    assert_eq!(report["calls"], 37);
}

#[test]
fn a_call_without_end_behind_a_divergence_does_not_keep_the_answer_back() {
    let sandbox = record(&calls(&[(10, 51), (20, 52), (40, 52), (79, 52)]), &[]);
    // It takes its time to differ, so that the others have begun by then.
    change(
        &sandbox,
        "(local $left i32)
         (if (i32.eq (local.get $n) (i32.const 51)) (then
           (local.set $left (i32.const 100000000))
           (loop $on (br_if $on (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
           (drop (call $now))))
         (if (i32.eq (local.get $n) (i32.const 52)) (then (loop $ever (br $ever))))",
    );
    let report = both(&sandbox, &["--actor", "changed.wat"], 1);
    assert_eq!(report["verdict"]["diverged"]["call"]["index"], 10);
}

#[test]
fn an_altered_event_behind_a_divergence_is_found_as_well() {
    let sandbox = record(&calls(&[(37, 51)]), &[]);
    let mut take = sandbox.take("it.take");
    let last = take.only_chain().events.len() - 2;
    take.only_chain().alter(last, |payload| match payload {
        retake_chain::ChainEventPayload::Wasm(retake_chain::WasmEventData::WasmResult {
            response, ..
        }) => {
            *response = retake_chain::Outcome::Returned(Some(retake_chain::Value::from(7u64)));
        }
        other => panic!("no result: {other:?}"),
    });
    sandbox.write("it.take", take.with_its_hashes());
    change(&sandbox, "(if (i32.eq (local.get $n) (i32.const 51)) (then (drop (call $now))))");
    let report = both(&sandbox, &["--actor", "changed.wat"], 3);
    assert_eq!(report["verdict"]["diverged"]["call"]["index"], 37);
    assert!(report["fault"].as_str().is_some_and(|fault| fault.contains("hash")), "{report:#}");
    both(&sandbox, &[], 3);
}

#[test]
fn calls_of_one_instance_and_calls_with_a_state_stay_in_order() {
    let sandbox = record(&calls(&[]), &["--instance", "session"]);
    both(&sandbox, &[], 0);

    let sandbox = Sandbox::new();
    sandbox.write("calls.txt", "increment(2)\n".repeat(300));
    let counter = actor("counter.wasm");
    sandbox.retake(["record", &counter, "--calls", "calls.txt", "-o", "it.take"]).expect(0);
    both(&sandbox, &[], 0);
}

#[test]
fn a_torn_take_is_checked_as_far_as_it_is_whole() {
    let sandbox = record(&calls(&[]), &[]);
    let take = sandbox.read("it.take");
    sandbox.write("it.take", &take[..take.len() * 3 / 4]);
    let report = both(&sandbox, &[], 3);
    assert!(report["calls"].as_u64().is_some_and(|calls| calls > 0), "{report:#}");
}

#[test]
fn several_actors_of_one_take_are_replayed_beside_each_other_in_parts() {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("clock-calls.wat");
    let lines: String = (0..160).map(|n| format!("#{} work({READINGS})\n", n % 2)).collect();
    sandbox.write("calls.txt", lines);
    let args = ["record", "clock-calls.wat", "--actors", "2", "--calls", "calls.txt", "-o", "it.take"];
    sandbox.retake(args).expect(0);
    assert_eq!(both(&sandbox, &[], 0)["calls"], 160);
}
