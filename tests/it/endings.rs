//! Every way in which a call may end is recorded as what it was, and a replay ends in the same way. What an
//! actor runs into (fuel, memory, stack) is in `limits.rs`, what a signal ends in `stopping.rs`, clients that
//! leave in `http_sessions.rs`.

use crate::support::{Sandbox, actor};

/// A command whose memory, `realloc` and calls of `fields` are these: it asks for the values of a name, and
/// makes headers of a list in memory.
fn headers(realloc: &str, data: &str, calls: &str) -> String {
    format!(
        r#"(component
        (import "wasi:http/types@0.2.3" (instance $types
            (export "fields" (type $fields (sub resource)))
            (type $error (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
            (export "header-error" (type $header-error (eq $error)))
            (export "[constructor]fields" (func (result (own $fields))))
            (export "[static]fields.from-list" (func
                (param "entries" (list (tuple string (list u8)))) (result (result (own $fields) (error $header-error)))))
            (export "[method]fields.get" (func
                (param "self" (borrow $fields)) (param "name" string) (result (list (list u8)))))))
        (core module $libc
            (memory (export "memory") 1)
            (data (i32.const 0) "{data}")
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc}))
        (core instance $libc (instantiate $libc))
        (alias core export $libc "memory" (core memory $memory))
        (alias core export $libc "realloc" (core func $realloc))
        (core func $new (canon lower (func $types "[constructor]fields")))
        (core func $list (canon lower (func $types "[static]fields.from-list") (memory $memory) (realloc $realloc)))
        (core func $get (canon lower (func $types "[method]fields.get") (memory $memory) (realloc $realloc)))
        (core module $main
            (import "h" "new" (func $new (result i32)))
            (import "h" "list" (func $list (param i32 i32 i32)))
            (import "h" "get" (func $get (param i32 i32 i32 i32)))
            (func (export "run") (result i32) {calls} (i32.const 0)))
        (core instance $main (instantiate $main (with "h" (instance
            (export "new" (func $new)) (export "list" (func $list)) (export "get" (func $get))))))
        (func $run (result (result)) (canon lift (core func $main "run")))
        (instance $exports (export "run" (func $run)))
        (export "wasi:cli/run@0.2.3" (instance $exports)))"#
    )
}

/// What a guest breaks of the canonical ABI, and the kind of end that it is.
#[rustfmt::skip]
const BROKEN: &[(&str, &str, &str, &str)] = &[
    // `realloc` returns a pointer that is not aligned, and one beyond the memory.
    ("(i32.const 1025)", "", "(call $get (call $new) (i32.const 0) (i32.const 1) (i32.const 200))", "pointer-unaligned"),
    ("(i32.const 70000)", "", "(call $get (call $new) (i32.const 0) (i32.const 1) (i32.const 200))", "pointer-out-of-bounds"),
    ("unreachable", "", "(call $get (call $new) (i32.const 0) (i32.const 1) (i32.const 200))", "unreachable"),
    // The place for the result is not aligned.
    ("(i32.const 1024)", "", "(call $get (call $new) (i32.const 0) (i32.const 1) (i32.const 201))", "pointer-unaligned"),
    // The name of a header in a list is not UTF-8, and beyond the memory.
    ("(i32.const 1024)", r"\10\00\00\00\02\00\00\00\00\00\00\00\00\00\00\00\ff\fe", "(call $list (i32.const 0) (i32.const 1) (i32.const 200))", "string-encoding"),
    ("(i32.const 1024)", r"\ff\ff\ff\00\02\00\00\00\00\00\00\00\00\00\00\00", "(call $list (i32.const 0) (i32.const 1) (i32.const 200))", "pointer-out-of-bounds"),
    // A name by itself, and a handle that there is not.
    ("(i32.const 1024)", r"\ff", "(call $get (call $new) (i32.const 0) (i32.const 1) (i32.const 200))", "string-encoding"),
    ("(i32.const 1024)", "a", "(call $get (i32.const 7) (i32.const 0) (i32.const 1) (i32.const 200))", "unknown-handle"),
];

#[test]
fn what_a_guest_breaks_of_the_abi_ends_its_replay_too_in_every_command() {
    for &(realloc, data, calls, kind) in BROKEN {
        let sandbox = Sandbox::new();
        sandbox.write("it.wat", headers(realloc, data, calls));
        sandbox
            .retake(["record", "it.wat", "-o", "it.take", "--check"])
            .expect(0)
            .says(&["identical (1 call, "]);
        let inspected = sandbox.retake(["inspect", "it.take"]).expect(0);
        inspected.says(&[&format!("({kind})")]);
        sandbox.assert_intact_and_identical("it.take");
        sandbox.retake(["test", "it.take"]).expect(0);
        sandbox.retake(["replay", "it.take", "--fuel", "1000000000"]).expect(0);
        // Another end of the same call is still another one.
        sandbox.write(
            "other.wat",
            headers("(i32.const 1024)", "", "(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
        );
        sandbox.retake(["replay", "it.take", "--actor", "other.wat"]).expect(1);
    }
}

const UNREACHABLE: &str = r#"trapped: "wasm trap: wasm `unreachable` instruction executed""#;

/// An actor, what it is recorded with, and what `inspect` says of the end: its lines but for what comes
/// before these words, in this order.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const ENDINGS: &[Row] = &[
    // A trap of the guest, of the host, and an exit below two calls between components.
    ("trap.wat", &[], &["now() returned", "/run trapped: \"wasm trap: wasm `unreachable`"]),
    ("wasi-udp.wasm", &["--allow-net", "--", "twice"], &[r#"udp-socket.stream(#1, none) failed: "UDP streams not dropped yet""#, r#"/run failed: "UDP streams not dropped yet""#]),
    ("nested-exit.wat", &[], &["now() returned", r#"exit("err") exited with 1"#, "/run exited with 1"]),
    // Of an exchange: ended before and within the response, answered without reading what came, answered with
    // nothing.
    ("http-edge.wasm", &["--request", "GET /boom"], &[r#"failed: "the actor set no response""#, UNREACHABLE]),
    ("http-edge.wasm", &["--request", "GET /late"], &["returned {status: 200", "complete: false", UNREACHABLE]),
    ("http-edge.wasm", &["--request", "GET /exit"], &[r#"exit("err") exited with 1"#, r#"failed: "the actor set no response""#, "handle exited with 1"]),
    ("http-edge.wasm", &["--request", "POST /stream/1 never read"], &["body: {length: 0", "complete: false}}) returned {status: 200", "complete: true", "handle returned"]),
    ("http-edge.wasm", &["--request", "GET /silent"], &[r#"failed: "the actor set no response""#, "handle returned"]),
    ("http-edge.wasm", &["--request", "GET /refuse"], &[r#"failed: "the actor answered with the error ErrorCode::LoopDetected""#, "handle returned"]),
];

#[test]
fn every_ending_is_recorded_as_what_it_was_and_replayed_as_that() {
    for &(guest, options, words) in ENDINGS {
        let sandbox = Sandbox::new();
        let guest = actor(guest);
        sandbox.retake(["record", &guest, "-o", "it.take"].iter().chain(options)).expect(0);
        let inspected = sandbox.retake(["inspect", "it.take"]).expect(0).stdout;
        let mut rest = inspected.as_str();
        for word in words {
            let found = rest.split_once(word);
            rest = found.unwrap_or_else(|| panic!("{guest}: {word:?} does not come: {inspected}")).1;
        }
        sandbox.assert_intact_and_identical("it.take");
    }
}
