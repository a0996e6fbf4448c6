//! Where a function is imported from makes no difference: the root of the world, or one of several instances
//! of an interface.

use retake_actor::instrument;
use retake_chain::{Outcome, Value};

use crate::common::guest::handwritten;
use crate::common::session::{Session, list, rep};

const WIT: &str = "package retake:test;
    interface cells { resource cell; record pair { a: u8, b: u16 } open: func() -> own<cell>; }
    interface guest { run: func() -> u32; }
    world actor {
        use cells.{cell, pair};
        import look-up: func(key: list<u8>, c: borrow<cell>) -> result<own<cell>, string>;
        import sum: func(p: pair) -> u32;
        export guest;
    }";
const IMPORTS: &str = r#"
    (import "$root" "look-up" (func $look-up (param i32 i32 i32 i32)))
    (import "$root" "sum" (func $sum (param i32 i32) (result i32)))
    (import "retake:test/cells" "open" (func $open (result i32)))
    (import "retake:test/cells" "[resource-drop]cell" (func $drop (param i32)))"#;
/// Opens a cell, looks up another by it, drops that, and sums up.
const GUEST: &str = r#"
    (data (i32.const 16) "key")
    (func (export "retake:test/guest#run") (result i32)
      (call $look-up (i32.const 16) (i32.const 3) (call $open) (i32.const 32))
      (call $drop (i32.load (i32.const 36)))
      (call $sum (i32.const 1) (i32.const 2)))"#;

#[tokio::test]
async fn functions_at_the_root_and_the_handles_in_them_are_recorded_and_replayed() {
    let session = Session::of(handwritten(WIT, IMPORTS, GUEST))
        .call("run", [])
        .answer(rep(1))
        .answer(Value::case("ok", Some(rep(2))))
        .answer(Value::from(3u32));
    let recorded = session.record_and_replay().await;
    assert_eq!(recorded.outcomes, [Outcome::Returned(Some(Value::from(3u32)))]);
    let calls: Vec<_> = recorded.host_calls.iter().map(|call| (&*call.interface, &*call.function)).collect();
    let cells = "retake:test/cells";
    assert_eq!(
        calls,
        [(cells, "open"), ("$root", "look-up"), (cells, "[resource-drop]cell"), ("$root", "sum")]
    );
    assert_eq!(recorded.host_calls[1].input, [Value::Bytes("key".into()), Value::Handle(1)]);
    assert_eq!(recorded.host_calls[2].input, [Value::Handle(2)]);
    let pair = Value::record([("a", Value::from(1u8)), ("b", Value::from(2u16))]);
    assert_eq!(recorded.host_calls[3].input, [pair]);
}

#[tokio::test]
async fn a_world_of_nothing_but_a_function_at_the_root_is_recorded() {
    let wit = "package retake:test;
        interface guest { run: func() -> u32; }
        world actor { import get: func(names: list<string>) -> u32; export guest; }";
    let imports = r#"(import "$root" "get" (func $get (param i32 i32) (result i32)))"#;
    let guest =
        r#"(func (export "retake:test/guest#run") (result i32) (call $get (i32.const 0) (i32.const 0)))"#;
    let session = Session::of(handwritten(wit, imports, guest)).call("run", []).answer(Value::from(5u32));
    let recorded = session.record_and_replay().await;
    assert_eq!(recorded.host_calls[0].input, [list([])]);
    assert_eq!(recorded.outcomes, [Outcome::Returned(Some(Value::from(5u32)))]);
}

#[test]
fn the_instrumented_component_imports_what_the_original_does() {
    let instrumented = instrument(&handwritten(WIT, IMPORTS, GUEST)).unwrap();
    wasmparser::validate(&instrumented.component).unwrap();
    let names: Vec<String> = instrumented.functions.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["retake:test/cells/open", "$root/look-up", "$root/sum"]);
}

#[tokio::test]
async fn two_versions_of_an_interface_are_two_instances() {
    let wit = "package retake:test;
        interface guest { run: func() -> u32; }
        world actor { import a:b/c@1.0.0; import a:b/c@1.1.0; export guest; }
        package a:b@1.0.0 { interface c { resource r; make: func() -> own<r>; } }
        package a:b@1.1.0 { interface c { resource r; make: func() -> own<r>; } }";
    let imports = r#"
        (import "a:b/c@1.0.0" "make" (func $old (result i32)))
        (import "a:b/c@1.1.0" "make" (func $new (result i32)))
        (import "a:b/c@1.1.0" "[resource-drop]r" (func $drop (param i32)))"#;
    let guest = r#"(func (export "retake:test/guest#run") (result i32)
        (drop (call $old))
        (call $drop (call $new))
        (i32.const 1))"#;
    let session = Session::of(handwritten(wit, imports, guest)).call("run", []).answer(rep(1)).answer(rep(1));
    let recorded = session.record_and_replay().await;
    let calls: Vec<_> = recorded.host_calls.iter().map(|call| (&*call.interface, &*call.function)).collect();
    let (old, new) = ("a:b/c@1.0.0", "a:b/c@1.1.0");
    assert_eq!(calls, [(old, "make"), (new, "make"), (new, "[resource-drop]r")]);
}
