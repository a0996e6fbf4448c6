//! What a recorder that is killed leaves: a take that is readable up to its last answer, and never passes for a whole one.

mod support;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use retake_chain::log::TakeState;
use support::{Chain, Sandbox, Take, actor, wait_until};

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
    // Killed right after the only answer: there is no later call whose flush could have brought it to the file.
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
    // A command that waits for its user, for hours perhaps, has not ended a call that would be waited for. What it did
    // reaches the file by itself.
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
