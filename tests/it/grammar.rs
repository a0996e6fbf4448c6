//! What the grammar of a chain allows replays, at whatever place it stands; what it does not allow is refused
//! before anything is re-run.

use crate::recipes::session::{Said, Session, command};
use crate::support::Sandbox;
use retake_chain::{ChainEventData, LogLevel, TheaterRuntimeEventData, WasmEventData};

fn log(line: usize) -> Said {
    let message = format!("line {line}");
    Said::new(ChainEventData::theater_runtime(TheaterRuntimeEventData::Log {
        level: LogLevel::Info,
        message,
    }))
}

fn not_made() -> Said {
    let error = "no memory".into();
    Said::new(ChainEventData::wasm(WasmEventData::WasmComponentCreationError { error }))
}

#[test]
fn what_the_runtime_did_replays_at_every_place() {
    let sandbox = Sandbox::new();
    let places = 1..command().events.len();
    let everywhere = places
        .clone()
        .rev()
        .fold(command(), |session, at| session.with_more(at, log(at)).with_more(at, log(at + 100)));
    let each = places.map(|at| command().with_more(at, log(at)));
    for session in each.chain([everywhere]) {
        sandbox.write("it.take", session.sealed());
        sandbox.assert_intact_and_identical("it.take");
        sandbox.retake(["test", "it.take"]).expect(0);
        sandbox.retake(["replay", "--fuel", "100000", "it.take"]).expect(0);
    }
}

#[test]
fn a_component_that_could_not_be_made_is_no_call_and_ends_none() {
    let sandbox = Sandbox::new();
    for at in [1, 5] {
        sandbox.write("it.take", command().with_more(at, not_made()).sealed());
        sandbox.assert_intact_and_identical("it.take");
    }
    sandbox.write("it.take", command().without(1..5).with_more(1, not_made()).sealed());
    sandbox.retake(["verify", "it.take"]).expect(5);
    sandbox.retake(["replay", "it.take"]).expect(5);
}

/// The command with a line of the log in place of its second host call, or with one call too many after it.
#[test]
fn a_guest_that_does_something_else_beside_what_the_runtime_did_is_found() {
    let sandbox = Sandbox::new();
    let now = || command().events[2].clone();
    let table: [(Session, &str); 3] = [
        (command().with(3, log(3)), "an extra call"),
        (command().with(2, log(2)), "an extra call"),
        (command().with_more(4, now()).with_more(4, log(4)), "a missing call"),
    ];
    for (session, kind) in table {
        sandbox.write("it.take", session.sealed());
        sandbox.retake(["verify", "it.take"]).expect(0);
        sandbox.retake(["replay", "it.take"]).expect(1).says(&[kind]);
    }
}

#[test]
fn a_repaired_take_ends_after_a_whole_call_and_not_within_one() {
    let sandbox = Sandbox::new();
    let session = command();
    let broken =
        session.clone().with_more(5, session.events[1].clone()).with_more(6, session.events[5].clone());
    sandbox.write("it.take", broken.sealed());
    sandbox.retake(["verify", "it.take"]).expect(3).says(&["[event-inside-call]"]);
    sandbox.retake(["repair", "it.take", "-o", "saved.take"]).expect(0);
    let mut saved = sandbox.take("saved.take");
    assert_eq!(saved.only_chain().types()[1..], ["wasm-call", &*now_type(), &*now_type(), "wasm-result"]);
    sandbox.retake(["replay", "saved.take"]).expect(3).says(&["identical"]);
}

fn now_type() -> String {
    command().events[2].event_type.clone()
}

#[test]
fn lines_of_a_chain_that_breaks_the_grammar_make_no_take() {
    let sandbox = Sandbox::new();
    let call = command().events[1].clone();
    sandbox.write("it.take", command().with_more(2, call).sealed());
    let lines = sandbox.retake(["export", "it.take"]).expect(0).stdout;
    sandbox.write("it.jsonl", lines);
    sandbox
        .retake(["import", "it.jsonl", "-o", "new.take"])
        .expect(3)
        .says(&["is called before the call of", "ended"]);
}
