//! What a recorder that is killed leaves: a take that is readable up to its last answer, and never passes for
//! a whole one.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::{Chain, Running, Sandbox, Served, Take, actor, wait_until};
use retake_chain::WASM_CALL;
use retake_chain::log::TakeState;

#[test]
fn what_a_client_was_answered_survives_the_death_of_the_recorder() {
    // The recorder is killed in the middle of a session, with calls answered and one on its way.
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    let mut client = served.client();
    for number in 0..20 {
        let body = format!("body number {number}");
        assert_eq!(client.post("/echo", body.as_bytes()).body, body.as_bytes());
    }
    let cut_off = served.upload(b"never to be finished");
    served.kill();
    assert!(cut_off.rest().is_err(), "the answer breaks off");

    let take = sandbox.take("it.take");
    assert_ne!(take.state, TakeState::Sealed);
    assert_eq!(take.whole_calls(), 20, "every answered call is there, and the other one did not end");
    sandbox.retake(["verify", "it.take"]).expect(3).says(&["the recorder did not finish"]);
    let replayed = sandbox.retake(["replay", "it.take"]).expect(3);
    replayed.says(&["identical", "(20 calls, ", "the recorder did not finish"]);
}

#[test]
fn an_answer_of_the_fewest_bytes_is_in_the_take_before_the_client_has_it() {
    // Killed right after the only answer: there is no later call whose flush could have brought it to the
    // file.
    for path in ["/stream/0", "/stream/1", "/nowhere", "/boom", "/silent"] {
        let sandbox = Sandbox::new();
        let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
        assert!(served.client().get(path).whole);
        served.kill();

        assert_eq!(sandbox.take("it.take").whole_calls(), 1, "{path}");
        sandbox.retake(["replay", "it.take"]).expect(3).says(&["1 call, "]);
    }
}

#[test]
fn a_recorder_that_is_killed_before_its_first_call_leaves_an_unsealed_take() {
    // Nothing but the beginning of the session has happened.
    let sandbox = Sandbox::new();
    sandbox.serve(&actor("http-edge.wasm"), &[], "it.take").kill();

    sandbox.retake(["verify", "it.take"]).expect(3);
    sandbox.retake(["replay", "it.take"]).expect(3);
}

#[test]
fn what_a_command_did_before_its_recorder_was_killed_is_in_the_take() {
    // A command that waits for its user, for hours perhaps, has not ended a call that would be waited for.
    // What it did reaches the file by itself.
    let sandbox = Sandbox::new();
    let args = ["record", &actor("command.wasm"), "-o", "it.take", "--", "--env", "MOOD"];
    let mut child = sandbox.command(args).stdin(Stdio::piped()).spawn().expect("the binary starts");
    let mut printed = String::new();
    BufReader::new(child.stdout.as_mut().expect("it is piped")).read_line(&mut printed).expect("UTF-8");
    assert!(printed.starts_with("arguments: "), "{printed}");
    let has_printed = |take: &Take| {
        let chains = take.chains.iter();
        chains.flat_map(Chain::types).any(|found| found.contains("output-stream") && found.contains("write"))
    };
    wait_until(|| has_printed(&sandbox.take("it.take")));
    child.kill().expect("the process is there");
    child.wait().expect("the process ends");

    sandbox.retake(["verify", "it.take"]).expect(3).says(&["1 call, ", "the recorder did not finish"]);
    sandbox.retake(["replay", "it.take"]).expect(3).says(&["identical as far as", "ends inside a call"]);
}

#[test]
fn a_take_cut_behind_a_host_call_replays_to_there_even_if_the_guest_would_run_on_without_end() {
    let sandbox = Sandbox::new();
    sandbox.write("endless.wat", ENDLESS);
    let recorder = Running::start(sandbox.command(["record", "endless.wat", "-o", "it.take"]));
    let types = ["retake/session", WASM_CALL, "wasi:clocks/monotonic-clock@0.2.3/now"];
    let path = sandbox.path("it.take");
    let is_there =
        |file: &[u8]| !file.is_empty() && Take::read(file).chains.iter().any(|chain| chain.types() == types);
    wait_until(|| std::fs::read(&path).is_ok_and(|file| is_there(&file)));
    // This kills it.
    drop(recorder);
    assert_eq!(sandbox.take("it.take").only_chain().types(), types);

    // A replay that does not stop is ended by the system, for computing so long.
    let replay = sandbox.command_behind("ulimit -t 30", ["replay", "it.take"]);

    Running::start(replay).ended().expect(3).says(&[
        "identical as far as it could be checked",
        "3 events",
        "the recording ends inside a call",
    ]);
}

/// A command that reads a clock, and then computes without end.
const ENDLESS: &str = r#"(component
  (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock (export "now" (func (result u64)))))
  (core func $now (canon lower (func $clock "now")))
  (core module $main
    (import "clock" "now" (func $now (result i64)))
    (func (export "run") (result i32)
      (drop (call $now))
      (loop $again (br $again))
      unreachable))
  (core instance $main (instantiate $main (with "clock" (instance (export "now" (func $now))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.3" (instance $exports)))"#;

#[test]
fn a_take_that_cannot_be_written_on_ends_the_session_and_holds_every_whole_answer() {
    // The disk is full, or a quota used up: here a bound on the size of a file.
    let sandbox = Sandbox::new();
    let args = ["record", &actor("http-edge.wasm"), "-o", "it.take", "--http", "127.0.0.1:0"];
    let served = Served::start(sandbox.command_behind("trap '' XFSZ; ulimit -f 64", args));
    let mut answered = 0;
    loop {
        let body = noise(20_000, answered);
        let response = served.client().post("/echo", &body);
        if response.status != 200 || !response.whole {
            break;
        }
        assert_eq!(response.body, body);
        answered += 1;
        assert!(answered < 10, "more than the file can hold was answered");
    }
    assert!(answered > 0, "the file has room for a call");
    served.ended().expect(4).says(&["the take cannot be written", "what was written before is readable"]);

    let take = sandbox.take("it.take");
    assert_ne!(take.state, TakeState::Sealed);
    assert_eq!(take.whole_calls(), answered as usize);
    sandbox.retake(["verify", "it.take"]).expect(3);
    sandbox.retake(["replay", "it.take"]).expect(3).says(&["identical", &format!("({answered} call")]);
}

/// Bytes that do not compress.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d ^ seed;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
