//! Dropping a handle is a call to the host like any other: recorded, compared and answered, and its failure
//! too.

use crate::support::Sandbox;

/// A command that asks for standard output, waits for nothing on it, and drops what it got by `drops`.
fn dropping(drops: &str) -> String {
    format!(
        r#"(component
  (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $pollable (type $poll))
    (export "pollable" (type $p (eq $poll)))
    (export "output-stream" (type $stream (sub resource)))
    (export "[method]output-stream.subscribe" (func (param "self" (borrow $stream)) (result (own $p))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream (type $outer))
    (export "output-stream" (type $stream (eq $outer)))
    (export "get-stdout" (func (result (own $stream))))))
  (core func $get (canon lower (func $stdout "get-stdout")))
  (core func $subscribe (canon lower (func $streams "[method]output-stream.subscribe")))
  (core func $drop-stream (canon resource.drop $stream))
  (core func $drop-pollable (canon resource.drop $pollable))
  (core module $main
    (import "host" "get" (func $get (result i32)))
    (import "host" "subscribe" (func $subscribe (param i32) (result i32)))
    (import "host" "drop-stream" (func $drop-stream (param i32)))
    (import "host" "drop-pollable" (func $drop-pollable (param i32)))
    (func (export "run") (result i32)
      (local $stream i32) (local $pollable i32)
      (local.set $stream (call $get))
      (local.set $pollable (call $subscribe (local.get $stream)))
      {drops}
      (i32.const 0)))
  (core instance $main (instantiate $main (with "host" (instance
    (export "get" (func $get)) (export "subscribe" (func $subscribe))
    (export "drop-stream" (func $drop-stream)) (export "drop-pollable" (func $drop-pollable))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exports)))"#
    )
}

const STREAM: &str = "(call $drop-stream (local.get $stream))";
const POLLABLE: &str = "(call $drop-pollable (local.get $pollable))";

fn recorded(drops: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", dropping(&drops.concat()));
    sandbox.retake(["record", "it.wat", "-o", "it.take"]).expect(0);
    sandbox
}

/// The types of the host calls of the take.
fn host_calls(sandbox: &Sandbox) -> Vec<String> {
    let mut take = sandbox.take("it.take");
    let types = take.only_chain().types().into_iter().map(String::from);
    types.filter(|event_type| event_type.contains("wasi:") && !event_type.contains("/run")).collect()
}

#[test]
fn drops_are_recorded_where_they_happen_and_the_take_replays() {
    let sandbox = recorded(&[POLLABLE, STREAM]);
    assert_eq!(
        host_calls(&sandbox),
        [
            "wasi:cli/stdout@0.2.0/get-stdout",
            "wasi:io/streams@0.2.0/[method]output-stream.subscribe",
            "wasi:io/poll@0.2.0/[resource-drop]pollable",
            "wasi:io/streams@0.2.0/[resource-drop]output-stream",
        ]
    );
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_build_that_drops_in_another_order_diverges_at_the_drop() {
    let sandbox = recorded(&[POLLABLE, STREAM]);
    sandbox.write("other.wat", dropping(&[STREAM, POLLABLE].concat()));
    sandbox.retake(["replay", "it.take", "--actor", "other.wat"]).expect(1).says(&[
        "different call",
        "expected: wasi:io/poll@0.2.0/[resource-drop]pollable(#1)",
        "actual:   wasi:io/streams@0.2.0/[resource-drop]output-stream(#1)",
    ]);
}

#[test]
fn a_build_that_leaks_a_handle_diverges() {
    let sandbox = recorded(&[POLLABLE, STREAM]);
    sandbox.write("leaky.wat", dropping(POLLABLE));
    sandbox
        .retake(["replay", "it.take", "--actor", "leaky.wat"])
        .expect(1)
        .says(&["missing call", "[resource-drop]output-stream"]);
}

/// The host does not let go of a stream while something that was made of it is there.
#[test]
fn a_drop_at_which_the_host_fails_replays_as_that_failure() {
    let sandbox = recorded(&[STREAM, POLLABLE]);
    assert_eq!(host_calls(&sandbox).len(), 3, "nothing comes after it");
    let listed = sandbox.retake(["inspect", "it.take", "--event", "4"]).expect(0);
    listed.says(&["[resource-drop]output-stream", "failed"]);
    sandbox.assert_intact_and_identical("it.take");
}

/// A bound on fuel is replayed with the shim in place, which imports the resource types from another
/// interface.
#[test]
fn drops_of_a_session_with_a_bound_are_answered_through_the_shim() {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", dropping(&[POLLABLE, STREAM].concat()));
    sandbox.retake(["record", "it.wat", "-o", "it.take", "--fuel", "1000000"]).expect(0);
    sandbox.assert_intact_and_identical("it.take");
}
