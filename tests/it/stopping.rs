//! How a session ends when it is asked to: what is on its way is finished or given up, and the take is
//! sealed.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use crate::support::{Ended, Running, Sandbox, Take, actor, wait_until};
use retake_chain::{ChainEventPayload, Outcome, WASM_CALL, WasmErrorKind, WasmEventData};
use rustix::process::Signal;

#[test]
fn sigterm_lets_calls_on_their_way_finish_and_seals() {
    let sandbox = Sandbox::new();
    let mut served = sandbox.serve(&actor("http-edge.wasm"), &["--actors", "2"], "it.take");
    let (first, second) = (served.upload(b"the first, "), served.upload(b"the second, "));

    served.terminate();
    assert_eq!(first.finish(b"finished").expect("an echo"), b"the first, finished");
    assert_eq!(second.finish(b"finished").expect("an echo"), b"the second, finished");
    served.ended().expect(0).says(&["2 calls"]);

    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed", "2 calls"]);
    sandbox.retake(["replay", "it.take"]).expect(0).says(&["identical (2 calls, "]);
}

#[test]
fn sigint_seals_as_sigterm_does() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-c.wasm"), &[], "it.take");
    assert_eq!(served.client().get("/").status, 200);

    served.signal(Signal::INT);
    served.ended().expect(0);

    sandbox.retake(["replay", "it.take"]).expect(0).says(&["identical (1 call, "]);
}

#[test]
fn a_second_signal_records_the_calls_on_their_way_as_cancelled_and_seals() {
    let sandbox = Sandbox::new();
    let mut served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    assert_eq!(served.client().post("/echo", b"whole").body, b"whole");
    let waiting = served.upload(b"never to be finished");

    served.terminate();
    served.signal(Signal::TERM);
    served.ended().expect(0);
    assert!(waiting.rest().is_err(), "the answer breaks off");

    let mut take = sandbox.take("it.take");
    assert_eq!(cancelled_calls(&mut take), 1);
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed", "2 calls"]);
    sandbox.retake(["replay", "it.take"]).expect(0).says(&["identical (2 calls, "]);
}

#[test]
fn a_command_that_is_given_up_before_anything_was_answered_checks_nothing() {
    let sandbox = Sandbox::new();
    give_up(&sandbox, &["--check"]).expect(5).says(&["the command was given up", NOTHING_CHECKED]);

    let mut take = sandbox.take("it.take");
    assert_eq!(cancelled_calls(&mut take), 1);
    assert_eq!(take.only_chain().types(), ["retake/session", WASM_CALL, "wasm-error", "shutdown"]);
    sandbox.retake(["verify", "it.take"]).expect(0);
    // Any build would do: none of it is run.
    let traps = actor("trap.wat");
    for build in [&[][..], &["--actor", &traps]] {
        let with = |command: &[&'static str]| {
            let args: Vec<String> = command.iter().chain(build).map(|arg| arg.to_string()).collect();
            sandbox.retake(args)
        };
        with(&["replay", "it.take"]).expect(5).says(&[NOTHING_CHECKED]);
        let said = with(&["replay", "it.take", "--json"]).expect(5).json();
        assert_eq!(said["verdict"], "nothing-to-check");
        assert_eq!(
            (&said["calls"], &said["given_up"], &said["unchecked"]),
            (&1.into(), &1.into(), &1.into())
        );

        let tested = with(&["test", "it.take", "--junit", "junit.xml"]).expect(5);
        tested.says(&["NOTHING", "(0 calls, ", "1 call given up, 1 not checked", NOTHING_CHECKED]);
        tested.says(&[
            "1 take run: 1 with nothing to check; 1 call given up before the host had answered anything",
        ]);
        let junit = String::from_utf8(sandbox.read("junit.xml")).expect("text");
        assert!(junit.contains(NOTHING_CHECKED) && junit.contains("<error"), "{junit}");
        let lines = with(&["test", "it.take", "--json"]).expect(5).stdout;
        let finished = lines.lines().find(|line| line.contains("take-finished")).expect("its line");
        let finished: serde_json::Value = serde_json::from_str(finished).expect("JSON");
        assert_eq!(finished["status"], "nothing");
        assert_eq!((&finished["calls"], &finished["unchecked_calls"]), (&0.into(), &1.into()));
    }
    let repeated =
        sandbox.retake(["record", &actor("loop.wat"), "--fuel", "1000", "-o", "bounded.take", "--check"]);
    repeated.expect(0).says(&["identical (1 call, "]);
}

const NOTHING_CHECKED: &str =
    "nothing was checked: every call was given up before the host had answered anything";

/// Records `loop.wat`, and gives it up when its take is there.
fn give_up(sandbox: &Sandbox, options: &[&str]) -> Ended {
    let looped = actor("loop.wat");
    let args = ["record", &looped, "-o", "it.take"];
    let args = args.into_iter().chain(options.iter().copied());
    let mut recorder = Running::start(sandbox.command(args));
    // A command has no address to announce: it runs when its take is there.
    wait_until(|| sandbox.path("it.take").exists());

    recorder.terminate();
    recorder.signal(Signal::TERM);
    recorder.ended()
}

#[test]
fn a_given_up_call_that_was_answered_is_checked_as_far_as_that() {
    // It asks once, and computes without end.
    let sandbox = Sandbox::new();
    let mut served = sandbox.serve(&actor("http-loop.wat"), &["--actors", "2"], "it.take");
    let _clients: Vec<_> = (0..2).map(|_| served.client().ask("/")).collect();
    wait_until(|| sandbox.take("it.take").chains.iter().filter(|chain| chain.events.len() == 3).count() == 2);
    served.terminate();
    served.signal(Signal::TERM);
    served.ended().expect(0);

    let tested = sandbox.retake(["test", "it.take", "--junit", "junit.xml"]).expect(0);
    tested.says(&["PASS", "(2 calls, ", "; 2 calls given up)"]);
    let junit = String::from_utf8(sandbox.read("junit.xml")).expect("text");
    assert!(junit.contains("2 calls given up"), "{junit}");
    let other = sandbox.retake(["replay", "it.take", "--actor", &actor("http-edge.wasm")]);
    assert_eq!(other.status.code(), Some(1), "{other:?}");
}

#[test]
fn actors_that_compute_without_end_keep_nobody_from_ending_the_session() {
    // More of them than the machine may have cores, and a request that waits behind them.
    let sandbox = Sandbox::new();
    let mut served = sandbox.serve(&actor("http-loop.wat"), &["--actors", "8"], "it.take");
    let mut clients: Vec<_> = (0..9).map(|_| served.client().ask("/")).collect();
    wait_until(|| {
        let chains = sandbox.take("it.take").chains;
        chains.len() == 8 && chains.iter().all(|chain| chain.events.len() == 3)
    });

    served.terminate();
    served.signal(Signal::TERM);
    served.ended().expect(0);
    assert!(clients.iter_mut().all(|client| !client.is_answered()));

    let mut take = sandbox.take("it.take");
    for chain in take.chains.iter_mut() {
        let [.., last, end] = &chain.types()[..] else { panic!("a chain of {:?}", chain.types()) };
        assert_eq!((*last, *end), ("wasm-error", "shutdown"));
    }
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed", "8 calls"]);
    let replayed = sandbox.retake(["replay", "it.take"]).expect(0);
    replayed.says(&[
        "identical (8 calls, ",
        "8 calls given up when recorded, and checked as far as the host had answered",
    ]);
}

#[test]
fn a_client_that_does_not_read_keeps_nobody_from_ending_the_session() {
    let sandbox = Sandbox::new();
    let mut served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    // More than any socket takes ahead.
    let mut client = served.client().ask("/stream/100000");
    assert!(client.has_begun());

    served.terminate();
    served.signal(Signal::TERM);
    served.ended().expect(0);

    let mut take = sandbox.take("it.take");
    assert_eq!(cancelled_calls(&mut take), 1);
    let [.., exchange, _, _] = &take.only_chain().events[..] else { panic!("too few events") };
    let ChainEventPayload::HostFunction(exchange) = exchange.payload().expect("a payload that decodes")
    else {
        panic!("the exchange is not noted");
    };
    assert_eq!(exchange.output, Outcome::Cancelled);
    let request = exchange.input[0].field("path").expect("the request is noted");
    assert_eq!(request.to_string(), "\"/stream/100000\"");
    sandbox.retake(["replay", "it.take"]).expect(0).says(&["identical (1 call, ", "1 call given up"]);
}

/// Export calls that were given up.
fn cancelled_calls(take: &mut Take) -> usize {
    let events = take.only_chain().events.iter();
    let payloads = events.map(|event| event.payload().expect("a payload that decodes"));
    let cancelled = |payload: &ChainEventPayload| {
        matches!(
            payload,
            ChainEventPayload::Wasm(WasmEventData::WasmError { kind: WasmErrorKind::Cancelled, .. })
        )
    };
    payloads.filter(cancelled).count()
}

#[test]
fn a_signal_ends_a_check_of_the_fresh_take() {
    let sandbox = Sandbox::new();
    let args = [
        "record",
        &actor("clock-calls.wat"),
        "-o",
        "it.take",
        "--invoke",
        "work(100000)",
        "--check",
        "--repeat",
        "5",
    ];
    let mut recorder = Running::start(sandbox.command(args));
    while !recorder.next_line().starts_with("recorded") {}

    recorder.signal(Signal::TERM);

    let ended = recorder.ended();
    assert_eq!(ended.status.signal(), Some(Signal::TERM.as_raw()), "{}", ended.stderr);
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed"]);
}

#[test]
fn a_signal_leaves_nothing_of_an_unfinished_file() {
    for signal in [Signal::INT, Signal::TERM] {
        let sandbox = Sandbox::new();
        sandbox.retake(["record", &actor("hello.wat"), "-o", "it.take"]).expect(0);
        let lines = sandbox.retake(["export", "it.take"]).expect(0).stdout;
        let first = lines.lines().next().expect("a header").to_owned() + "\n";
        let mut command = sandbox.command(["import", "-", "-o", "new.take"]);
        command.stdin(Stdio::piped());
        let mut import = Running::start(command);
        import.stdin().write_all(first.as_bytes()).expect("it reads");
        wait_until(|| sandbox.names().len() == 2);

        import.signal(signal);

        assert_eq!(import.ended().status.signal(), Some(signal.as_raw()));
        assert_eq!(sandbox.names(), ["it.take"]);
    }
}
