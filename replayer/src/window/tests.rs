//! Tests of the windows, their bound, and the cursor through them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use retake_actor::Extensions;
use retake_chain::{
    ChainEvent, ChainEventData, ChainEventPayload, HostFunctionCall, HttpReplayChain, Outcome, TrapKind,
    Value, WasmEventData,
};

use super::flow::{FLOW_BYTES, WINDOW_BYTES};
use super::{Cursor, Flow, Position, WindowSender};

const ANYWHERE: Position = Position { number: 0, offset: 0 };

/// Both ends of a new lane.
fn windows(flow: &Arc<Flow>, extensions: Extensions) -> (WindowSender, Cursor) {
    let lane = flow.open_lane();
    (WindowSender::new(flow, lane), Cursor::new(flow, lane, extensions, 0))
}

/// An event whose value takes this many bytes in memory, decoded.
fn event(bytes: usize) -> (ChainEvent, ChainEventPayload) {
    let call = ChainEventData::host_function(HostFunctionCall {
        interface: Arc::from("a:b/c"),
        function: Arc::from("f"),
        input: vec![Value::List(vec![Value::None; bytes / size_of::<Value>()])],
        output: Outcome::Returned(None),
    });
    (call.to_chain_event(None), call.data)
}

#[test]
fn a_window_is_full_by_the_memory_that_its_values_take() {
    let (event, payload) = event(WINDOW_BYTES);
    assert!(event.data.len() < WINDOW_BYTES / 16);
    let extensions = Extensions::default();
    let (mut sender, mut cursor) = windows(&Flow::new(), extensions.clone());
    assert_eq!(extensions.get::<HttpReplayChain>(), Some(HttpReplayChain::default()));

    assert!(!sender.push(event.clone(), payload, ANYWHERE), "one window may wait");

    assert_eq!(cursor.peek().map(|recorded| recorded.event), Some(&event));
    assert_eq!(extensions.get::<HttpReplayChain>(), Some(HttpReplayChain(vec![event])));
}

#[test]
fn an_exhausted_stack_is_seen_after_an_observation_that_fills_its_window() {
    let head = Value::List(vec![Value::None; WINDOW_BYTES / size_of::<Value>()]);
    let observation = ChainEventData::host_function(HostFunctionCall {
        interface: Arc::from("wasi:http/incoming-handler@0.2.3"),
        function: Arc::from("handle"),
        input: vec![Value::record([("headers", head)])],
        output: Outcome::Returned(None),
    });
    let trap = Outcome::Trapped { kind: TrapKind::StackExhausted, message: "call stack exhausted".into() };
    let end = ChainEventData::wasm(WasmEventData::ended("handle".into(), None, trap.clone()));
    let extensions = Extensions::default();
    let (mut sender, mut cursor) = windows(&Flow::new(), extensions.clone());
    let mut chain = Vec::new();
    for (number, data) in (0..).zip([observation, end]) {
        let event = data.to_chain_event(chain.last().map(|event: &ChainEvent| event.hash));
        sender.push(event.clone(), data.data, Position { number, offset: 0 });
        chain.push(event);
        if number == 0 {
            assert!(cursor.peek().is_some_and(|recorded| recorded.is_observation()));
        }
    }
    sender.close();

    assert_eq!(cursor.exhaustion(), Some(trap));

    assert_eq!(extensions.get::<HttpReplayChain>(), Some(HttpReplayChain(chain.clone())));
    assert_eq!(cursor.peek().map(|recorded| recorded.index), Some(0));
    cursor.advance();
    assert_eq!(cursor.peek().map(|recorded| recorded.event), chain.last());
}

#[test]
fn what_is_read_counts_until_its_rerun_goes_on_and_a_lane_that_ends_leaves_nothing() {
    let flow = Flow::new();
    let bytes = || flow.bytes.load(Ordering::Relaxed);
    let (mut sender, mut cursor) = windows(&flow, Extensions::default());
    for _ in 0..3 {
        let (event, payload) = event(WINDOW_BYTES);
        sender.push(event, payload, ANYWHERE);
    }
    let three = bytes();
    assert!(three >= 3 * WINDOW_BYTES && flow.is_ahead_of(sender.lane()));
    assert!(cursor.peek().is_some());
    cursor.advance();
    assert!(cursor.peek().is_some());
    assert_eq!(bytes(), three / 3 * 2);
    drop(cursor);
    assert!(flow.has_ended(sender.lane()));
    let (event, payload) = event(WINDOW_BYTES);
    sender.push(event, payload, ANYWHERE);
    assert_eq!(bytes(), 0);
}

#[test]
fn the_reader_waits_for_no_rerun_that_waits_for_it() {
    let flow = Flow::new();
    let (mut sender, mut cursor) = windows(&flow, Extensions::default());
    let (event, payload) = event(2 * FLOW_BYTES);
    sender.push(event.clone(), payload.clone(), ANYWHERE);
    assert!(flow.is_full());
    thread::scope(|scope| {
        let rerun = scope.spawn(move || {
            let mut seen = 0;
            while cursor.peek().is_some() {
                cursor.advance();
                seen += 1;
            }
            seen
        });
        // It has used up the one event, and holds it.
        flow.wait_for_room(Some(sender.lane()));
        assert!(flow.held(sender.lane()) >= 2 * FLOW_BYTES && !flow.is_full());
        sender.push(event, payload, ANYWHERE);
        sender.close();
        assert_eq!(rerun.join().expect("no panic"), 2);
    });
    assert_eq!(flow.bytes.load(Ordering::Relaxed), 0);
}
