//! The main job: what real actors do is recorded, the take verifies, and the replay is identical, from the take alone.

mod support;

use std::net::{TcpListener, TcpStream};
use std::thread;

use retake_chain::log::TakeState;
use retake_chain::{ChainEventPayload, ContentRef, Outcome, Value, is_http_incoming};
use serde_json::json;
use support::{Model, Sandbox, actor};

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

/// Verifies and replays a take; both must find nothing amiss.
#[track_caller]
fn assert_intact_and_identical(sandbox: &Sandbox, take: &str) {
    sandbox.retake(["verify", take]).expect(0).says(&["intact and sealed"]);
    sandbox.retake(["replay", take]).expect(0).says(&["identical"]);
}

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
        assert_intact_and_identical(&sandbox, "it.take");
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

    assert_intact_and_identical(&sandbox, "agent.take");
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

    assert_intact_and_identical(&sandbox, "it.take");
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

    assert_intact_and_identical(&sandbox, "it.take");
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
fn clients_at_the_same_time_are_spread_over_actors_with_a_chain_each() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &["--actors", "4"], "it.take");
    // Four bodies on their way at once keep four actors busy.
    let uploads: Vec<_> =
        ["one ", "two ", "three ", "four "].map(|first| served.upload(first.as_bytes())).into();
    let echoed: Vec<_> =
        uploads.into_iter().map(|upload| upload.finish(b"and the rest").expect("an echo")).collect();
    assert_eq!(echoed.concat(), b"one and the resttwo and the restthree and the restfour and the rest");
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let mut client = served.client();
            thread::spawn(move || {
                for turn in 0..4 {
                    let body = format!("turn {turn} of client {number}");
                    let response = client.post("/echo", body.as_bytes());
                    assert_eq!((response.status, response.body), (200, body.into_bytes()));
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().expect("every client is answered"));
    served.stop().says(&["4 actors, 36 calls"]);

    let take = sandbox.take("it.take");
    assert_eq!(take.chains.len(), 4);
    assert!(take.chains.iter().all(|chain| chain.calls() > 0));
    assert_eq!(take.whole_calls(), 36);
    assert_intact_and_identical(&sandbox, "it.take");
}

#[test]
fn long_bodies_pass_in_both_directions() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    let expected: Vec<u8> = (0..30).flat_map(|chunk| [b'a' + chunk % 26; 64 * 1024]).collect();
    let mut client = served.client();

    let streamed = client.get("/stream/30");
    assert!((streamed.status, streamed.whole) == (200, true) && streamed.body == expected);
    let echoed = client.post("/echo", &expected);
    assert!((echoed.status, echoed.whole) == (200, true) && echoed.body == expected);
    served.stop();

    assert_intact_and_identical(&sandbox, "it.take");
}

#[test]
fn a_client_can_tell_an_answer_that_broke_off_and_the_session_goes_on() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");

    let late = served.client().get("/late");
    assert_eq!((late.status, late.body.as_slice(), late.whole), (200, &b"four"[..], false));
    for failing in ["/boom", "/silent", "/refuse", "/exit"] {
        let response = served.client().get(failing);
        assert_eq!((response.status, response.whole), (500, true), "{failing}");
    }
    assert_eq!(served.client().post("/echo", b"still here").body, b"still here");
    served.stop();

    assert_eq!(sandbox.take("it.take").whole_calls(), 6);
    assert_intact_and_identical(&sandbox, "it.take");
}

#[test]
fn nothing_written_behind_a_content_length_leaves_the_answer_whole() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");

    let exact = served.client().get("/exact");
    assert_eq!((exact.status, exact.header("content-length")), (200, Some("5")));
    assert_eq!((exact.body.as_slice(), exact.whole), (&b"hello"[..], true));
    served.stop();

    assert_intact_and_identical(&sandbox, "it.take");
}

#[test]
fn clients_that_go_away_early_leave_a_take_that_replays() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");

    served.client().leave_early("/stream/200");
    drop(served.upload(b"gone before the end of its own body"));
    // The only actor is free again when both calls have ended.
    assert_eq!(served.client().post("/echo", b"still here").body, b"still here");
    served.stop();

    assert_eq!(sandbox.take("it.take").whole_calls(), 3);
    assert_intact_and_identical(&sandbox, "it.take");
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
        assert_intact_and_identical(&sandbox, take);
    }
}

#[test]
fn an_exchange_is_noted_with_both_heads_and_the_digests_of_both_bodies() {
    let sandbox = Sandbox::new();
    sandbox.record_requests(&actor("http-c.wasm"), &["POST /path?q=1 hello"], "it.take");
    let mut take = sandbox.take("it.take");
    let chain = take.only_chain();
    let types = chain.types();
    let noted = types.iter().position(|found| is_http_incoming(found)).expect("a note of the exchange");
    assert_eq!(
        types[noted + 1..],
        ["wasm-result", "shutdown"],
        "it stands behind every call that it rests on"
    );

    let ChainEventPayload::HostFunction(call) = chain.events[noted].payload().expect("a payload") else {
        panic!("{:?}", chain.events[noted])
    };
    let body = |text: &str| {
        Value::record([
            ("length", Value::from(text.len() as u64)),
            ("sha256", Value::from(ContentRef::of(text.as_bytes()).as_ref().to_vec())),
            ("complete", Value::from(true)),
        ])
    };
    let [request] = &call.input[..] else { panic!("{:?}", call.input) };
    assert_eq!(request.field("method"), Some(&Value::from("POST")));
    assert_eq!(request.field("path"), Some(&Value::from("/path?q=1")));
    assert_eq!(request.field("body"), Some(&body("hello")));
    let Outcome::Returned(Some(response)) = &call.output else { panic!("{:?}", call.output) };
    assert_eq!(response.field("status"), Some(&Value::from(200u16)));
    assert_eq!(response.field("body"), Some(&body("HELLO")));
}

#[test]
fn a_request_that_finds_every_actor_busy_waits_its_turn() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    let busy = served.upload(b"the only actor is at work");
    let waiting: Vec<_> = (0..16)
        .map(|_| {
            let mut client = served.client();
            thread::spawn(move || client.post("/echo", b"next").status)
        })
        .collect();

    busy.finish(b".").expect("an echo");

    for client in waiting {
        assert_eq!(client.join().expect("an answer"), 200);
    }
    served.stop();
    assert_eq!(sandbox.take("it.take").whole_calls(), 17);
}

#[test]
fn requests_beyond_the_queue_are_turned_away_and_leave_no_trace() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    let busy = served.upload(b"the only actor is at work");
    let (sender, statuses) = std::sync::mpsc::channel();
    for _ in 0..100 {
        let (mut client, sender) = (served.client(), sender.clone());
        thread::spawn(move || sender.send(client.post("/echo", b"next").status));
    }
    drop(sender);

    // As long as the actor is busy, only those who are turned away get an answer.
    let first = statuses.recv().expect("an answer");
    assert_eq!(first, 503);
    busy.finish(b".").expect("an echo");
    let others: Vec<u16> = statuses.iter().collect();
    assert_eq!(others.len(), 99);
    assert!(others.iter().all(|status| [200, 503].contains(status)), "{others:?}");

    served.stop();
    let answered = others.iter().filter(|&&status| status == 200).count();
    assert_eq!(sandbox.take("it.take").whole_calls(), 1 + answered);
    assert_intact_and_identical(&sandbox, "it.take");
}

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
