//! What the commands print, for people and as JSON, and what they name their files.

use crate::support::{Ended, Sandbox, actor};
use serde_json::json;

#[test]
fn a_take_without_a_name_is_named_after_the_actor_and_never_replaces_another() {
    let sandbox = Sandbox::new();
    for name in ["hello.take", "hello-2.take", "hello-3.take"] {
        sandbox.retake(["record", &actor("hello.wat")]).expect(0).says(&[name]);
    }
    assert_eq!(sandbox.names(), ["hello-2.take", "hello-3.take", "hello.take"]);
}

#[test]
fn a_body_can_come_from_a_file() {
    let sandbox = Sandbox::new();
    sandbox.write("body.txt", "from a file");
    let args = ["record", &actor("http-c.wasm"), "-o", "it.take", "--json", "--request", "POST / @body.txt"];

    let lines = sandbox.retake(args).expect(0).json_lines();

    assert_eq!(lines[0]["body"], "FROM A FILE");
}

#[test]
fn json_has_a_line_for_each_response_the_take_and_the_check() {
    let sandbox = Sandbox::new();
    let edge = actor("http-edge.wasm");
    let args = [
        "record",
        &edge,
        "-o",
        "it.take",
        "--json",
        "--check",
        "--request",
        "GET /late",
        "--request",
        "GET /x",
    ];

    let lines = sandbox.retake(args).expect(0).json_lines();

    let [late, missing, take, check] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(
        (&late["status"], &late["body"], &late["broken"]),
        (&json!(200), &json!("four"), &json!(true))
    );
    assert_eq!((&missing["method"], &missing["path"]), (&json!("GET"), &json!("/x")));
    assert_eq!((&missing["status"], &missing["broken"]), (&json!(404), &json!(false)));
    assert_eq!((&take["take"], &take["calls"], &take["chains"]), (&json!("it.take"), &json!(2), &json!(1)));
    assert_eq!(
        (&check["verdict"], &check["exit"], &check["calls"]),
        (&json!("identical"), &json!(0), &json!(2))
    );
}

#[test]
fn json_of_verify_and_replay_names_chains_heads_and_digests() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat")]).expect(0);
    let mut take = sandbox.take("hello.take");
    let chain = take.only_chain();
    let (id, head) = (chain.id.to_string(), chain.events.last().expect("events").hash.to_string());

    let verified = sandbox.retake(["verify", "--json", "hello.take"]).expect(0).json();
    let replayed = sandbox.retake(["replay", "--json", "hello.take"]).expect(0).json();

    for answer in [&verified, &replayed] {
        assert_eq!(
            (&answer["take"], &answer["exit"], &answer["events"]),
            (&json!("hello.take"), &json!(0), &json!(6))
        );
        assert_eq!((&answer["chains"][0]["id"], &answer["chains"][0]["head"]), (&json!(id), &json!(head)));
    }
    assert_eq!(replayed["recorded_digest"], replayed["replayed_digest"]);
    assert_eq!(replayed["recorded_digest"], verified["actor"]);
}

#[test]
fn an_answer_that_cannot_be_written_is_not_a_success() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat"), "-o", "it.take"]).expect(0);
    for args in [
        &["verify", "it.take"][..],
        &["verify", "it.take", "--json"],
        &["replay", "it.take"],
        &["replay", "it.take", "--json"],
        &["inspect", "it.take"],
        &["export", "it.take"],
        &["test", "it.take"],
        &["test", "it.take", "--json"],
        &["test", "it.take", "--list"],
        &["record", &actor("counter.wasm"), "--invoke", "increment(2)", "--json"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let mut command = sandbox.command(args);
        command.stdout(full);
        let ended = Ended::of(command.output().expect("the binary starts")).expect(4);
        assert!(ended.stderr.contains("No space left"), "{args:?}: {}", ended.stderr);
    }
}
