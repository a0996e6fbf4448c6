//! What clients of a recorded HTTP actor may count on, and what the take says of their exchanges.

use std::thread;

use crate::support::{Sandbox, actor};
use retake_chain::{ChainEventPayload, ContentRef, Outcome, Value, is_http_incoming};

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
    sandbox.assert_intact_and_identical("it.take");
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

    sandbox.assert_intact_and_identical("it.take");
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
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn nothing_written_behind_a_content_length_leaves_the_answer_whole() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");

    let exact = served.client().get("/exact");
    assert_eq!((exact.status, exact.header("content-length")), (200, Some("5")));
    assert_eq!((exact.body.as_slice(), exact.whole), (&b"hello"[..], true));
    served.stop();

    sandbox.assert_intact_and_identical("it.take");
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
    sandbox.retake(["inspect", "it.take"]).expect(0).says(&[r#"failed: "the client went away""#]);
    sandbox.assert_intact_and_identical("it.take");
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
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn one_instance_answers_every_request_until_one_ends_it() {
    let sandbox = Sandbox::new();
    let edge = actor("http-edge.wasm");
    let requests =
        ["GET /stream/3", "POST /echo hello", "GET /silent", "GET /refuse", "GET /boom", "GET /nowhere"];
    let requests = requests.iter().flat_map(|request| ["--request", request]);
    let args: Vec<&str> =
        ["record", &edge, "-o", "it.take", "--instance", "session"].into_iter().chain(requests).collect();

    let recorded = sandbox.retake(args).expect(0);

    let statuses: Vec<&str> = recorded.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(statuses[..5], ["200", "200", "500", "500", "500"], "{recorded:?}");
    assert!(statuses.iter().skip(5).all(|status| ["502", "503"].contains(status)), "{recorded:?}");
    assert_eq!(sandbox.take("it.take").whole_calls(), 5);
    sandbox.assert_intact_and_identical("it.take");
}
