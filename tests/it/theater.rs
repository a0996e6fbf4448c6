//! Actors of Theater's shape: their state, their messages, and what becomes of both in a take.

use crate::support::{Ended, Running, Sandbox, Take, actor};
use retake_chain::{ChainEventPayload, Outcome, TheaterRuntimeEventData, Value, WasmEventData};

/// Records calls of a fixture into `it.take`.
fn invoke(sandbox: &Sandbox, fixture: &str, options: &[&str], calls: &[&str]) -> Ended {
    let fixture = actor(fixture);
    let calls = calls.iter().flat_map(|call| ["--invoke", call]);
    let args: Vec<&str> = ["record", &fixture, "-o", "it.take"]
        .into_iter()
        .chain(options.iter().copied())
        .chain(calls)
        .collect();
    sandbox.retake(args).expect(0)
}

/// The `state` of each `wasm-result` of a chain.
fn states(take: &Take, chain: usize) -> Vec<Option<Value>> {
    let payloads = take.chains[chain].events.iter().map(|event| event.payload().expect("a whole event"));
    payloads
        .filter_map(|payload| match payload {
            ChainEventPayload::Wasm(WasmEventData::WasmResult { state, .. }) => Some(state),
            _ => None,
        })
        .collect()
}

fn bytes(state: &[u8]) -> Option<Value> {
    Some(Value::from(Some(Value::from(state.to_vec()))))
}

#[test]
fn the_state_that_a_call_leaves_is_given_to_the_next() {
    let sandbox = Sandbox::new();
    let calls = ["increment(2)", "increment(40)", "get()", "two()", "clear()", "get()"];

    let recorded = invoke(&sandbox, "counter.wasm", &[], &calls);

    assert_eq!(recorded.stdout, "ok(2)\nok(42)\nok(42)\nok((2, \"two\"))\nok\nok(0)\n");
    sandbox.assert_intact_and_identical("it.take");
    let take = sandbox.take("it.take");
    let none = Some(Value::None);
    let (two, all) = (bytes(&[2, 0, 0, 0]), bytes(&[42, 0, 0, 0]));
    assert_eq!(states(&take, 0), [two, all.clone(), all.clone(), all, none.clone(), none]);
}

#[test]
fn a_call_that_fails_leaves_the_state_as_it_was() {
    let sandbox = Sandbox::new();
    let calls = ["increment(4294967295)", "increment(1)", "boom()", "get()"];

    let recorded = invoke(&sandbox, "counter.wasm", &[], &calls);

    let [first, overflow, last] = &recorded.stdout.lines().collect::<Vec<_>>()[..] else {
        panic!("{recorded:?}")
    };
    assert_eq!((*first, *last), ("ok(4294967295)", "ok(4294967295)"));
    assert!(overflow.starts_with("err("), "{overflow}");
    recorded.says(&["boom` failed: wasm trap: wasm `unreachable` instruction executed"]);
    sandbox.assert_intact_and_identical("it.take");
    assert_eq!(states(&sandbox.take("it.take"), 0)[1], None, "an `err` has no new state");
}

#[test]
fn a_long_state_is_in_the_take_once_for_each_change() {
    let sandbox = Sandbox::new();
    let recorded =
        invoke(&sandbox, "counter.wasm", &[], &["fill(5000)", "fill(5000)", "increment(1)", "fill(1)"]);
    recorded.says(&["the state has 5000 bytes, and should have 4"]);

    let take = sandbox.take("it.take");
    let [Some(changed), Some(same), None, short] = &states(&take, 0)[..] else { panic!("{take:?}") };
    assert_eq!(changed.field("length"), Some(&Value::from(5000u32)));
    assert_eq!(changed.field("bytes"), Some(&Value::from(vec![7; 5000])));
    assert_eq!((same.field("sha256"), same.field("bytes")), (changed.field("sha256"), None));
    assert_eq!(*short, bytes(&[7]));
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn an_altered_state_verifies_and_diverges_where_it_was_left() {
    let sandbox = Sandbox::new();
    invoke(&sandbox, "counter.wasm", &[], &["increment(2)", "get()"]);
    let mut take = sandbox.take("it.take");
    take.only_chain().alter(2, |payload| {
        let ChainEventPayload::Wasm(WasmEventData::WasmResult { state, .. }) = payload else {
            panic!("{payload:?}")
        };
        *state = bytes(&[3, 0, 0, 0]);
    });
    sandbox.write("forged.take", take.rebuilt());

    sandbox.retake(["verify", "forged.take"]).expect(0);
    sandbox
        .retake(["replay", "forged.take"])
        .expect(1)
        .says(&["diverged at event 2 (index 2 of chain 0, actor "]);
}

#[test]
fn one_instance_for_the_session_keeps_its_memory_and_ends_with_a_trap() {
    let sandbox = Sandbox::new();
    let calls = ["calls()", "calls()", "boom()", "calls()"];

    let recorded = invoke(&sandbox, "counter.wasm", &["--instance", "session"], &calls);
    assert_eq!(recorded.stdout, "1\n2\n");
    recorded.says(&["failed: wasm trap", "the actor has ended and takes no more calls"]);
    sandbox.assert_intact_and_identical("it.take");

    let recorded = invoke(&sandbox, "counter.wasm", &["--force"], &calls);
    assert_eq!(recorded.stdout, "1\n1\n1\n", "without it, every call has an instance of its own");
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn an_actor_that_asks_to_end_finishes_its_call_and_takes_no_other() {
    let sandbox = Sandbox::new();

    let recorded = invoke(&sandbox, "counter.wasm", &[], &["stop()", "get()"]);

    assert_eq!(recorded.stdout, "ok\n");
    recorded.says(&["the actor has ended and takes no more calls"]);
    let mut take = sandbox.take("it.take");
    let types = take.only_chain().types().join(" ");
    assert!(types.ends_with(
        "theater:simple/runtime/shutdown wasm-result theater-runtime/shutdown-requested shutdown"
    ));
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn an_actor_can_ask_for_its_chain_and_leave_a_line_in_the_log() {
    let sandbox = Sandbox::new();

    let recorded = invoke(&sandbox, "counter.wasm", &[], &["note(\"a line\")", "history()"]);

    let seen =
        "[\"retake/session\", \"wasm-call\", \"theater:simple/runtime/log\", \"wasm-result\", \"wasm-call\"]";
    assert_eq!(recorded.stdout, format!("ok\nok({seen})\n"));
    recorded.says(&["] a line"]);
    sandbox.assert_intact_and_identical("it.take");
}

const COURIERS: [&str; 5] = [
    "#0 ask(\"#1\", \"hello\")",
    "#0 post(\"#1\", \"a note\")",
    "#1 received()",
    "#0 ask(\"#1\", \"fail\")",
    "#0 ask(\"#1\", \"silence\")",
];

#[test]
fn actors_of_a_session_send_and_answer_messages() {
    let sandbox = Sandbox::new();

    let recorded = invoke(&sandbox, "courier.wasm", &["--actors", "2"], &COURIERS);

    let [answer, sent, received, failed, silent] = &recorded.stdout.lines().collect::<Vec<_>>()[..] else {
        panic!("{recorded:?}")
    };
    assert_eq!([*answer, *sent, *received], ["ok(\"HELLO\")", "ok", "ok([\"hello\", \"a note\"])"]);
    assert!(failed.contains("asked to fail") && silent.contains("gave no response"), "{failed} {silent}");
    sandbox.assert_intact_and_identical("it.take");
    let from = sandbox.take("it.take").chains[0].id;
    let take = sandbox.take("it.take");
    let payloads = take.chains[1].events.iter().map(|event| event.payload().expect("a whole event"));
    let received: Vec<_> = payloads
        .filter_map(|payload| match payload {
            ChainEventPayload::TheaterRuntime(TheaterRuntimeEventData::Message { from, number }) => {
                Some((from, number))
            }
            _ => None,
        })
        .collect();
    assert_eq!(received, [(from, 0), (from, 1), (from, 2), (from, 3)]);
}

#[test]
fn a_message_that_would_wait_for_itself_or_reach_nobody_is_an_error_and_no_end() {
    let sandbox = Sandbox::new();
    let calls = [
        "#0 ask(\"#0\", \"me\")",
        "#0 ask(\"#1\", \"forward #0 back\")",
        "#0 ask(\"#7\", \"nobody\")",
        "#0 received()",
    ];

    let recorded = invoke(&sandbox, "courier.wasm", &["--actors", "2"], &calls);

    let [me, back, nobody, alive] = &recorded.stdout.lines().collect::<Vec<_>>()[..] else {
        panic!("{recorded:?}")
    };
    assert!(me.contains("waits for this one") && back.contains("waits for this one"), "{me} {back}");
    assert!(nobody.contains("no actor `#7`") && alive.starts_with("ok("), "{nobody} {alive}");
    sandbox.assert_intact_and_identical("it.take");
}

/// The take of two couriers, changed, and made whole again: whether `verify` finds what the other chain says.
fn forged(change: impl FnOnce(&mut Take)) -> Ended {
    let sandbox = Sandbox::new();
    invoke(&sandbox, "courier.wasm", &["--actors", "2"], &COURIERS);
    let mut take = sandbox.take("it.take");
    sandbox.write("same.take", take.rebuilt());
    sandbox.assert_intact_and_identical("same.take");
    change(&mut take);
    sandbox.write("forged.take", take.rebuilt());
    sandbox.retake(["replay", "forged.take"]).expect(3);
    sandbox.retake(["verify", "forged.take"]).expect(3)
}

/// Alters the message in the receiver's first call of that export.
fn alter_received(take: &mut Take, export: &str, message: &str) {
    let calls = take.chains[1].events.iter().position(|event| {
        matches!(event.payload(), Ok(ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, .. })) if function_name.ends_with(export))
    });
    take.chains[1].alter(calls.expect("such a call"), |payload| {
        let ChainEventPayload::Wasm(WasmEventData::WasmCall { params, .. }) = payload else {
            panic!("{payload:?}")
        };
        let Value::List(params) = &mut params[0] else { panic!("{params:?}") };
        *params.last_mut().expect("a message") = Value::from(message.as_bytes().to_vec());
    });
}

#[test]
fn what_is_received_must_be_what_was_sent() {
    for export in ["handle-send", "handle-request"] {
        forged(|take| alter_received(take, export, "something else"))
            .says(&["was received with content that differs from the content sent"]);
    }
}

#[test]
fn a_response_must_be_the_one_that_was_given() {
    forged(|take| {
        let request = take.chains[0].find("message-server-host/request");
        take.chains[0].alter(request, |payload| {
            let ChainEventPayload::HostFunction(call) = payload else { panic!("{payload:?}") };
            let response = Value::case("ok", Some(Value::from(b"GOODBYE".to_vec())));
            call.output = Outcome::Returned(Some(response));
        });
    })
    .says(&["recorded a response to message 0", "differs from the one that chain 1 recorded giving"]);
}

#[test]
fn a_message_that_was_sent_must_be_received_by_the_one_it_was_sent_to() {
    forged(|take| {
        let send = take.chains[0].find("message-server-host/send");
        take.chains[0].alter(send, |payload| {
            let ChainEventPayload::HostFunction(call) = payload else { panic!("{payload:?}") };
            call.input[0] = Value::from("#0");
        });
    })
    .says(&["was sent to `#0`, but chain 1 received it"]);

    // The receiver's chain without the message: its event, the call and its result.
    forged(|take| {
        let events = &mut take.chains[1].events;
        let second =
            events.iter().enumerate().filter(|(_, event)| &*event.event_type == "theater-runtime/message");
        let at = second.map(|(at, _)| at).nth(1).expect("a second message");
        events.drain(at..at + 3);
    })
    .says(&["message 1", "was sent, but never received"]);
}

#[test]
fn a_message_that_was_received_must_be_taken_by_its_export() {
    forged(|take| {
        let message = take.chains[1].find("theater-runtime/message");
        take.chains[1].events.drain(message + 1..message + 3);
    })
    .says(&["the message before it must be followed by the call that takes it"]);

    forged(|take| {
        let message = take.chains[1].find("theater-runtime/message");
        take.chains[1].alter(message + 1, |payload| {
            let ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, .. }) = payload else {
                panic!("{payload:?}")
            };
            *function_name = "retake:courier/courier/received".into();
        });
    })
    .says(&["message 0", "was received, but the next call does not take it"]);
}

#[test]
fn a_session_of_several_actors_ends_when_it_can_be_written_no_more() {
    // The disk is full, or a quota used up: here a bound on the size of a file.
    let sandbox = Sandbox::new();
    let counter = actor("counter.wasm");
    let calls = (0..200).flat_map(|_| ["--invoke", "increment(1)"]);
    let args = ["record", &counter, "-o", "it.take", "--actors", "3"].into_iter().chain(calls);
    let recorder = sandbox.command_behind("trap '' XFSZ; ulimit -f 4", args);

    Running::start(recorder).ended().expect(4).says(&["the take cannot be written"]);

    sandbox.retake(["verify", "it.take"]).expect(3);
    sandbox.retake(["replay", "it.take"]).expect(3).says(&["identical"]);
}

#[test]
fn calls_can_come_from_a_file() {
    let sandbox = Sandbox::new();
    sandbox.write("calls.txt", "# two and forty\nincrement(2)\n\n  increment(40)\n#1 get()\n");
    let counter = actor("counter.wasm");
    let args = ["record", &counter, "-o", "it.take", "--actors", "2", "--calls", "calls.txt", "--json"];

    let lines = sandbox.retake(args).expect(0).json_lines();

    assert_eq!(lines[0]["function"], "retake:counter/counter/increment");
    assert_eq!([&lines[0]["result"], &lines[1]["result"], &lines[2]["result"]], ["ok(2)", "ok(42)", "ok(0)"]);
}

#[test]
fn a_call_that_cannot_be_made_is_told_before_anything_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("empty.txt", "# nothing\n");
    let counter = actor("counter.wasm");
    let table: [(&[&str], &[&str]); 8] = [
        (&["--invoke", "incremnt(2)"], &["no function `incremnt`", "retake:counter/counter/increment"]),
        (&["--invoke", "increment(\"two\")"], &["the parameter `by`", "is of type `u32`"]),
        (&["--invoke", "increment()"], &["takes (by: u32), found 0"]),
        (&["--invoke", "increment(1, 2)"], &["takes (by: u32), found 2"]),
        (&["--invoke", "increment"], &["the parentheses are missing"]),
        (&["--invoke", "increment(1"], &["is not a call"]),
        (&["--invoke", "#1 increment(1)"], &["there is no such actor; the last is `#0`"]),
        (&["--calls", "empty.txt"], &["the file of `--calls` has no call"]),
    ];
    for (args, words) in table {
        let args: Vec<&str> = ["record", &counter, "-o", "it.take"].iter().chain(args).copied().collect();
        sandbox.retake(args).expect(2).says(words);
    }
    assert_eq!(sandbox.names(), ["empty.txt"]);
}

#[test]
fn a_stateful_session_has_the_same_events_every_time() {
    let sandbox = Sandbox::new();
    let events = || {
        invoke(&sandbox, "counter.wasm", &["--force"], &["increment(1)", "fill(3000)", "two()", "clear()"]);
        let take = sandbox.take("it.take");
        let events = take.chains[0].events[1..].iter();
        events.map(|event| (event.event_type.clone(), event.data.clone())).collect::<Vec<_>>()
    };
    assert_eq!(events(), events());
}

/// Fuel may end in the shim on either side of the host's `send`, or within it. Whatever the take then says, a
/// message has the number of its event in the sender's chain.
#[test]
fn messages_have_their_numbers_wherever_a_call_ends() {
    let sandbox = Sandbox::new();
    let fixture = actor("courier.wasm");
    let (mut trapped, mut sent) = (0, 0);
    for fuel in (1200..1700).step_by(10) {
        let fuel = fuel.to_string();
        let fixed = ["record", &fixture, "-o", "it.take", "--force", "--actors", "2", "--fuel", &fuel];
        let calls =
            ["#0 ask(\"#1\", \"forward #2 hello\")", "#0 post(\"#1\", \"y\")", "#0 post(\"#1\", \"z\")"];
        let calls = calls.iter().flat_map(|call| ["--invoke", call]);
        sandbox.retake(fixed.into_iter().chain(calls)).expect(0);
        sandbox.retake(["verify", "it.take"]).expect(0);
        sandbox.retake(["replay", "it.take"]).expect(0).says(&["identical"]);
        for event in &sandbox.take("it.take").chains[0].events {
            if let Ok(ChainEventPayload::HostFunction(call)) = event.payload()
                && event.event_type.contains("message-server-host/")
            {
                let returned = matches!(call.output, Outcome::Returned(_));
                *(if returned { &mut sent } else { &mut trapped }) += 1;
            }
        }
    }
    assert!(trapped > 0 && sent > 0, "{trapped} calls ended in the shim, {sent} came back");
}

/// Sends a message to the other actor; its own handler takes a number, which no message is.
const DEAF: &str = r#"(component
    (import "theater:simple/message-server-host" (instance $host
        (export "send" (func (param "to" string) (param "message" (list u8)) (result (result (error string)))))))
    (core module $memory
        (memory (export "memory") 1)
        (data (i32.const 8) "\23" "1x")
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $memory (instantiate $memory))
    (core func $send (canon lower (func $host "send")
        (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
    (core module $main
        (import "host" "send" (func $send (param i32 i32 i32 i32 i32)))
        (func (export "post")
            (call $send (i32.const 8) (i32.const 2) (i32.const 10) (i32.const 1) (i32.const 16)))
        (func (export "take") (param i32)))
    (core instance $main (instantiate $main (with "host" (instance (export "send" (func $send))))))
    (func (export "post") (canon lift (core func $main "post")))
    (func $take (param "number" u32) (canon lift (core func $main "take")))
    (instance $client (export "handle-send" (func $take)))
    (export "theater:simple/message-server-client" (instance $client)))"#;

#[test]
fn a_message_that_the_handler_cannot_take_is_dropped_and_the_take_is_whole() {
    let sandbox = Sandbox::new();
    sandbox.write("deaf.wat", DEAF);
    let args = ["record", "deaf.wat", "-o", "it.take", "--actors", "2", "--invoke", "#0 post()"];
    sandbox.retake(args).expect(0);
    assert_eq!(
        sandbox.take("it.take").chains[1].types(),
        ["retake/session", "theater-runtime/message-dropped", "shutdown"]
    );
    sandbox.assert_intact_and_identical("it.take");
}
