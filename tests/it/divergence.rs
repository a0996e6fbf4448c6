//! A replay finds the first event where the actor does something else than the take says, and names it; a
//! take altered by someone who rebuilt every hash and the seal verifies, and is found by the replay.

use crate::support::{Chain, Model, Sandbox, Take, actor};
use retake_chain::{ChainEventPayload, ContentRef, Outcome, TrapKind, Value, WasmErrorKind, WasmEventData};
use serde_json::{Value as Json, json};

const HELLO: &[&str] = &[
    "retake/session",
    "wasm-call",
    "wasi:clocks/monotonic-clock@0.2.3/now",
    "wasi:clocks/monotonic-clock@0.2.3/now",
    "wasm-result",
    "shutdown",
];

/// Records a command without arguments.
fn record(name: &str) -> (Sandbox, Take) {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor(name), "-o", "it.take"]).expect(0);
    let take = sandbox.take("it.take");
    (sandbox, take)
}

/// Records the C actor's answer to `GET /path`.
fn record_http_c() -> (Sandbox, Take) {
    let sandbox = Sandbox::new();
    sandbox.record_requests(&actor("http-c.wasm"), &["GET /path"], "it.take");
    let take = sandbox.take("it.take");
    (sandbox, take)
}

/// Rebuilds a take with every hash and the seal; it must verify, and its replay diverge. Returns the
/// divergence.
#[track_caller]
fn forge(sandbox: &Sandbox, take: &Take) -> Json {
    sandbox.write("forged.take", take.rebuilt());
    sandbox.retake(["verify", "forged.take"]).expect(0).says(&["intact and sealed"]);
    divergence(sandbox, &["forged.take"])
}

/// Replays; returns the divergence, of which the text for people must say the same.
#[track_caller]
fn divergence(sandbox: &Sandbox, args: &[&str]) -> Json {
    let report = sandbox.retake(["replay", "--json"].iter().chain(args)).expect(1).json();
    let divergence = report["verdict"]["diverged"].clone();
    let text = sandbox.retake(["replay"].iter().chain(args)).expect(1);
    let [index, number] =
        ["event_index", "chain_number"].map(|field| divergence[field].as_u64().expect("a number"));
    text.says(&[
        &format!("(index {index} of chain {number}, actor "),
        divergence["chain"].as_str().expect("an id"),
        "expected: ",
        "actual: ",
    ]);
    divergence
}

/// The forger of a call has to forge the observation of its exchange too: changes a field of its request or
/// response.
fn forge_observation(chain: &mut Chain, is_request: bool, path: &[&str], forged: Value) {
    let observation = chain.find("incoming-handler@0.2.12/handle");
    chain.alter(observation, |payload| {
        let ChainEventPayload::HostFunction(call) = payload else { panic!("{payload:?}") };
        let whole = match (is_request, &mut call.output) {
            (true, _) => &mut call.input[0],
            (false, Outcome::Returned(Some(response))) => response,
            (false, other) => panic!("{other:?} is not a response"),
        };
        let part = path.iter().fold(whole, |part, name| match part {
            Value::Record(fields) => {
                &mut fields.iter_mut().find(|(key, _)| **key == **name).expect("such a field").1
            }
            other => panic!("{other:?} is not a record"),
        });
        *part = forged;
    });
}

/// Makes the observed body of the response that of the writes in the chain.
fn forge_body(chain: &mut Chain) {
    let mut written = Vec::new();
    for event in chain.events.iter().filter(|event| event.event_type.contains("output-stream")) {
        if let Ok(ChainEventPayload::HostFunction(call)) = event.payload()
            && let [_, Value::Bytes(bytes)] = &call.input[..]
        {
            written.extend_from_slice(bytes);
        }
    }
    let digest = ContentRef::of(&written).as_ref().to_vec();
    let body = Value::record([
        ("length", (written.len() as u64).into()),
        ("sha256", digest.into()),
        ("complete", true.into()),
    ]);
    forge_observation(chain, false, &["body"], body);
}

#[track_caller]
fn assert_diverged(divergence: &Json, kind: Json, event_index: usize) {
    assert_eq!(
        (&divergence["kind"], &divergence["event_index"]),
        (&kind, &json!(event_index)),
        "{divergence:#}"
    );
}

#[test]
fn a_build_that_sends_one_more_header_diverges_at_the_call_that_makes_it() {
    let sandbox = Sandbox::new();
    let model = Model::answering(&["Certainly."]);
    let url = format!("MODEL_URL={}", model.url());
    let agent = actor("agent.wasm");
    let args = ["record", &agent, "-o", "it.take", "--allow-net", "--env", &url];
    let requests = ["--request", "GET /", "--request", "POST /ask sure?"];
    sandbox.retake(args.iter().chain(&requests)).expect(0);
    drop(model);
    let mut take = sandbox.take("it.take");
    let chain = take.only_chain();
    // The first call makes the fields of its answer, the second those of the model request first.
    let second_call = chain.types().iter().rposition(|&found| found == "wasm-call").expect("two calls");
    let from_list =
        chain.types()[second_call..].iter().position(|found| found.ends_with("[static]fields.from-list"));
    let changed = second_call + from_list.expect("the agent makes fields");

    let found = divergence(&sandbox, &["it.take", "--actor", &actor("agent-changed.wasm")]);

    assert_diverged(&found, json!({ "different-arguments": { "positions": [0] } }), changed);
    assert_eq!(found["chain"], chain.id.to_string());
    assert_eq!(found["call"]["index"], 1);
    let text = sandbox.retake(["replay", "it.take", "--actor", &actor("agent-changed.wasm")]).expect(1);
    text.says(&[
        "DIVERGED",
        "[static]fields.from-list",
        "x-agent",
        "wasi:http/incoming-handler@0.2",
        "in call 1",
    ]);
    let report =
        sandbox.retake(["replay", "--json", "it.take", "--actor", &actor("agent-changed.wasm")]).expect(1);
    let report = report.json();
    assert_ne!(report["recorded_digest"], report["replayed_digest"]);
    assert_eq!(report["calls"], 1, "the first call is the same in both builds");
}

#[test]
fn another_build_that_does_the_same_is_identical_when_it_is_named() {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("agent.wasm");
    sandbox.record_requests("agent.wasm", &["GET /"], "it.take");
    sandbox.write("annotated.wasm", with_custom_section(&sandbox.read("agent.wasm")));

    let replayed =
        sandbox.retake(["replay", "--json", "it.take", "--actor", "annotated.wasm"]).expect(0).json();

    assert_eq!(replayed["verdict"], "identical");
    assert_ne!(replayed["recorded_digest"], replayed["replayed_digest"]);
}

#[test]
fn another_build_in_the_place_of_the_recorded_one_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("agent.wasm");
    sandbox.record_requests("agent.wasm", &["GET /"], "it.take");
    let recorded = sandbox.retake(["verify", "--json", "it.take"]).expect(0).json();
    sandbox.write("agent.wasm", with_custom_section(&sandbox.read("agent.wasm")));

    let refused = sandbox.retake(["replay", "it.take"]).expect(4);

    refused.says(&["agent.wasm", recorded["actor"].as_str().expect("a digest"), "--actor"]);
}

/// The component with a custom section appended, which changes its digest and nothing else.
fn with_custom_section(component: &[u8]) -> Vec<u8> {
    // Section id, size, length of the name, name, content.
    [component, b"\x00\x0c\x04note", b"nothing"].concat()
}

#[test]
fn a_build_without_the_recorded_export_diverges_at_the_call() {
    let (sandbox, _) = record_http_c();
    for build in ["hello.wat", "no-export.wat"] {
        let found = divergence(&sandbox, &["it.take", "--actor", &actor(build)]);
        assert_diverged(&found, json!("missing-export"), 1);
    }
}

#[test]
fn a_build_with_imports_that_no_host_has_still_replays_to_its_first_call() {
    let (sandbox, take) = record("hello.wat");
    assert_eq!(take.chains[0].types(), HELLO);

    let found = divergence(&sandbox, &["it.take", "--actor", &actor("unknown-import.wat")]);

    assert_diverged(&found, json!("different-call"), 2);
    assert_eq!(found["expected"]["event_type"], HELLO[2]);
    assert_eq!(found["actual"]["event_type"], "acme:thing/api@1.0.0/frob");
}

#[test]
fn an_altered_argument_diverges_at_its_event_with_both_values() {
    let (sandbox, mut take) = record_http_c();
    let chain = take.only_chain();
    let write = chain.find("[method]output-stream.blocking-write-and-flush");
    chain.alter(write, |payload| {
        let ChainEventPayload::HostFunction(call) = payload else { panic!("{payload:?}") };
        call.input[1] = Value::from(b"another text".to_vec());
    });
    forge_body(chain);

    let found = forge(&sandbox, &take);

    assert_diverged(&found, json!({ "different-arguments": { "positions": [1] } }), write);
    assert_eq!(found["call"]["function"].as_str().map(|name| name.rsplit('/').next()), Some(Some("handle")));
    let text = sandbox.retake(["replay", "forged.take"]).expect(1);
    text.says(&["another text", "an actor in C: GET /path", "at position 1"]);
}

#[test]
fn an_altered_answer_diverges_where_the_actor_uses_it() {
    let (sandbox, mut take) = record_http_c();
    let chain = take.only_chain();
    let path = chain.find("[method]incoming-request.path-with-query");
    let write = chain.find("[method]output-stream.blocking-write-and-flush");
    assert!(path < write);
    chain.alter(path, |payload| {
        let ChainEventPayload::HostFunction(call) = payload else { panic!("{payload:?}") };
        call.output = Outcome::Returned(Some(Value::from(Some(Value::from("/elsewhere")))));
    });
    forge_observation(chain, true, &["path"], "/elsewhere".into());

    let found = forge(&sandbox, &take);

    assert_diverged(&found, json!({ "different-arguments": { "positions": [1] } }), write);
    sandbox.retake(["replay", "forged.take"]).expect(1).says(&["GET /elsewhere", "GET /path"]);
}

#[test]
fn an_answer_of_another_type_diverges_at_the_answer() {
    let (sandbox, mut take) = record("hello.wat");
    take.only_chain().alter(2, |payload| {
        let ChainEventPayload::HostFunction(call) = payload else { panic!("{payload:?}") };
        call.output = Outcome::Returned(Some(Value::from("noon")));
    });

    let found = forge(&sandbox, &take);

    assert_eq!(found["event_index"], 2, "{found:#}");
    assert!(found["kind"]["unfit-answer"]["reason"].is_string(), "{found:#}");
}

#[test]
fn more_arguments_than_the_export_has_parameters_diverge_at_the_call() {
    for (sandbox, mut take) in [record("hello.wat"), record_http_c()] {
        take.only_chain().alter(1, |payload| {
            let ChainEventPayload::Wasm(WasmEventData::WasmCall { params, .. }) = payload else {
                panic!("{payload:?}")
            };
            params.push(Value::from(7u8));
        });

        let found = forge(&sandbox, &take);

        assert_eq!(found["event_index"], 1, "{found:#}");
        let reason = found["kind"]["unfit-arguments"]["reason"].as_str();
        assert!(reason.is_some_and(|reason| reason.contains("arguments")), "{found:#}");
    }
}

#[test]
fn a_call_that_the_build_does_not_make_is_a_missing_call() {
    let (sandbox, mut take) = record("hello.wat");
    let chain = take.only_chain();
    let third = chain.events[3].clone();
    chain.events.insert(4, third);

    let found = forge(&sandbox, &take);

    assert_diverged(&found, json!("missing-call"), 4);
    assert_eq!(
        (&found["expected"]["event_type"], &found["actual"]["event_type"]),
        (&json!(HELLO[3]), &json!(HELLO[4]))
    );
}

#[test]
fn a_call_that_the_take_does_not_have_is_an_extra_call() {
    let (sandbox, mut take) = record("hello.wat");
    take.only_chain().events.remove(3);

    let found = forge(&sandbox, &take);

    assert_diverged(&found, json!("extra-call"), 3);
    assert_eq!(
        (&found["expected"]["event_type"], &found["actual"]["event_type"]),
        (&json!(HELLO[4]), &json!(HELLO[3]))
    );
}

#[test]
fn calls_in_another_order_are_a_different_call() {
    let (sandbox, mut take) = record("exit.wat");
    let chain = take.only_chain();
    let exit = chain.find("wasi:cli/exit@0.2.3/exit");
    assert_eq!(exit, 3);
    chain.events.swap(2, 3);

    let found = forge(&sandbox, &take);

    assert_diverged(&found, json!("different-call"), 2);
}

#[test]
fn another_result_of_the_export_is_found_at_its_end() {
    let (sandbox, mut take) = record("hello.wat");
    take.only_chain().alter(4, |payload| {
        let ChainEventPayload::Wasm(WasmEventData::WasmResult { response, .. }) = payload else {
            panic!("{payload:?}")
        };
        *response = Outcome::Returned(Some(Value::case("err", None)));
    });

    assert_diverged(&forge(&sandbox, &take), json!("different-result"), 4);
}

#[test]
fn an_exit_that_the_take_calls_a_return_is_a_different_outcome() {
    let (sandbox, mut take) = record("exit.wat");
    take.only_chain().alter(4, |payload| {
        let ChainEventPayload::Wasm(WasmEventData::WasmResult { response, .. }) = payload else {
            panic!("{payload:?}")
        };
        assert_eq!(*response, Outcome::Exited(1));
        *response = Outcome::Returned(Some(Value::case("ok", None)));
    });

    assert_diverged(&forge(&sandbox, &take), json!("different-outcome"), 4);
}

#[test]
fn a_trap_on_one_side_only_or_another_one_is_a_different_trap() {
    let trapped = |kind, message: &str| {
        let (function_name, kind) = ("wasi:cli/run@0.2.3/run".into(), WasmErrorKind::Trapped(kind));
        ChainEventPayload::Wasm(WasmEventData::WasmError { function_name, kind, message: message.into() })
    };
    let unreachable = "wasm trap: wasm `unreachable` instruction executed";
    let run = "wasi:cli/run@0.2.3/run";
    let returned = || {
        let response = Outcome::Returned(Some(Value::case("ok", None)));
        ChainEventPayload::Wasm(WasmEventData::WasmResult {
            function_name: run.into(),
            state: None,
            response,
        })
    };
    for (name, index, said) in [
        ("hello.wat", 4, trapped(TrapKind::MemoryOutOfBounds, "wasm trap: out of bounds memory access")),
        ("trap.wat", 3, trapped(TrapKind::MemoryOutOfBounds, unreachable)),
        ("trap.wat", 3, trapped(TrapKind::Other, unreachable)),
        ("trap.wat", 3, returned()),
    ] {
        let (sandbox, mut take) = record(name);
        take.only_chain().alter(index, |payload| *payload = said);
        assert_diverged(&forge(&sandbox, &take), json!("different-trap"), index);
    }
}

#[test]
fn a_trap_of_the_recorded_kind_is_the_recorded_one_in_whatever_words() {
    let (sandbox, mut take) = record("trap.wat");
    take.only_chain().alter(3, |payload| {
        let ChainEventPayload::Wasm(WasmEventData::WasmError { kind, message, .. }) = payload else {
            panic!("{payload:?}")
        };
        assert_eq!(*kind, WasmErrorKind::Trapped(TrapKind::Unreachable));
        *message = "other words for it".into();
    });
    sandbox.write("forged.take", take.rebuilt());
    sandbox.assert_intact_and_identical("forged.take");
}

#[test]
fn a_call_of_another_export_is_found_at_the_call() {
    let (sandbox, mut take) = record("hello.wat");
    for place in [1, 4] {
        take.only_chain().alter(place, |payload| {
            let ChainEventPayload::Wasm(
                WasmEventData::WasmCall { function_name, .. }
                | WasmEventData::WasmResult { function_name, .. },
            ) = payload
            else {
                panic!("{payload:?}")
            };
            *function_name = "wasi:cli/run@0.2.3/walk".into();
        });
    }

    assert_diverged(&forge(&sandbox, &take), json!("missing-export"), 1);
}

#[test]
fn a_call_without_its_end_in_a_sealed_take_is_damage() {
    let (sandbox, mut take) = record("hello.wat");
    let events = &mut take.only_chain().events;
    events.truncate(4);
    sandbox.write("forged.take", take.rebuilt());

    // A sealed take with a call that has no end cannot be made by a recorder.
    sandbox.retake(["verify", "forged.take"]).expect(3).says(&["inside an export call"]);
    sandbox.retake(["replay", "forged.take"]).expect(3).says(&["inside an export call"]);
}

#[test]
fn the_divergence_names_the_chain_it_is_in() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &["--actors", "3"], "it.take");
    let uploads = ["a", "b", "c"].map(|first| served.upload(first.as_bytes()));
    uploads.into_iter().for_each(|upload| drop(upload.finish(b"!").expect("an echo")));
    served.stop();
    let mut take = sandbox.take("it.take");
    for number in 0..3 {
        let mut forged = take.clone();
        let chain = &mut forged.chains[number];
        let write = chain.find("[method]output-stream.write");
        chain.alter(write, |payload| {
            let ChainEventPayload::HostFunction(call) = payload else { panic!("{payload:?}") };
            call.input[1] = Value::from(b"?".to_vec());
        });
        forge_body(chain);

        let found = forge(&sandbox, &forged);

        assert_diverged(&found, json!({ "different-arguments": { "positions": [1] } }), write);
        assert_eq!(found["chain_number"], number);
        assert_eq!(found["chain"], take.chains[number].id.to_string());
    }
    // As it was recorded, but for the order of the events in the file, the take is identical.
    take.chains.iter_mut().for_each(|chain| assert_eq!(chain.calls(), 1));
    sandbox.write("rebuilt.take", take.rebuilt());
    sandbox.retake(["replay", "rebuilt.take"]).expect(0).says(&["identical (3 calls, "]);
}
