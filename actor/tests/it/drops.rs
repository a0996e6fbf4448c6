//! A handle that the guest drops is a call to the host: recorded with its number and how it ended, and
//! replayed so.

use retake_actor::instrument;
use retake_chain::{Outcome, Value};

use crate::common::guest::handwritten;
use crate::common::session::{Session, rep, replay};

const WIT: &str = "package retake:test;
    interface host { resource cell; resource door; }
    interface guest {
        use host.{cell, door};
        take: func(c: own<cell>, d: own<door>, e: own<cell>);
    }
    world actor { import host; export guest; }";
const IMPORTS: &str = r#"
    (import "retake:test/host" "[resource-drop]cell" (func $drop-cell (param i32)))
    (import "retake:test/host" "[resource-drop]door" (func $drop-door (param i32)))"#;
/// Drops what it is given, the last first.
const DROPPER: &str = r#"
    (func (export "retake:test/guest#take") (param i32 i32 i32)
      (call $drop-cell (local.get 2))
      (call $drop-door (local.get 1))
      (call $drop-cell (local.get 0)))"#;
/// The same, but keeps the door.
const KEEPER: &str = r#"
    (func (export "retake:test/guest#take") (param i32 i32 i32)
      (call $drop-cell (local.get 2))
      (call $drop-cell (local.get 0)))"#;

fn dropper() -> Vec<u8> {
    handwritten(WIT, IMPORTS, DROPPER)
}

#[tokio::test]
async fn drops_of_handles_that_came_through_an_export_are_recorded_in_their_order() {
    let session = Session::of(dropper()).call("take", [rep(1), rep(1), rep(2)]);
    let recorded = session.record_and_replay().await;
    let names: Vec<&str> = recorded.host_calls.iter().map(|call| &*call.function).collect();
    assert_eq!(names, ["[resource-drop]cell", "[resource-drop]door", "[resource-drop]cell"]);
    let numbers: Vec<&Value> = recorded.host_calls.iter().map(|call| &call.input[0]).collect();
    assert_eq!(numbers, [&Value::Handle(2), &Value::Handle(1), &Value::Handle(1)]);
    assert!(recorded.host_calls.iter().all(|call| &*call.interface == "retake:test/host"));
    assert!(recorded.host_calls.iter().all(|call| call.output == Outcome::Returned(None)));
}

#[tokio::test]
async fn a_drop_at_which_the_host_fails_is_recorded_and_replayed_as_that() {
    let session = Session::of(dropper()).call("take", [rep(1), rep(1), rep(2)]);
    let recorded = session.fail_at_drops("the cell has children").record_and_replay().await;
    let failed = Outcome::Failed("the cell has children".into());
    assert_eq!(recorded.outcomes, std::slice::from_ref(&failed));
    assert_eq!(recorded.host_calls.len(), 1, "nothing comes after it");
    assert_eq!(recorded.host_calls[0].output, failed);
}

#[tokio::test]
async fn a_build_that_does_not_drop_what_the_recorded_one_dropped_is_found_out() {
    let calls = [("take".to_string(), vec![rep(1), rep(1), rep(2)])];
    let session = Session::of(dropper()).call("take", calls[0].1.clone());
    let recorded = session.record().await;
    let replayed = replay(&handwritten(WIT, IMPORTS, KEEPER), &calls, &recorded.host_calls[..2]);
    assert!(
        matches!(&replayed[..], [Outcome::Trapped { message, .. }] if message.contains("was recorded")),
        "{replayed:?}"
    );
}

#[test]
fn a_component_that_imports_resources_and_no_function_is_instrumented() {
    let instrumented = instrument(&dropper()).unwrap();
    assert_eq!(instrumented.functions, []);
    assert_ne!(instrumented.component, dropper());
}
