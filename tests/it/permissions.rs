//! Nothing is inherited or reachable unless the command line says so.

use crate::support::{Model, Sandbox, actor};
use retake_chain::{ChainEventPayload, ContentRef, SessionKind};

#[test]
fn without_allow_net_an_actor_reaches_nobody() {
    let sandbox = Sandbox::new();
    let model = Model::answering(&["Yes."]);
    let url = format!("MODEL_URL={}", model.url());
    let args = [
        "record",
        &actor("agent.wasm"),
        "-o",
        "it.take",
        "--json",
        "--env",
        &url,
        "--request",
        "POST /ask who?",
    ];

    let lines = sandbox.retake(args).expect(0).json_lines();

    assert_eq!(lines[0]["status"], 502);
    let body = lines[0]["body"].as_str().expect("text");
    assert!(body.to_lowercase().contains("denied"), "{body}");
    assert!(model.stop().is_empty());
    sandbox.retake(["replay", "it.take"]).expect(0);
}

#[test]
fn environment_variables_are_given_one_by_one() {
    let sandbox = Sandbox::new();
    let command = actor("command.wasm");
    let recorded = |options: &[&str], take: &str| {
        let args = [&["record", &command, "-o", take], options, &["--", "--env", "RETAKE_TEST"]].concat();
        let output =
            sandbox.command(args).env("RETAKE_TEST", "from outside").output().expect("the binary starts");
        crate::support::Ended::of(output).expect(0)
    };

    recorded(&[], "none.take").says(&["RETAKE_TEST is not set"]);
    recorded(&["--env", "RETAKE_TEST=given"], "given.take").says(&["RETAKE_TEST=given"]);
    recorded(&["--inherit-env", "RETAKE_TEST"], "inherited.take").says(&["RETAKE_TEST=from outside"]);
}

#[test]
fn the_genesis_binds_what_ran_and_what_it_was_given() {
    let sandbox = Sandbox::new();
    sandbox.create_folder("work");
    let command = actor("command.wasm");
    let given = ["--env", "MOOD=calm", "--dir", "work::/data", "--dir", "work::/same:ro", "--allow-net"];
    let args = [&["record", &command, "-o", "it.take"], &given[..], &["--", "--env", "MOOD"]].concat();
    sandbox.retake(args).expect(0);
    let mut take = sandbox.take("it.take");
    let chain = take.only_chain();

    let ChainEventPayload::Session(start) = chain.events[0].payload().expect("a payload") else {
        panic!("{:?}", chain.events[0])
    };

    assert_eq!(start.actor_id, chain.id);
    let component = std::fs::read(&command).expect("a fixture");
    assert_eq!((start.actor.digest, start.actor.size), (ContentRef::of(&component), component.len() as u64));
    assert_eq!(start.arguments, ["command.wasm", "--env", "MOOD"]);
    assert_eq!(start.env_names, ["MOOD"]);
    assert_eq!(start.preopens, ["/data", "/same:ro"]);
    assert!(start.allow_net);
    assert_eq!(start.kind, SessionKind::Command);
}

#[test]
fn a_directory_that_is_not_given_is_not_there() {
    let sandbox = Sandbox::new();
    sandbox.create_folder("work");
    sandbox.write("work/input.txt", "one line\n");
    let args = ["record", &actor("command.wasm"), "-o", "it.take", "--", "--dir", &sandbox.arg("work")];

    sandbox.retake(args).expect(0).says(&["the command ended with exit code 1"]);

    assert!(!sandbox.path("work/output.txt").exists());
    sandbox.retake(["replay", "it.take"]).expect(0);
}

#[test]
fn a_read_only_directory_is_read_and_not_written() {
    let sandbox = Sandbox::new();
    sandbox.create_folder("work");
    sandbox.write("work/input.txt", "one line\n");
    let args = [
        "record",
        &actor("command.wasm"),
        "-o",
        "it.take",
        "--dir",
        "work::/data:ro",
        "--",
        "--dir",
        "/data",
    ];

    let recorded = sandbox.retake(args).expect(0);

    recorded.says(&["input.txt: 1 lines, 9 bytes", "the command ended with exit code 1"]);
    assert!(!sandbox.path("work/output.txt").exists());
    sandbox.retake(["replay", "it.take"]).expect(0);
}
