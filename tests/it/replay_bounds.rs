//! What a replay needs is bounded by the machine and the options, not by the take: threads and memory for any
//! number of chains, in any order. The answer is the one that a replay of all chains at once would have.

use std::fs::read_to_string;

use crate::support::{Chain, Ended, Sandbox};
use retake_chain::log::LogWriter;
use retake_chain::{ChainEvent, ChainEventPayload, ChainNumber, Outcome, TheaterId, Value, WasmEventData};

/// Threads of a replay: re-runs of chains, and a few more.
const THREADS: u64 = 1024 + 64;

/// A take with as many chains as this function has templates for, each with an id of its own.
fn many<'a>(templates: impl Iterator<Item = &'a Chain>, is_interleaved: bool) -> Vec<u8> {
    many_altered(templates, is_interleaved, |_, _, _| ())
}

/// The same, and `alter` changes events after they got their hashes: it gets the chain, the index in it and
/// the event.
fn many_altered<'a>(
    templates: impl Iterator<Item = &'a Chain>,
    is_interleaved: bool,
    alter: impl Fn(usize, usize, &mut ChainEvent),
) -> Vec<u8> {
    let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
    let mut chains = Vec::new();
    for template in templates {
        let mut chain = template.clone();
        chain.id = TheaterId::generate();
        let id = chain.id;
        chain.alter(0, |payload| match payload {
            ChainEventPayload::Session(start) => start.actor_id = id,
            other => panic!("no genesis: {other:?}"),
        });
        chains.push((writer.add_chain(id).expect("few enough chains"), None, chain.events));
    }
    let mut append = |(number, parent, events): &mut (ChainNumber, Option<_>, Vec<ChainEvent>),
                      index: usize| {
        let Some(event) = events.get(index) else { return };
        let mut event = ChainEvent::link(*parent, event.event_type.clone(), event.data.clone());
        *parent = Some(event.hash);
        alter(number.0 as usize, index, &mut event);
        writer.append(*number, &event).expect("events of a take fit a take");
    };
    let longest = chains.iter().map(|(.., events)| events.len()).max().unwrap_or(0);
    match is_interleaved {
        true => (0..longest).for_each(|index| chains.iter_mut().for_each(|chain| append(chain, index))),
        false => chains.iter_mut().for_each(|chain| (0..longest).for_each(|index| append(chain, index))),
    }
    writer.seal().expect("memory takes every write").0
}

/// Runs the binary to its end. Returns how it ended, the most threads that it was seen with, and its peak of
/// memory in MiB.
fn watched(sandbox: &Sandbox, args: &[&str]) -> (Ended, u64, u64) {
    let mut child =
        sandbox.command(args).stdout(std::process::Stdio::null()).spawn().expect("the binary starts");
    let status = format!("/proc/{}/status", child.id());
    let (mut threads, mut peak) = (0, 0);
    while child.try_wait().expect("it is our child").is_none() {
        let text = read_to_string(&status).unwrap_or_default();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        threads = threads.max(field("Threads:"));
        peak = peak.max(field("VmHWM:") >> 10);
        std::thread::yield_now();
    }
    (Ended::of(child.wait_with_output().expect("it has ended")), threads, peak)
}

/// Two actors of `clock-calls.wat`: one has called `work(2)`, the other `work(3)`.
fn two_and_three(sandbox: &Sandbox) -> Vec<Chain> {
    sandbox.copy_actor("clock-calls.wat");
    let args = ["record", "clock-calls.wat", "--actors", "2", "-o", "two.take"];
    sandbox.retake(args.iter().chain(&["--invoke", "#0 work(2)", "--invoke", "#1 work(3)"])).expect(0);
    sandbox.take("two.take").chains
}

/// Builds `clock-calls.wat` with this code at its begin.
fn change(sandbox: &Sandbox, code: &str) {
    let source = String::from_utf8(sandbox.read("clock-calls.wat")).expect("text");
    sandbox.write("changed.wat", source.replacen("(nop) ;; CHANGE", code, 1));
}

#[test]
fn a_divergence_is_found_while_another_chain_has_more_events_than_are_read_ahead() {
    // Chain 0 computes without end before thousands of events that nobody takes; what differs in chain 1
    // comes before, and is not left with the reader.
    let sandbox = Sandbox::new();
    sandbox.copy_actor("clock-calls.wat");
    let calls = "#0 work(2)\n#1 work(3)\n#0 work(20000)\n#1 work(2)\n";
    sandbox.write("calls.txt", calls);
    let args = ["record", "clock-calls.wat", "--actors", "2", "--calls", "calls.txt", "-o", "it.take"];
    sandbox.retake(args).expect(0);
    change(
        &sandbox,
        "(if (i32.eq (local.get $n) (i32.const 3)) (then (drop (call $now))))
         (if (i32.eq (local.get $n) (i32.const 20000)) (then (loop $ever (br $ever))))",
    );
    for command in ["replay", "test"] {
        let ended = sandbox.retake([command, "it.take", "--actor", "changed.wat"]).expect(1);
        ended.says(&["of chain 1", "work(3)"]);
    }
}

#[test]
fn threads_do_not_grow_with_the_chains_of_a_take() {
    let sandbox = Sandbox::new();
    let templates = two_and_three(&sandbox);
    for (is_interleaved, chains) in [(false, 4000), (true, 1600)] {
        let take = many(std::iter::repeat_n(&templates[0], chains), is_interleaved);
        sandbox.write("many.take", take);
        for args in [&["replay", "many.take"][..], &["test", "--jobs", "2", "many.take"]] {
            let (ended, threads, _) = watched(&sandbox, args);
            ended.expect(0);
            assert!(threads <= THREADS, "{threads} threads for {chains} chains");
        }
        let report = sandbox.retake(["replay", "--json", "many.take"]).expect(0).json();
        assert_eq!(report["calls"], chains);
        assert_eq!(report["chains"].as_array().map(Vec::len), Some(chains));
        assert!(report["chains"].as_array().expect("an array").iter().all(|chain| chain["events"] == 6));
    }
}

#[test]
fn a_chain_that_is_rerun_when_the_take_is_read_again_counts_like_any_other() {
    let sandbox = Sandbox::new();
    let templates = two_and_three(&sandbox);
    const OTHER: usize = 1300;
    let take = many((0..1500).map(|number| &templates[usize::from(number == OTHER)]), true);
    sandbox.write("many.take", &take);
    change(&sandbox, "(if (i32.eq (local.get $n) (i32.const 3)) (then (drop (call $now))))");
    for command in ["replay", "test"] {
        let ended = sandbox.retake([command, "many.take", "--actor", "changed.wat"]).expect(1);
        ended.says(&["of chain 1300, ", "work(3)"]);
    }
    // One that has a place differs at a later event of the take, for it differs in its result: the earlier
    // event counts.
    let later = "(if (i32.eq (local.get $n) (i32.const 2)) (then (return (i64.const 1))))";
    change(
        &sandbox,
        &format!("{later} (if (i32.eq (local.get $n) (i32.const 3)) (then (drop (call $now))))"),
    );
    let ended = sandbox.retake(["replay", "many.take", "--actor", "changed.wat"]);
    ended.expect(1).says(&["of chain 0, "]);
}

#[test]
fn an_altered_event_of_a_chain_without_a_place_is_found() {
    let sandbox = Sandbox::new();
    let templates = two_and_three(&sandbox);
    let mut altered = templates[0].clone();
    altered.alter(4, |payload| match payload {
        ChainEventPayload::Wasm(WasmEventData::WasmResult { response, .. }) => {
            *response = Outcome::Returned(Some(Value::from(7u64)));
        }
        other => panic!("no result: {other:?}"),
    });
    let data = altered.events[4].data.clone();
    let alter = |chain: usize, index: usize, event: &mut ChainEvent| {
        if (chain, index) == (1200, 4) {
            event.data = data.clone();
        }
    };
    let take = many_altered(std::iter::repeat_n(&templates[0], 1300), true, alter);
    sandbox.write("altered.take", take);
    sandbox.retake(["verify", "altered.take"]).expect(3).says(&["hash", "chain 1200"]);
    sandbox.retake(["replay", "altered.take"]).expect(3).says(&["hash", "chain 1200"]);
}

/// Asks for a MiB of random bytes.
const GREEDY: &str = r#"(component
    (import "wasi:random/random@0.2.3" (instance $random
        (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
    (core module $memory
        (memory (export "memory") 32)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
    (core instance $memory (instantiate $memory))
    (alias core export $memory "memory" (core memory $bytes))
    (alias core export $memory "realloc" (core func $realloc))
    (core func $random (canon lower (func $random "get-random-bytes") (memory $bytes) (realloc $realloc)))
    (core module $module
        (import "" "random" (func $random (param i64 i32)))
        (func (export "f") (call $random (i64.const 1048576) (i32.const 8))))
    (core instance $main (instantiate $module (with "" (instance (export "random" (func $random))))))
    (func (export "f") (canon lift (core func $main "f"))))"#;

#[test]
fn memory_does_not_grow_with_chains_that_hold_large_answers_all_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("greedy.wat", GREEDY);
    sandbox.retake(["record", "greedy.wat", "--invoke", "f()", "-o", "one.take"]).expect(0);
    let mut one = sandbox.take("one.take");
    let chain = one.only_chain();
    let answer = chain.find("get-random-bytes");
    // Bytes that compress well: the take is small, and what it says is not.
    chain.alter(answer, |payload| match payload {
        ChainEventPayload::HostFunction(call) => {
            call.output = Outcome::Returned(Some(Value::Bytes(vec![0; 1 << 20].into())));
        }
        other => panic!("no call: {other:?}"),
    });
    sandbox.write("many.take", many(std::iter::repeat_n(&*chain, 600), true));
    let (ended, threads, peak) = watched(&sandbox, &["replay", "many.take"]);
    ended.expect(0);
    assert!(threads <= THREADS, "{threads} threads");
    assert!(peak < 480, "{peak} MiB for 600 chains with a MiB each");
}

#[test]
fn no_command_needs_more_memory_than_a_few_events() {
    const EVENTS: usize = 20;
    const EVENT: usize = 12 << 20;
    let sandbox = Sandbox::new();
    let larger = |text: &str| {
        text.replace("1048576", &EVENT.to_string()).replace(r#""memory") 32"#, r#""memory") 260"#)
    };
    sandbox.write("greedy.wat", larger(GREEDY));
    sandbox.retake(["record", "greedy.wat", "--invoke", "f()", "-o", "one.take"]).expect(0);
    let mut take = sandbox.take("one.take");
    let chain = take.only_chain();
    let answer = chain.find("get-random-bytes");
    chain.alter(answer, |payload| match payload {
        ChainEventPayload::HostFunction(call) => {
            call.output = Outcome::Returned(Some(Value::Bytes(vec![0; EVENT].into())));
        }
        other => panic!("no call: {other:?}"),
    });
    let call: Vec<_> = chain.events[1..chain.events.len() - 1].to_vec();
    (1..EVENTS).for_each(|_| drop(chain.events.splice(1..1, call.iter().cloned())));
    let whole = many(std::iter::once(&*chain), false);
    sandbox.write("torn.take", &whole[..whole.len() - 200]);
    sandbox.write("large.take", whole);

    let commands: [(&[&str], i32); 6] = [
        (&["verify", "large.take"], 0),
        (&["replay", "large.take"], 0),
        (&["test", "--jobs", "2", "large.take"], 0),
        (&["inspect", "large.take"], 0),
        (&["export", "large.take"], 0),
        (&["repair", "torn.take", "-o", "repaired.take"], 0),
    ];
    for (command, exit) in commands {
        let (ended, _, peak) = watched(&sandbox, command);
        ended.expect(exit);
        assert!(peak < 216, "{command:?} took {peak} MiB for a take of {EVENTS} events with 12 MiB each");
    }
}
