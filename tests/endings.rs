//! Every way in which a call may end is recorded as what it was, and a replay ends in the same way. What an actor runs into
//! (fuel, memory, stack) is in `limits.rs`, what a signal ends in `stopping.rs`, clients that leave in `http_sessions.rs`.

mod support;

use support::{Sandbox, actor};

const UNREACHABLE: &str = r#"trapped: "wasm trap: wasm `unreachable` instruction executed""#;

/// An actor, what it is recorded with, and what `inspect` says of the end: its lines but for what comes before these words, in
/// this order.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const ENDINGS: &[Row] = &[
    // A trap of the guest, of the host, and an exit below two calls between components.
    ("trap.wat", &[], &["now() returned", "/run trapped: \"wasm trap: wasm `unreachable`"]),
    ("wasi-udp.wasm", &["--allow-net", "--", "twice"], &[r#"udp-socket.stream(#1, none) failed: "UDP streams not dropped yet""#, r#"/run failed: "UDP streams not dropped yet""#]),
    ("nested-exit.wat", &[], &["now() returned", r#"exit("err") exited with 1"#, "/run exited with 1"]),
    // Of an exchange: ended before and within the response, answered without reading what came, answered with nothing.
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
