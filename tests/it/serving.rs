//! What becomes of an exchange whose client does something unusual, and of responses without a body: what the
//! client gets, what the actor is told, and what the take says of it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use crate::support::{Sandbox, Served, Take, actor};
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

/// An HTTP actor that answers every request with this status and no body, perhaps with a content length of 5.
fn answering(status: u16, with_length: bool) -> String {
    answering_and(status, with_length, "")
}

/// The same with more to do: what is before `SET` before the response (`$response`) is set, and the rest
/// after that.
fn answering_and(status: u16, with_length: bool, more: &str) -> String {
    let (before, after) = more.split_once("SET").unwrap_or_default();
    let headers = if with_length { "1" } else { "0" };
    let actor = ANSWERING.replace("STATUS", &status.to_string()).replace("HEADERS", headers);
    actor.replace("BEFORE", before).replace("AFTER", after)
}

/// Takes the response's body, and when that is set writes this many bytes to it.
fn writing(bytes: u32) -> String {
    format!(
        "(call $body (local.get $response) (i32.const 80)) SET
        (call $stream (i32.load (i32.const 84)) (i32.const 96))
        (call $write (i32.load (i32.const 100)) (i32.const 0) (i32.const {bytes}) (i32.const 112))"
    )
}

/// Ends the body.
const FINISH: &str = "(call $drop-stream (i32.load (i32.const 100)))
    (call $finish (i32.load (i32.const 84)) (i32.const 0) (i32.const 0) (i32.const 128))";

const ANSWERING: &str = r#"(component
  (import "wasi:io/error@0.2.3" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $io-error))
  (import "wasi:io/streams@0.2.3" (instance $streams
    (alias outer 1 $io-error (type $outer-error))
    (export "output-stream" (type $stream (sub resource)))
    (export "error" (type $error (eq $outer-error)))
    (type $failures (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failures)))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $stream)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:http/types@0.2.3" (instance $http
    (alias outer 1 $output-stream (type $outer-stream))
    (export "output-stream" (type $stream (eq $outer-stream)))
    (export "outgoing-body" (type $body (sub resource)))
    (export "fields" (type $fields (sub resource)))
    (export "incoming-request" (type (sub resource)))
    (export "outgoing-response" (type $response (sub resource)))
    (export "response-outparam" (type $out (sub resource)))
    (type $dns-fields (record (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns (eq $dns-fields)))
    (type $tls-fields (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $tls (eq $tls-fields)))
    (type $size-fields (record (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $size (eq $size-fields)))
    (type $codes (variant
      (case "DNS-timeout")
      (case "DNS-error" $dns)
      (case "destination-not-found")
      (case "destination-unavailable")
      (case "destination-IP-prohibited")
      (case "destination-IP-unroutable")
      (case "connection-refused")
      (case "connection-terminated")
      (case "connection-timeout")
      (case "connection-read-timeout")
      (case "connection-write-timeout")
      (case "connection-limit-reached")
      (case "TLS-protocol-error")
      (case "TLS-certificate-error")
      (case "TLS-alert-received" $tls)
      (case "HTTP-request-denied")
      (case "HTTP-request-length-required")
      (case "HTTP-request-body-size" (option u64))
      (case "HTTP-request-method-invalid")
      (case "HTTP-request-URI-invalid")
      (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32))
      (case "HTTP-request-header-size" (option $size))
      (case "HTTP-request-trailer-section-size" (option u32))
      (case "HTTP-request-trailer-size" $size)
      (case "HTTP-response-incomplete")
      (case "HTTP-response-header-section-size" (option u32))
      (case "HTTP-response-header-size" $size)
      (case "HTTP-response-body-size" (option u64))
      (case "HTTP-response-trailer-section-size" (option u32))
      (case "HTTP-response-trailer-size" $size)
      (case "HTTP-response-transfer-coding" (option string))
      (case "HTTP-response-content-coding" (option string))
      (case "HTTP-response-timeout")
      (case "HTTP-upgrade-failed")
      (case "HTTP-protocol-error")
      (case "loop-detected")
      (case "configuration-error")
      (case "internal-error" (option string))))
    (export "error-code" (type $code (eq $codes)))
    (type $wrong (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
    (export "header-error" (type $header-error (eq $wrong)))
    (export "[static]fields.from-list" (func
      (param "entries" (list (tuple string (list u8)))) (result (result (own $fields) (error $header-error)))))
    (export "[constructor]outgoing-response" (func (param "headers" (own $fields)) (result (own $response))))
    (export "[method]outgoing-response.set-status-code" (func
      (param "self" (borrow $response)) (param "status-code" u16) (result (result))))
    (export "[method]outgoing-response.body" (func (param "self" (borrow $response)) (result (result (own $body)))))
    (export "[method]outgoing-body.write" (func (param "self" (borrow $body)) (result (result (own $stream)))))
    (export "[static]outgoing-body.finish" (func
      (param "this" (own $body)) (param "trailers" (option (own $fields))) (result (result (error $code)))))
    (export "[static]response-outparam.set" (func
      (param "param" (own $out)) (param "response" (result (own $response) (error $code)))))))
  (alias export $http "incoming-request" (type $request))
  (alias export $http "response-outparam" (type $outparam))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (data (i32.const 0) "content-length")
    (data (i32.const 16) "5")
    (data (i32.const 32) "\00\00\00\00\0e\00\00\00\10\00\00\00\01\00\00\00"))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $from-list (canon lower (func $http "[static]fields.from-list") (memory $mem) (realloc $realloc)))
  (core func $new (canon lower (func $http "[constructor]outgoing-response")))
  (core func $status (canon lower (func $http "[method]outgoing-response.set-status-code")))
  (core func $set (canon lower (func $http "[static]response-outparam.set") (memory $mem) (realloc $realloc)))
  (core func $body (canon lower (func $http "[method]outgoing-response.body") (memory $mem)))
  (core func $stream (canon lower (func $http "[method]outgoing-body.write") (memory $mem)))
  (core func $finish (canon lower (func $http "[static]outgoing-body.finish") (memory $mem) (realloc $realloc)))
  (core func $write
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))
  (core func $drop-stream (canon resource.drop $output-stream))
  (core module $main
    (import "http" "memory" (memory 1))
    (import "http" "from-list" (func $from-list (param i32 i32 i32)))
    (import "http" "new" (func $new (param i32) (result i32)))
    (import "http" "status" (func $status (param i32 i32) (result i32)))
    (import "http" "set" (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
    (import "http" "body" (func $body (param i32 i32)))
    (import "http" "stream" (func $stream (param i32 i32)))
    (import "http" "write" (func $write (param i32 i32 i32 i32)))
    (import "http" "finish" (func $finish (param i32 i32 i32 i32)))
    (import "http" "drop-stream" (func $drop-stream (param i32)))
    (func (export "handle") (param $request i32) (param $out i32) (local $response i32)
      (call $from-list (i32.const 32) (i32.const HEADERS) (i32.const 64))
      (local.set $response (call $new (i32.load (i32.const 68))))
      (drop (call $status (local.get $response) (i32.const STATUS)))
      BEFORE
      (call $set (local.get $out) (i32.const 0) (local.get $response)
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      AFTER))
  (core instance $main (instantiate $main (with "http" (instance
    (export "memory" (memory $mem)) (export "from-list" (func $from-list)) (export "new" (func $new))
    (export "status" (func $status)) (export "set" (func $set)) (export "body" (func $body))
    (export "stream" (func $stream)) (export "write" (func $write)) (export "finish" (func $finish))
    (export "drop-stream" (func $drop-stream))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $main "handle")))
  (component $exports
    (import "incoming-request" (type $request (sub resource)))
    (import "response-outparam" (type $outparam (sub resource)))
    (import "handle" (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))))
    (export $request-out "incoming-request" (type $request))
    (export $outparam-out "response-outparam" (type $outparam))
    (export "handle" (func $handle)
      (func (param "request" (own $request-out)) (param "response-out" (own $outparam-out)))))
  (instance $exports (instantiate $exports
    (with "incoming-request" (type $request)) (with "response-outparam" (type $outparam))
    (with "handle" (func $handle))))
  (export "wasi:http/incoming-handler@0.2.3" (instance $exports)))"#;

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
