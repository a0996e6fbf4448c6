//! How a state chain is ended from outside, and what may come where in it.

use super::*;

fn types(events: &[ChainEvent]) -> Vec<&str> {
    events.iter().map(|event| &*event.event_type).collect()
}

fn wasm_call(function: &str) -> ChainEventData {
    ChainEventData::wasm(WasmEventData::WasmCall { function_name: function.into(), params: Vec::new() })
}

#[tokio::test]
async fn ending_a_chain_from_outside_ends_its_call_and_refuses_its_actor() {
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(8);
    chain.add_subscriber(sender);
    chain.add_typed_event(wasm_call("run")).await.unwrap();
    chain.add_typed_event(data(0)).await.unwrap();

    chain.end("given up").await.unwrap();
    let late = chain.add_typed_event(data(1)).await.unwrap_err();
    assert_eq!((late.index, late.fault), (4, AppendFault::Ended));
    chain.end("given up").await.unwrap();

    let events = drain(&mut receiver);
    assert_eq!(types(&events)[2..], [WASM_ERROR, SHUTDOWN]);
    assert_eq!(events.len(), 4);
    assert_linked(&events);
}

#[tokio::test]
async fn ending_a_chain_from_outside_between_calls_says_nothing_of_a_call() {
    let trapped = Outcome::Trapped { kind: TrapKind::Unreachable, message: "unreachable".into() };
    for ended in [Outcome::Returned(None), trapped] {
        let chain = chain();
        let (sender, mut receiver) = mpsc::channel(8);
        chain.add_subscriber(sender);
        chain.add_typed_event(wasm_call("run")).await.unwrap();
        chain
            .add_typed_event(ChainEventData::wasm(WasmEventData::ended("run".into(), None, ended)))
            .await
            .unwrap();

        chain.end("given up").await.unwrap();
        let events = drain(&mut receiver);
        assert_eq!(types(&events)[2..], [SHUTDOWN]);
    }
}

#[tokio::test]
async fn a_chain_is_ended_once_while_an_appender_waits_for_its_subscriber() {
    // Full, with an append that waits: the end comes after it, and nothing between the two events of the end.
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(1);
    chain.add_subscriber(sender);
    chain.add_typed_event(wasm_call("run")).await.unwrap();
    let mut waiting = Box::pin(chain.add_typed_event(data(0)));
    let mut end = Box::pin(chain.end("given up"));
    let mut late = Box::pin(chain.add_typed_event(data(1)));
    assert!(poll_once(&mut waiting).is_none());
    assert!(poll_once(&mut end).is_none());
    assert!(poll_once(&mut late).is_none());

    let collect = async {
        let mut events = Vec::new();
        while let Some((_, event)) = receiver.recv().await {
            events.push(event);
        }
        events
    };
    let (waited, ended, late, events) = tokio::join!(waiting, end, late, collect);
    waited.unwrap();
    ended.unwrap();
    assert!(matches!(late, Err(ChainError { fault: AppendFault::Ended, .. })));
    assert_eq!(types(&events), [WASM_CALL, "wasi:clocks/wall-clock@0.2.3/now", WASM_ERROR, SHUTDOWN]);
}

#[tokio::test]
async fn a_chain_with_a_genesis_takes_only_what_the_grammar_has_there() {
    let chain = chain();
    let genesis = || ChainEventData::session(session(chain.actor_id()));
    chain.add_typed_event(genesis()).await.unwrap();
    let ended = |function: &str| {
        ChainEventData::wasm(WasmEventData::ended(function.into(), None, Outcome::Cancelled))
    };
    for (event, at) in [(data(0), 1), (genesis(), 1), (ended("run"), 1)] {
        let error = chain.add_typed_event(event).await.unwrap_err();
        assert!(matches!(error.fault, AppendFault::Misplaced(_)) && error.index == at, "{error}");
    }
    chain.add_typed_event(wasm_call("run")).await.unwrap();
    let error = chain.add_typed_event(wasm_call("walk")).await.unwrap_err();
    let expected = GrammarFault::CallInCall { open: "run".into(), call: "walk".into() };
    let expected = ChainError { index: 2, event_type: WASM_CALL.into(), fault: expected.into() };
    assert_eq!(error, expected);
    let mut copy = ChainHead::new();
    copy.append(genesis()).unwrap();
    copy.append(wasm_call("run")).unwrap();
    let error = copy.append_recorded(&wasm_call("walk").to_chain_event(None)).unwrap_err();
    assert_eq!(error, expected);
    let error = chain.add_typed_event(ended("walk")).await.unwrap_err();
    assert!(matches!(error.fault, AppendFault::Misplaced(GrammarFault::EndOfAnotherCall { .. })), "{error}");
    // What was refused has changed nothing.
    chain.add_typed_event(data(1)).await.unwrap();
    chain.add_typed_event(ended("run")).await.unwrap();
    chain.add_typed_event(ChainEventData::shutdown()).await.unwrap();
    assert_eq!(chain.event_count(), 5);
}

#[test]
fn the_part_of_a_chain_that_is_re_run_alone_starts_between_calls() {
    let mut chain = ChainHead::continuing(EventHash([1; 32]), 7);
    let error = chain.append(data(0)).unwrap_err();
    assert!(matches!(error.fault, AppendFault::Misplaced(_)) && error.index == 7, "{error}");
    chain.append(wasm_call("run")).unwrap();
    chain.append(data(0)).unwrap();
}

#[tokio::test]
async fn a_chain_that_is_ended_right_after_a_message_has_no_call() {
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(8);
    chain.add_subscriber(sender);
    chain.add_typed_event(ChainEventData::session(session(chain.actor_id()))).await.unwrap();
    let message = TheaterRuntimeEventData::Message { from: TheaterId::generate(), number: 0 };
    chain.add_typed_event(ChainEventData::theater_runtime(message)).await.unwrap();
    chain.end("cancelled").await.unwrap();
    let events = drain(&mut receiver);
    assert_eq!(types(&events), [SESSION, "theater-runtime/message", SHUTDOWN]);
}

#[tokio::test]
async fn messages_are_counted_however_they_ended() {
    let chain = chain();
    let message = |interface: &str, function: &str, output| {
        let (interface, function) = (Arc::from(interface), Arc::from(function));
        ChainEventData::host_function(HostFunctionCall { interface, function, input: vec![], output })
    };
    let host = "theater:simple/message-server-host";
    let table = [
        (message(host, "send", Outcome::Returned(None)), 1),
        (
            message(
                host,
                "request",
                Outcome::Trapped { kind: TrapKind::OutOfFuel, message: "out of fuel".into() },
            ),
            2,
        ),
        (message(host, "register", Outcome::Returned(None)), 2),
        (message("other:host/messages", "send", Outcome::Returned(None)), 2),
        (message(host, "send", Outcome::Cancelled), 3),
    ];
    for (event, count) in table {
        chain.add_typed_event(event).await.unwrap();
        assert_eq!(chain.message_count(), count);
    }
}
