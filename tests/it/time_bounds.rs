//! Bounds in time: a guest without end keeps nobody waiting, neither after a divergence nor at all, and what
//! was stopped for lack of time is neither identical nor a divergence. No test measures time: each guest that
//! is stopped would never end.

use std::net::TcpListener;

use crate::support::{Sandbox, Take, actor};
use retake_chain::{ChainEventPayload, WasmErrorKind, WasmEventData};

/// Two exports, each of which is this core code.
fn two_exports(a: &str, b: &str) -> String {
    format!(
        r#"(component
            (core module $m
                (func (export "a") (result i32) {a})
                (func (export "b") (result i32) {b}))
            (core instance $i (instantiate $m))
            (func (export "a") (result u32) (canon lift (core func $i "a")))
            (func (export "b") (result u32) (canon lift (core func $i "b"))))"#
    )
}

const ONE: &str = "(i32.const 1)";
const TWO: &str = "(i32.const 2)";
const ENDLESS: &str = "(loop $ever (br $ever)) (unreachable)";

/// Records these calls of an actor whose `a` and `b` return 1, with options.
fn record(calls: &[&str], options: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", two_exports(ONE, ONE));
    let mut args = vec!["record", "it.wat", "-o", "it.take"];
    calls.iter().for_each(|call| args.extend(["--invoke", call]));
    sandbox.retake(args.iter().chain(options)).expect(0);
    sandbox
}

/// Whether the call before the end of each chain was given up.
fn given_up(take: &Take) -> Vec<bool> {
    let is_given_up = |events: &[retake_chain::ChainEvent]| {
        let [.., last, _shutdown] = events else { return false };
        let payload = last.payload().expect("a payload that decodes");
        let ChainEventPayload::Wasm(WasmEventData::WasmError { kind, .. }) = payload else { return false };
        kind == WasmErrorKind::Cancelled
    };
    take.chains.iter().map(|chain| is_given_up(&chain.events)).collect()
}

#[test]
fn a_chain_without_end_after_a_divergence_keeps_the_answer_back_in_no_command() {
    let sandbox = record(&["#1 b()", "#0 a()"], &["--actors", "2"]);
    sandbox.write("changed.wat", two_exports(ENDLESS, TWO));
    for command in [&["replay"][..], &["test"], &["test", "--jobs", "1"]] {
        let ended = sandbox.retake(command.iter().chain(&["it.take", "--actor", "changed.wat"])).expect(1);
        ended.says(&["of chain 1", "b returned 2"]);
    }
}

#[test]
fn a_replay_that_takes_too_long_could_not_be_checked_and_says_where_it_was() {
    let sandbox = record(&["b()", "a()"], &[]);
    sandbox.write(
        "changed.wat",
        two_exports(ENDLESS, ONE).replace(r#"(func (export "a")"#, r#"(func $spin (export "a")"#),
    );
    let replay = ["replay", "it.take", "--actor", "changed.wat"];
    let place = ["chain 0", "call 1, `a`", "after event 3", "in the function `spin`"];
    for bound in ["--timeout", "--take-timeout"] {
        let ended = sandbox.retake(replay.iter().chain(&[bound, "3s"])).expect(4);
        ended.says(&["longer than 3s"]);
        ended.says(&place);
        assert!(!ended.stdout.contains("DIVERGED") && !ended.stdout.contains("identical"), "{ended:?}");
    }
}

#[test]
fn a_bound_that_is_not_reached_changes_nothing() {
    let sandbox = record(&["b()", "a()"], &["--timeout", "1h", "--take-timeout", "1h", "--check"]);
    let bounds = ["--timeout", "1h", "--take-timeout", "1h"];
    sandbox.retake(["replay", "it.take"].iter().chain(&bounds)).expect(0).says(&["identical (2 calls"]);
    sandbox.write("changed.wat", two_exports(TWO, ONE));
    let ended = sandbox.retake(["replay", "it.take", "--actor", "changed.wat"].iter().chain(&bounds));
    ended.expect(1).says(&["a returned 2"]);
}

#[test]
fn a_take_of_a_suite_that_takes_too_long_is_unchecked_and_the_others_go_on() {
    let sandbox = record(&["a()"], &[]);
    sandbox.write("endless.wat", two_exports(ENDLESS, ONE));
    for (folder, key) in [("of-calls", "timeout"), ("of-the-take", "take-timeout")] {
        sandbox.create_folder(folder);
        sandbox.write(&format!("{folder}/it.take"), sandbox.read("it.take"));
        sandbox.write(&format!("{folder}/endless.wat"), sandbox.read("endless.wat"));
        sandbox.write(&format!("{folder}/retake.toml"), format!("actor = 'endless.wat'\n{key} = '200ms'\n"));
    }
    let ended = sandbox.retake(["test", "--json", "it.take", "of-calls", "of-the-take"]).expect(4);
    let lines = ended.json_lines();
    let finished = lines.iter().filter(|line| line["event"] == "take-finished");
    let mut outcomes: Vec<(&str, &str)> = finished
        .map(|line| (line["name"].as_str().expect("a name"), line["status"].as_str().expect("a status")))
        .collect();
    outcomes.sort_unstable();
    let expected =
        [("it.take", "passed"), ("of-calls/it.take", "unchecked"), ("of-the-take/it.take", "unchecked")];
    assert_eq!(outcomes, expected);

    let ended = sandbox.retake(["test", "it.take", "--actor", "endless.wat", "--timeout", "200ms"]).expect(4);
    ended.says(&["UNCHECKED", "took longer than 200ms"]);
}

#[test]
fn a_time_that_is_none_is_refused_with_what_to_write() {
    let sandbox = record(&["a()"], &[]);
    sandbox
        .retake(["replay", "it.take", "--timeout", "30"])
        .expect(2)
        .says(&["the unit is missing", "`30s`"]);
    sandbox.write("retake.toml", "timeout = '5 minutes'\n");
    sandbox.retake(["test", "it.take"]).expect(4).says(&["retake.toml", "5 minutes", "whole number"]);
}

#[test]
fn an_invoked_call_that_takes_too_long_is_recorded_as_given_up() {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", two_exports(ENDLESS, ONE));
    let args = ["record", "it.wat", "-o", "it.take", "--timeout", "3s", "--invoke", "a()", "--invoke", "b()"];
    let ended = sandbox.retake(args).expect(4);
    ended.says(&[
        "`a` took longer than 3s and was given up: call 0 of actor",
        "after event 1",
        "in function 0",
    ]);
    assert_eq!(ended.stdout, "1\n", "the next call has a fresh instance");
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed", "2 calls"]);
    sandbox.retake(["replay", "it.take"]).expect(0).says(&["identical (1 call,", "1 call given up"]);
}

#[test]
fn an_instance_for_the_session_ends_with_the_call_that_takes_too_long() {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", two_exports(ENDLESS, ONE));
    let args = ["record", "it.wat", "-o", "it.take", "--instance", "session", "--timeout", "200ms"];
    let ended = sandbox.retake(args.iter().chain(&["--invoke", "a()", "--invoke", "b()"])).expect(4);
    ended.says(&["the actor has ended"]);
    assert_eq!(given_up(&sandbox.take("it.take")), [true]);
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["1 call"]);
}

#[test]
fn a_session_that_takes_too_long_is_sealed_with_its_call_given_up() {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", two_exports(ENDLESS, ONE));
    let args =
        ["record", "it.wat", "-o", "it.take", "--take-timeout", "3s", "--invoke", "a()", "--invoke", "b()"];
    sandbox.retake(args).expect(4).says(&["the session took longer than 3s"]);
    assert_eq!(given_up(&sandbox.take("it.take")), [true]);
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed", "1 call"]);
}

#[test]
fn a_command_that_takes_too_long_ends_with_the_place() {
    let sandbox = Sandbox::new();
    let ended =
        sandbox.retake(["record", &actor("loop.wat"), "-o", "it.take", "--timeout", "200ms"]).expect(4);
    ended.says(&["`wasi:cli/run@0.2.3/run` took longer than 200ms", "in function 0"]);
    sandbox.retake(["verify", "it.take"]).expect(0);
}

#[test]
fn a_served_request_that_takes_too_long_gets_504_and_the_actor_is_free() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-loop.wat"), &["--timeout", "200ms"], "it.take");
    for _ in 0..2 {
        let response = served.client().get("/");
        assert_eq!((response.status, response.whole), (504, true));
        assert_eq!(response.body, b"the actor took longer than 200ms\n");
    }
    served.stop().says(&["2 calls took longer than 200ms", "wasi:http/incoming-handler@0.2.3/handle"]);
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed", "2 calls"]);
    sandbox.retake(["replay", "it.take"]).expect(0).says(&["identical (2 calls", "2 calls given up"]);
}

#[test]
fn a_request_that_waits_for_an_upstream_without_answer_is_given_up_in_the_host_call() {
    // It takes connections into its backlog, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!("MODEL_URL=http://{}/", silent.local_addr().expect("an address"));
    let sandbox = Sandbox::new();
    let options = ["--timeout", "3s", "--allow-net", "--env", &url];
    let served = sandbox.serve(&actor("agent.wasm"), &options, "it.take");
    assert_eq!(served.client().post("/ask", b"anybody there?").status, 504);
    served.stop().says(&["waiting for `wasi:io/poll@"]);
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed", "1 call"]);
    sandbox.retake(["replay", "it.take"]).expect(0).says(&["identical (1 call", "1 call given up"]);
}

#[test]
fn a_response_that_has_begun_is_cut_off_when_its_call_takes_too_long() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &["--timeout", "3s"], "it.take");
    let upload = served.upload(b"never to be finished");
    assert_eq!(upload.status, 200);
    assert!(upload.rest().is_err(), "the response breaks off");
    assert_eq!(served.client().post("/echo", b"whole").body, b"whole", "the actor is free");
    served.stop().says(&["took longer than 3s"]);
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed", "2 calls"]);
    sandbox.retake(["replay", "it.take"]).expect(0).says(&["identical (2 calls", "1 call given up"]);
}

#[test]
fn a_bound_in_time_takes_no_stack_from_the_guest() {
    let sandbox = Sandbox::new();
    // Small frames, which the checks for an interruption make the most larger.
    sandbox.write(
        "it.wat",
        r#"(component
            (core module $m (func $go (export "go") (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
                (i32.add (i32.const 1) (call $go (i32.sub (local.get 0) (i32.const 1))))))
            (core instance $i (instantiate $m))
            (func (export "go") (param "levels" u32) (result u32) (canon lift (core func $i "go"))))"#,
    );
    let returns = |levels: u32, bound: &[&str]| {
        let call = format!("go({levels})");
        let args = ["record", "it.wat", "-o", "it.take", "--invoke", &call];
        let ended = sandbox.retake(args.iter().chain(bound)).expect(0);
        sandbox.retake(["replay", "it.take"]).expect(0);
        sandbox.remove_if_there("it.take");
        ended.stdout.trim() == levels.to_string()
    };
    // The most levels that the guest returns from, to a few.
    let (mut most, mut too_many) = (1, 1 << 20);
    while too_many - most > 16 {
        let between = most + (too_many - most) / 2;
        if returns(between, &[]) { most = between } else { too_many = between }
    }
    assert!(returns(most, &["--timeout", "1h"]), "{most} levels");
}
