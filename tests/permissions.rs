//! Nothing is inherited or reachable unless the command line says so.

mod support;

use support::{Model, Sandbox, actor};

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
        support::Ended::of(output).expect(0)
    };

    recorded(&[], "none.take").says(&["RETAKE_TEST is not set"]);
    recorded(&["--env", "RETAKE_TEST=given"], "given.take").says(&["RETAKE_TEST=given"]);
    recorded(&["--inherit-env", "RETAKE_TEST"], "inherited.take").says(&["RETAKE_TEST=from outside"]);
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
