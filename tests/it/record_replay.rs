//! The main job: what real actors do is recorded, the take verifies, and the replay is identical, from the
//! take alone.

use std::net::{TcpListener, TcpStream};

use crate::support::{Model, Sandbox, actor};
use retake_chain::log::TakeState;
use serde_json::json;

/// One fixture, driven in one way.
struct Row {
    actor: &'static str,
    args: &'static [&'static str],
    stdin: &'static str,
    /// Beginnings of the lines on stdout, all of them.
    stdout: &'static [&'static str],
    /// What stderr says about the end.
    stderr: &'static str,
    calls: usize,
}

const ROWS: &[Row] = &[
    Row {
        actor: "agent.wasm",
        args: &["--request", "GET /", "--request", "GET /elsewhere", "--request", "POST /ask anything"],
        stdin: "",
        // Without its settings, the agent cannot ask anybody.
        stdout: &["200 49 GET /", "404 ", "500 "],
        stderr: "1 actor, 3 calls",
        calls: 3,
    },
    Row {
        actor: "http-c.wasm",
        args: &[
            "--request",
            "GET /a/path?query=1",
            "--request",
            "POST / make this loud",
            "--request",
            "DELETE /",
        ],
        stdin: "",
        stdout: &["200 35 GET /a/path?query=1", "200 14 POST /", "405 18 DELETE /"],
        stderr: "1 actor, 3 calls",
        calls: 3,
    },
    Row {
        actor: "http-edge.wasm",
        args: &["--request", "GET /stream/3", "--request", "POST /echo hello", "--request", "GET /nowhere"],
        stdin: "",
        stdout: &["200 196608 GET /stream/3", "200 5 POST /echo", "404 14 GET /nowhere"],
        stderr: "1 actor, 3 calls",
        calls: 3,
    },
    Row {
        actor: "http-edge.wasm",
        args: &["--request", "GET /boom", "--request", "GET /late", "--request", "GET /silent"],
        stdin: "",
        stdout: &["500 ", "200 4 GET /late (broke off)", "500 "],
        stderr: "1 actor, 3 calls",
        calls: 3,
    },
    Row {
        actor: "http-edge.wasm",
        args: &["--request", "GET /refuse", "--request", "GET /exit", "--request", "POST /echo still here"],
        stdin: "",
        stdout: &["500 ", "500 ", "200 10 POST /echo"],
        stderr: "1 actor, 3 calls",
        calls: 3,
    },
    Row {
        actor: "command.wasm",
        args: &["--env", "MOOD=calm", "--", "--env", "MOOD", "--env", "NONE", "--time", "--random"],
        stdin: "two\nlines\n",
        stdout: &[
            "arguments: [\"--env\", \"MOOD\", \"--env\", \"NONE\", \"--time\", \"--random\"]",
            "stdin: 2 lines, 10 bytes",
            "MOOD=calm",
            "NONE is not set",
            "time: ",
            "random: ",
        ],
        stderr: "the command ended with exit code 0",
        calls: 1,
    },
    Row {
        actor: "command.wasm",
        args: &["--", "--exit", "7"],
        stdin: "",
        stdout: &["arguments: ", "stdin: 0 lines, 0 bytes"],
        // WASI 0.2 knows success and failure only.
        stderr: "the command ended with exit code 1",
        calls: 1,
    },
    Row {
        actor: "command.wasm",
        args: &["--", "--panic"],
        stdin: "",
        stdout: &["arguments: ", "stdin: 0 lines, 0 bytes"],
        stderr: "the command failed: wasm trap: wasm `unreachable` instruction executed",
        calls: 1,
    },
    Row {
        actor: "hello.wat",
        args: &[],
        stdin: "",
        stdout: &[],
        stderr: "the command ended with exit code 0",
        calls: 1,
    },
    Row {
        actor: "trap.wat",
        args: &[],
        stdin: "",
        stdout: &[],
        stderr: "the command failed: wasm trap: wasm `unreachable` instruction executed",
        calls: 1,
    },
    Row {
        actor: "exit.wat",
        args: &[],
        stdin: "",
        stdout: &[],
        stderr: "the command ended with exit code 1",
        calls: 1,
    },
];

#[test]
fn every_fixture_records_verifies_and_replays_as_identical() {
    for row in ROWS {
        println!("{} {:?}", row.actor, row.args);
        let sandbox = Sandbox::new();
        let actor = actor(row.actor);
        let recorded = ["record", &actor, "-o", "it.take"];
        let recorded = sandbox.retake_with_stdin(recorded.iter().chain(row.args), row.stdin).expect(0);
        recorded.says(&[row.stderr]);
        let lines: Vec<&str> = recorded.stdout.lines().collect();
        assert_eq!(lines.len(), row.stdout.len(), "{lines:?}");
        for (line, start) in lines.iter().zip(row.stdout) {
            assert!(line.starts_with(start), "{line:?} is not {start:?}");
        }

        let take = sandbox.take("it.take");
        assert_eq!(take.state, TakeState::Sealed);
        assert_eq!(take.whole_calls(), row.calls);
        sandbox.assert_intact_and_identical("it.take");
    }
}

#[test]
fn an_agents_session_replays_when_its_model_is_gone() {
    let sandbox = Sandbox::new();
    let model = Model::answering(&["Four.", "Five, as before."]);
    let url = format!("MODEL_URL={}", model.url());
    let agent = actor("agent.wasm");
    let recorded = ["record", &agent, "-o", "agent.take", "--json", "--allow-net"];
    let settings = ["--env", &url, "--env", "MODEL_NAME=small", "--env", "MODEL_API_KEY=secret"];
    let requests =
        ["--request", "POST /ask two and two?", "--request", "POST /ask {\"question\": \"and three?\"}"];
    let recorded = sandbox.retake(recorded.iter().chain(&settings).chain(&requests)).expect(0).json_lines();

    let asked = model.stop();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].target, "POST /v1/chat/completions");
    assert_eq!(asked[0].header("authorization"), Some("Bearer secret"));
    let question: serde_json::Value = serde_json::from_slice(&asked[0].body).expect("JSON");
    assert_eq!(
        (&question["model"], &question["messages"][1]["content"]),
        (&json!("small"), &json!("two and two?"))
    );
    for (line, answer) in recorded.iter().zip(["Four.", "Five, as before."]) {
        let body: serde_json::Value =
            serde_json::from_str(line["body"].as_str().expect("text")).expect("JSON");
        assert_eq!(body["answer"], answer);
        let id = json!(["x-request-id", body["id"]]);
        assert!(line["headers"].as_array().expect("headers").contains(&id), "{line}");
    }

    sandbox.assert_intact_and_identical("agent.take");
}

#[test]
fn a_replay_asks_the_network_nothing_even_if_it_is_there() {
    let sandbox = Sandbox::new();
    let model = Model::answering(&["Yes.", "No."]);
    let url = format!("MODEL_URL={}", model.url());
    let agent = actor("agent.wasm");
    let args = [
        "record",
        &agent,
        "-o",
        "agent.take",
        "--allow-net",
        "--env",
        &url,
        "--request",
        "POST /ask really?",
    ];
    sandbox.retake(args).expect(0);
    assert_eq!(model.requests().len(), 1);

    sandbox.retake(["replay", "agent.take"]).expect(0).says(&["identical"]);

    assert_eq!(model.requests().len(), 1);
}

#[test]
fn a_command_replays_without_the_directory_that_it_worked_in() {
    let sandbox = Sandbox::new();
    sandbox.create_folder("work");
    sandbox.write("work/input.txt", "three\nshort\nlines\n");
    let command = actor("command.wasm");
    let args = ["record", &command, "-o", "it.take", "--dir", "work::/data", "--", "--dir", "/data"];
    let recorded = sandbox.retake(args).expect(0);
    recorded.says(&["directory: [\"input.txt\"]", "input.txt: 3 lines, 18 bytes"]);
    assert_eq!(sandbox.read("work/output.txt"), b"3 lines, 18 bytes\n");
    std::fs::remove_dir_all(sandbox.path("work")).expect("the folder can be removed");

    sandbox.assert_intact_and_identical("it.take");
    assert_eq!(sandbox.names(), ["it.take"], "the replay wrote nothing");
}

#[test]
fn a_replay_prints_nothing_that_the_command_printed() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("command.wasm"), "-o", "it.take"]).expect(0).says(&["arguments: "]);

    let replayed = sandbox.retake(["replay", "it.take"]).expect(0);

    assert!(
        !replayed.stdout.contains("arguments: ") && !replayed.stderr.contains("arguments: "),
        "{replayed:?}"
    );
}

#[test]
fn an_embedded_actor_replays_from_the_take_alone() {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("http-c.wasm");
    let args = ["record", "http-c.wasm", "-o", "it.take", "--embed", "--request", "GET /"];
    sandbox.retake(args).expect(0);
    std::fs::remove_file(sandbox.path("http-c.wasm")).expect("the actor can be removed");

    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn an_actor_that_moved_is_missed_and_can_be_named() {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("http-c.wasm");
    sandbox.record_requests("http-c.wasm", &["GET /"], "it.take");
    std::fs::rename(sandbox.path("http-c.wasm"), sandbox.path("moved.wasm")).expect("the actor can be moved");

    sandbox.retake(["verify", "it.take"]).expect(0);
    sandbox.retake(["replay", "it.take"]).expect(4).says(&["http-c.wasm", "--actor"]);
    sandbox.retake(["replay", "it.take", "--actor", "moved.wasm"]).expect(0).says(&["identical"]);
}

#[test]
fn an_actor_beside_its_take_is_found_from_any_folder() {
    let (sandbox, elsewhere) = (Sandbox::new(), Sandbox::new());
    sandbox.copy_actor("hello.wat");
    sandbox.retake(["record", "hello.wat"]).expect(0);

    elsewhere.retake(["replay", &sandbox.arg("hello.take")]).expect(0).says(&["identical"]);
}

#[test]
fn check_replays_the_fresh_take_at_once() {
    let sandbox = Sandbox::new();
    let args = ["record", "--check", &actor("agent.wasm"), "--request", "GET /"];

    let checked = sandbox.retake(args).expect(0);

    checked.says(&["200 49 GET /", "recorded agent.take", "identical (1 call, "]);
}

#[test]
fn a_model_that_fails_is_recorded_as_it_failed() {
    let sandbox = Sandbox::new();
    // One that has no answer; one that cannot be reached, for nobody listens on the port that a client has.
    let model = Model::answering(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("a connection");
    let nobody = format!("http://{}/", client.local_addr().expect("connected"));
    let agent = actor("agent.wasm");
    for (take, url, words) in
        [("busy.take", model.url(), "status 503"), ("nobody.take", nobody, "cannot be reached")]
    {
        let url = format!("MODEL_URL={url}");
        let args = [
            "record",
            &agent,
            "-o",
            take,
            "--json",
            "--allow-net",
            "--env",
            &url,
            "--request",
            "POST /ask who?",
        ];
        let response = &sandbox.retake(args).expect(0).json_lines()[0];
        assert_eq!(response["status"], 502);
        assert!(response["body"].as_str().is_some_and(|body| body.contains(words)), "{response}");
        sandbox.assert_intact_and_identical(take);
    }
}
