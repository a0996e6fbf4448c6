//! What an actor prints and what Retake prints beside it: each on lines of its own, and each where a script
//! looks for it.

use std::fs::File;
use std::process::Stdio;

use crate::support::{Ended, Sandbox};

/// A component whose functions `out` and `err` write `guest` to one of its streams, without the end of a
/// line. It is a command that does both.
const PRINTER: &str = r#"(component
  (import "wasi:io/error@0.2.3" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.3" (instance $streams
    (alias outer 1 $error (type $outer-error))
    (export "output-stream" (type $stream (sub resource)))
    (export "error" (type $e (eq $outer-error)))
    (type $failures (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failures)))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $stream)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.3" (instance $stdout
    (alias outer 1 $stream (type $outer-stream))
    (export "output-stream" (type $s (eq $outer-stream)))
    (export "get-stdout" (func (result (own $s))))))
  (import "wasi:cli/stderr@0.2.3" (instance $stderr
    (alias outer 1 $stream (type $outer-stream))
    (export "output-stream" (type $s (eq $outer-stream)))
    (export "get-stderr" (func (result (own $s))))))
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 0) "guest")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-stderr (canon lower (func $stderr "get-stderr")))
  (core func $write
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))
  (core module $main
    (import "host" "stdout" (func $stdout (result i32)))
    (import "host" "stderr" (func $stderr (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (func (export "out") (result i32)
      (call $write (call $stdout) (i32.const 0) (i32.const 5) (i32.const 64)) (i32.const 7))
    (func (export "err") (result i32)
      (call $write (call $stderr) (i32.const 0) (i32.const 5) (i32.const 64)) (i32.const 8))
    (func (export "run") (result i32)
      (call $write (call $stdout) (i32.const 0) (i32.const 5) (i32.const 64))
      (call $write (call $stderr) (i32.const 0) (i32.const 5) (i32.const 64))
      (i32.const 0)))
  (core instance $main (instantiate $main (with "host" (instance
    (export "stdout" (func $get-stdout)) (export "stderr" (func $get-stderr)) (export "write" (func $write))))))
  (func (export "out") (result u32) (canon lift (core func $main "out")))
  (func (export "err") (result u32) (canon lift (core func $main "err")))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.3" (instance $command)))"#;

fn printer() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("printer.wat", PRINTER);
    sandbox
}

/// Runs with both streams in one file, as on a terminal, and returns it.
fn in_one_file(sandbox: &Sandbox, args: &[&str]) -> String {
    let file = File::create(sandbox.path("output")).expect("a new file");
    let mut command = sandbox.command(args);
    command.stdout(file.try_clone().expect("a second handle")).stderr(file);
    let status = command.status().expect("the binary starts");
    assert_eq!(status.code(), Some(0));
    String::from_utf8(sandbox.read("output")).expect("text")
}

#[test]
fn a_line_that_a_guest_leaves_open_on_stderr_is_ended_before_retakes_own() {
    let sandbox = printer();
    let ended = sandbox.retake(["record", "printer.wat", "-o", "it.take"]).expect(0);
    assert!(ended.stderr.starts_with("guest\nthe command ended with exit code 0\n"), "{}", ended.stderr);
    // Its stdout is elsewhere, and stays as it was written.
    assert_eq!(ended.stdout, "guest");

    let together = in_one_file(&sandbox, &["record", "printer.wat", "-o", "both.take"]);
    assert!(together.starts_with("guestguest\nthe command ended"), "{together}");
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn what_an_invoked_export_prints_goes_to_stdout_and_its_result_to_a_line_of_its_own() {
    let sandbox = printer();
    let invoke = ["record", "printer.wat", "--invoke", "out()", "--invoke", "err()", "--invoke", "out()"];
    let ended = sandbox.retake(invoke.iter().chain(&["-o", "it.take"])).expect(0);
    assert_eq!(ended.stdout, "guest\n7\n8\nguest\n7\n");
    assert!(ended.stderr.starts_with("guest\nrecorded it.take"), "{}", ended.stderr);

    let together = in_one_file(&sandbox, &[&invoke[..], &["-o", "both.take"]].concat());
    assert!(together.starts_with("guest\n7\nguest\n8\nguest\n7\nrecorded "), "{together}");
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn with_json_stdout_has_json_lines_and_nothing_else() {
    let sandbox = printer();
    let ended =
        sandbox.retake(["record", "printer.wat", "--json", "-o", "it.take", "--invoke", "out()"]).expect(0);
    let lines = ended.json_lines();
    assert_eq!((&lines[0]["result"], &lines[1]["take"]), (&"7".into(), &"it.take".into()));
    assert_eq!(ended.stderr, "guest");

    // A command's stdout is its own; the take's line is a line all the same.
    let mut command = sandbox.command(["record", "printer.wat", "--json", "-o", "command.take"]);
    let ended = Ended::of(command.stderr(Stdio::piped()).output().expect("the binary starts")).expect(0);
    let (guest, take) = ended.stdout.split_once('\n').expect("two lines");
    assert!(guest == "guest" && take.starts_with("{\"take\":\"command.take\""), "{}", ended.stdout);
}
