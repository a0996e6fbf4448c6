//! What the host noted of an HTTP exchange is what the calls of the actor make of it: real recordings of all
//! kinds pass, and a take whose observation was changed is refused, though every hash in it is right.

use crate::recipes::observation::{observation_of, part_of, response_of};
use crate::recipes::session::{OBSERVATION, Said, Session, command, exchange};
use crate::support::{Sandbox, actor};
use retake_chain::{ChainEventPayload, HostFunctionCall, Outcome, Value};

/// Verifies and replays a take of this session; both must refuse it in these words.
#[track_caller]
fn refused(session: &Session, words: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.write("forged.take", session.sealed());
    sandbox.retake(["verify", "forged.take"]).expect(3).says(words);
    sandbox.retake(["replay", "forged.take"]).expect(3);
    sandbox.retake(["test", "forged.take"]).expect(3);
}

#[track_caller]
fn altered(change: impl FnOnce(&mut HostFunctionCall), words: &[&str]) {
    refused(&exchange().altered(OBSERVATION, |payload| change(observation_of(payload))), words);
}

#[test]
fn a_response_that_the_actor_did_not_give_is_found() {
    altered(|call| *response_of(call, &["status"]) = 200u64.into(), &["status is 200", "it is 404"]);
    let header = Value::List(vec!["x-other".into(), Value::from(b"1".to_vec())]);
    altered(|call| *response_of(call, &["headers"]) = Value::List(vec![header]), &["x-other"]);
    altered(|call| *response_of(call, &["body", "length"]) = 15u64.into(), &["body of the response"]);
    let digest = || Value::from(vec![7; 32]);
    altered(|call| *response_of(call, &["body", "sha256"]) = digest(), &["body of the response"]);
    altered(|call| *response_of(call, &["body", "complete"]) = false.into(), &["broke off"]);
    altered(|call| call.output = Outcome::Cancelled, &["given up"]);
}

#[test]
fn a_request_that_the_actor_did_not_see_is_found() {
    altered(|call| *part_of(&mut call.input[0], &["path"]) = "/other".into(), &["path", "/other"]);
    // The actor asked for nothing else of this one, so other parts are not compared.
    let sandbox = Sandbox::new();
    let other = |payload: &mut ChainEventPayload| {
        *part_of(&mut observation_of(payload).input[0], &["method"]) = "PUT".into();
    };
    sandbox.write("it.take", exchange().altered(OBSERVATION, other).sealed());
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn an_observation_that_was_removed_doubled_moved_or_made_up_is_found() {
    let observation = || exchange().events[OBSERVATION].clone();
    let without = || exchange().without(OBSERVATION..OBSERVATION + 1);
    refused(&without(), &["[observation-missing]"]);
    refused(&exchange().with_more(OBSERVATION, observation()), &["[observation-misplaced]"]);
    refused(&without().with_more(OBSERVATION - 1, observation()), &["[observation-misplaced]"]);
    refused(&without().with_more(OBSERVATION + 1, observation()), &["[observation-missing]"]);
    refused(&exchange().with_more(OBSERVATION + 2, observation()), &["[observation-misplaced]"]);
    let made_up: Said = observation();
    refused(&command().with_more(4, made_up), &["[observation-misplaced]"]);
}

/// A generator of numbers, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn real_exchanges_pass_whatever_the_actor_does() {
    let sandbox = Sandbox::new();
    let paths = [
        "/echo",
        "/stream/0",
        "/stream/1",
        "/stream/3",
        "/boom",
        "/exact",
        "/late",
        "/silent",
        "/refuse",
        "/exit",
        "/x?a=b&c=%20",
    ];
    let methods = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"];
    let mut random = Random(11);
    let mut requests = Vec::new();
    for path in paths {
        for _ in 0..3 {
            let method = methods[random.below(methods.len() as u64) as usize];
            let body = "z".repeat(random.below(3000) as usize);
            requests.push(format!("{method} {path} {body}"));
        }
    }
    let requests: Vec<&str> = requests.iter().map(|request| request.trim_end()).collect();
    for (name, options) in [
        ("http-edge.wasm", &[][..]),
        ("http-edge.wasm", &["--fuel", "40000"]),
        ("http-c.wasm", &[]),
        ("http-c.wasm", &["--instance", "session"]),
        ("agent.wasm", &[]),
        ("wasi-http.wasm", &[]),
    ] {
        let fixture = actor(name);
        let mut args = vec!["record", &*fixture, "-o", "it.take", "--force"];
        args.extend(options);
        requests.iter().for_each(|request| args.extend(["--request", *request]));
        sandbox.retake(args).expect(0);
        sandbox.assert_intact_and_identical("it.take");
    }
}

#[test]
fn every_number_of_an_observation_of_an_echo_counts() {
    let sandbox = Sandbox::new();
    sandbox.record_requests(&actor("http-edge.wasm"), &["POST /echo hello"], "it.take");
    let whole = sandbox.take("it.take");
    let observation = whole.chains[0].find("incoming-handler@0.2.12/handle");
    for (change, words) in [
        (&["body", "length"][..], "body of the request"),
        (&["body", "sha256"], "body of the request"),
        (&["path"], "path of the request"),
    ] {
        let mut take = sandbox.take("it.take");
        take.chains[0].alter(observation, |payload| {
            let part = part_of(&mut observation_of(payload).input[0], change);
            *part = match part {
                Value::Unsigned(length) => Value::Unsigned(*length - 1),
                Value::Bytes(digest) => Value::from(vec![1; digest.len()]),
                _ => Value::from("/other"),
            };
        });
        sandbox.write("forged.take", take.rebuilt());
        sandbox.retake(["verify", "forged.take"]).expect(3).says(&[words]);
    }
}
