//! What becomes of an exchange whose client does something unusual, and of responses without a body: what the
//! client gets, what the actor is told, and what the take says of it.

mod answering;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use crate::support::{Sandbox, Served, Take, actor};
use answering::{FINISH, answering, answering_and, writing};
use retake_chain::{ChainEventPayload, HostFunctionCall, Outcome, Value, is_http_incoming};
use rustix::process::Signal;

/// A connection on which these bytes were sent.
fn sent(address: SocketAddr, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(bytes.as_bytes()).expect("the bytes are sent");
    stream
}

/// All that comes until the server closes the connection.
fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The notes of the exchanges of a take with one chain.
fn exchanges(take: &mut Take) -> Vec<HostFunctionCall> {
    let events = take.only_chain().events.iter().filter(|event| is_http_incoming(&event.event_type));
    let note = |event: &retake_chain::ChainEvent| match event.payload().expect("a payload") {
        ChainEventPayload::HostFunction(call) => call,
        other => panic!("{other:?}"),
    };
    events.map(note).collect()
}

/// The length of a body that was noted, and whether it is complete.
fn body(of: &Value) -> (u64, bool) {
    let body = of.field("body").expect("a body");
    let (Some(Value::Unsigned(length)), Some(Value::Bool(complete))) =
        (body.field("length"), body.field("complete"))
    else {
        panic!("{body:?}")
    };
    (*length, *complete)
}

fn response(call: &HostFunctionCall) -> &Value {
    match &call.output {
        Outcome::Returned(Some(response)) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_upload_with_trailers_that_is_read_to_its_end_is_complete() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-c.wasm"), &[], "it.take");
    for end in ["0\r\n\r\n", "0\r\nx-sum: 1\r\n\r\n"] {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nhello\r\n{end}"
        );
        let answer = answer(sent(served.address, &request));
        assert!(answer.contains("HELLO"), "{answer}");
    }
    served.stop();

    let notes = exchanges(&mut sandbox.take("it.take"));
    let bodies: Vec<_> = notes.iter().map(|note| body(&note.input[0])).collect();
    assert_eq!(bodies, [(5, true), (5, true)]);
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn an_upload_that_breaks_off_is_not_complete_and_the_actor_is_told() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    for head in ["content-length: 10", "transfer-encoding: chunked"] {
        let chunk = if head.starts_with('c') { "five " } else { "5\r\nfive \r\n" };
        let upload =
            sent(served.address, &format!("POST /echo HTTP/1.1\r\nhost: h\r\n{head}\r\n\r\n{chunk}"));
        // The client has nothing more to say, and still listens.
        upload.shutdown(Shutdown::Write).expect("a connection");
        answer(upload);
    }
    served.stop();

    let mut take = sandbox.take("it.take");
    let notes = exchanges(&mut take);
    let bodies: Vec<_> = notes.iter().map(|note| body(&note.input[0])).collect();
    assert_eq!(bodies, [(5, false), (5, false)]);
    sandbox.retake(["inspect", "it.take"]).expect(0).says(&["last-operation-failed"]);
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn an_upload_that_waits_for_a_continue_is_complete() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-c.wasm"), &[], "it.take");
    let mut upload = sent(
        served.address,
        "POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 5\r\nconnection: close\r\n\r\n",
    );
    let mut told = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    upload.read_exact(&mut told).expect("it is told to go on");
    upload.write_all(b"hello").expect("the body is sent");
    assert!(answer(upload).contains("HELLO"));
    served.stop();

    assert_eq!(body(&exchanges(&mut sandbox.take("it.take"))[0].input[0]), (5, true));
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_client_that_leaves_a_stream_without_end_ends_its_exchange_and_frees_the_actor() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");

    // 64 KiB each: more than any machine would send in a day.
    served.client().leave_early("/stream/10000000000");
    assert_eq!(served.client().get("/exact").body, b"hello");
    served.stop();

    let mut take = sandbox.take("it.take");
    let notes = exchanges(&mut take);
    assert_eq!(notes[0].output, Outcome::Failed("the client went away".into()));
    assert_eq!(body(response(&notes[1])), (5, true));
    // As with `wasmtime serve`.
    sandbox.retake(["inspect", "it.take"]).expect(0).says(&[r#"returned {err: "closed"}"#]);
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_head_that_is_asked_of_a_long_body_is_whole() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    let head =
        answer(sent(served.address, "HEAD /stream/3 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"));
    served.stop();

    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let notes = exchanges(&mut sandbox.take("it.take"));
    assert_eq!(body(response(&notes[0])), (3 << 16, true));
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_client_that_only_stops_sending_gets_its_response() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    // The only actor is at work, so that the others wait; they have closed their side long before they are
    // answered.
    let busy = served.upload(b"at work");
    let asked: Vec<_> = ["/exact", "/stream/2"]
        .map(|path| {
            let client = sent(served.address, &format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n"));
            client.shutdown(Shutdown::Write).expect("a connection");
            client
        })
        .into();
    busy.finish(b".").expect("an echo");

    let answers: Vec<_> = asked.into_iter().map(answer).collect();
    assert!(answers[0].ends_with("\r\n\r\nhello"), "{}", answers[0]);
    assert!(answers[1].len() > 2 << 16 && answers[1].ends_with("\r\n0\r\n\r\n"));
    served.stop();

    let notes = exchanges(&mut sandbox.take("it.take"));
    assert!(notes.iter().all(|note| body(response(note)).1), "{notes:?}");
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn requests_that_are_sent_at_once_on_one_connection_are_answered_in_order() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    let requests =
        "GET /exact HTTP/1.1\r\nhost: h\r\n\r\nGET /nowhere HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    let answers = answer(sent(served.address, requests));
    served.stop();

    let at = |text: &str| answers.find(text).unwrap_or_else(|| panic!("no {text} in {answers}"));
    assert!(at("200 OK") < at("hello") && at("hello") < at("404 Not Found"));
    assert_eq!(sandbox.take("it.take").whole_calls(), 2);
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_response_that_has_no_body_is_whole_whatever_its_length_says() {
    for status in [204, 304] {
        let sandbox = Sandbox::new();
        sandbox.write("it.wat", answering(status, true));
        sandbox
            .record_requests("it.wat", &["GET /", "HEAD /"], "it.take")
            .says(&[&format!("{status} 0 GET /\n")]);
        let notes = exchanges(&mut sandbox.take("it.take"));
        let bodies: Vec<_> = notes.iter().map(|note| body(response(note))).collect();
        assert_eq!(bodies, [(0, true), (0, true)], "{status}");
        sandbox.assert_intact_and_identical("it.take");
    }
}

#[test]
fn a_response_with_a_length_and_no_body_is_not_whole() {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", answering(200, true));
    sandbox.record_requests("it.wat", &["GET /"], "it.take").says(&["200 0 GET / (broke off)"]);
    assert_eq!(body(response(&exchanges(&mut sandbox.take("it.take"))[0])), (0, false));
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_response_is_whole_if_its_body_ends_with_the_bytes_of_its_length_before_the_call_does() {
    // Whether it has a content length of 5, what is written, what follows, and what the client and the take
    // have.
    let rows = [
        (true, 5, FINISH, (5, true)),
        (true, 3, FINISH, (3, false)),
        (true, 8, FINISH, (8, false)),
        (true, 5, "", (5, true)),
        (true, 8, "", (8, false)),
        (false, 8, FINISH, (8, true)),
        (false, 8, "unreachable", (8, false)),
    ];
    for (with_length, written, after, noted) in rows {
        let sandbox = Sandbox::new();
        sandbox.write("it.wat", answering_and(200, with_length, &format!("{} {after}", writing(written))));
        let recorded = sandbox.record_requests("it.wat", &["GET /"], "it.take");
        assert_eq!(recorded.stdout.contains("(broke off)"), !noted.1, "{written} {after}: {recorded:?}");
        let notes = exchanges(&mut sandbox.take("it.take"));
        assert_eq!(body(response(&notes[0])), noted, "{written} {after}");
        sandbox.assert_intact_and_identical("it.take");
    }
}

#[test]
fn a_response_that_was_finished_stays_whole_when_the_actor_traps_after_it() {
    let sandbox = Sandbox::new();
    let traps = format!("{} {FINISH} unreachable", writing(8));
    sandbox.write("it.wat", answering_and(200, false, &traps));
    // Each time: it is no matter of which thread is faster.
    let recorded = sandbox.record_requests("it.wat", &["GET /"; 50], "it.take");
    assert!(!recorded.stdout.contains("broke off"), "{}", recorded.stdout);

    let notes = exchanges(&mut sandbox.take("it.take"));
    assert!(notes.iter().all(|note| body(response(note)) == (8, true)), "{notes:?}");
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_client_that_leaves_before_its_response_begins_leaves_a_take_that_replays() {
    let sandbox = Sandbox::new();
    let model = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("MODEL_URL=http://{}/", model.local_addr().expect("a bound socket"));
    let served = sandbox.serve(&actor("agent.wasm"), &["--allow-net", "--env", &url], "it.take");
    let client = sent(served.address, "POST /ask HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nwho?");
    // The actor waits for its model.
    let (mut asked, _) = model.accept().expect("the actor asks");
    drop(client);
    asked.write_all(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n").expect("the actor is there");

    assert_eq!(served.client().get("/").status, 200);
    served.stop();

    assert_eq!(sandbox.take("it.take").whole_calls(), 2);
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_connection_that_is_lost_in_an_upload_breaks_it_off_and_frees_the_actor() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    let upload = sent(
        served.address,
        "POST /echo HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfive \r\n",
    );
    // The actor reads. Who closes a connection with something unread in it resets it.
    upload.peek(&mut [0]).expect("it is told to go on");
    drop(upload);
    assert_eq!(served.client().get("/exact").body, b"hello");
    served.stop();

    let notes = exchanges(&mut sandbox.take("it.take"));
    assert!(!body(&notes[0].input[0]).1, "{notes:?}");
    assert_eq!(body(response(&notes[1])), (5, true));
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_response_whose_body_was_never_taken_has_a_length_of_zero() {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", answering(201, false));
    let served = sandbox.serve("it.wat", &[], "it.take");
    let answer = answer(sent(served.address, "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"));
    served.stop();

    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.contains("content-length: 0\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(body(response(&exchanges(&mut sandbox.take("it.take"))[0])), (0, true));
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn requests_that_nobody_handles_are_counted_and_told() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &["--json"], "it.take");
    let busy = served.upload(b"the only actor is at work");
    let (sender, statuses) = std::sync::mpsc::channel();
    for _ in 0..100 {
        let (mut client, sender) = (served.client(), sender.clone());
        std::thread::spawn(move || sender.send(client.get("/exact").status));
    }
    drop(sender);
    // As long as the actor is busy, only those that are refused get an answer.
    let first = statuses.recv().expect("an answer");
    busy.finish(b".").expect("an echo");
    let refused = [first].into_iter().chain(statuses).filter(|&status| status == 503).count() as u64;
    assert!(refused > 0);
    // A request that names no host reaches no actor either.
    let no_host = answer(sent(served.address, "GET / HTTP/1.0\r\n\r\n"));
    assert!(no_host.starts_with("HTTP/1.0 400"), "{no_host}");
    let ended = served.stop();

    ended.says(&[
        &format!("not recorded: {refused} request"),
        "refused with 503: every actor was busy",
        "not recorded: 1 request refused with 400",
    ]);
    let lines = ended.json_lines();
    let take = lines.last().expect("a line about the take");
    assert_eq!(take["refused"], refused + 1);
    assert_eq!(take["calls"], 1 + 100 - refused);
}

#[test]
fn what_became_of_a_failed_exchange_is_printed() {
    let sandbox = Sandbox::new();
    let requests = ["GET /boom", "GET /late", "GET /silent", "GET /refuse", "GET /exit", "GET /exact"];
    let recorded = sandbox.record_requests(&actor("http-edge.wasm"), &requests, "it.take");

    let said = |request: &str, why: &str| {
        let found = recorded.stderr.lines().any(|line| line.starts_with(request) && line.contains(why));
        assert!(found, "{request}: {why}\n{}", recorded.stderr);
    };
    said("GET /boom: ", "unreachable");
    said("GET /late: ", "unreachable");
    said("GET /silent: ", "the actor set no response");
    said("GET /refuse: ", "LoopDetected");
    said("GET /exit: ", "exited with 1");
    assert!(!recorded.stderr.contains("GET /exact"), "{}", recorded.stderr);
}

#[test]
fn the_component_is_recorded_by_the_path_that_was_given() {
    let sandbox = Sandbox::new();
    sandbox.create_folder("build");
    sandbox.write("build/it.wat", answering(200, false));
    let served: Served = sandbox.serve("build/it.wat", &["--embed"], "it.take");
    served.client().get("/");
    served.stop();

    let mut take = sandbox.take("it.take");
    let ChainEventPayload::Session(start) = take.only_chain().events[0].payload().expect("a payload") else {
        panic!("the first event is another")
    };
    assert_eq!(
        (start.actor.path.as_str(), &start.arguments[..]),
        ("build/it.wat", &["it.wat".to_string()][..])
    );
    let exported = sandbox.retake(["export", "it.take"]).expect(0).stdout;
    let folder = sandbox.path("").canonicalize().expect("it is there");
    assert!(!exported.contains(folder.to_str().expect("text")), "the folder is in the take");
}

#[test]
fn a_stderr_that_nobody_reads_keeps_no_answer_and_no_end_back() {
    let sandbox = Sandbox::new();
    // The first line is read, for the address, and no more until the end.
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    let mut client = served.client();
    for _ in 0..1500 {
        assert_eq!(client.get("/boom").status, 500);
    }
    assert_eq!(client.get("/exact").status, 200);

    served.signal(Signal::TERM);

    served.ended().expect(0).says(&["1501 calls"]);
    sandbox.assert_intact_and_identical("it.take");
}
