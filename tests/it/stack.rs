//! The stack: a guest that came back when it was recorded comes back in every kind of re-run, and one that
//! exhausted its stack ends at the same place among its host calls. A build that does otherwise is told.

mod other_builds;

use crate::support::{Sandbox, actor};
use retake_chain::{ChainEventPayload, WasmEventData};

const EXHAUSTED: &str = "call stack exhausted";
/// Deeper than any guest here gets.
const WITHOUT_END: u32 = u32::MAX;
const MUCH_FUEL: &str = "1000000000000";

/// What a guest calls at each level of its recursion.
#[derive(Clone, Copy, Debug, PartialEq)]
enum HostCall {
    None,
    /// Before it goes deeper.
    Down,
    /// On its way back.
    Back,
    /// One whose result is a list, for which `realloc` is called.
    List,
}

/// A component whose export `go` calls itself so many times deep, and returns how deep that was. A frame
/// keeps `values` values across the call.
fn recursion(values: usize, host: HostCall) -> String {
    let call = |at| match host == at {
        true if host == HostCall::List => "(call $random (i64.const 4) (i32.const 8))",
        true => "(drop (call $now))",
        false => "",
    };
    let (before, back) = (format!("{}{}", call(HostCall::Down), call(HostCall::List)), call(HostCall::Back));
    let locals = "(local i64)".repeat(values);
    // From memory, so that no compilation can make them a second time: the callee may write there.
    let load =
        |index: usize| format!("(local.set {} (i64.load offset={} (i32.const 1024)))", index + 1, 8 * index);
    let add = |index: usize| format!("(local.get {}) i64.add", index + 1);
    let loads: String = (0..values).map(load).collect();
    let adds: String = (0..values).map(add).collect();
    component(&format!(
        r#"(func $rec (export "rec") (param $n i32) (result i64) {locals}
             (if (i32.eqz (local.get $n)) (then (return (i64.const 0))))
             {loads} {before}
             (i64.add (call $rec (i32.sub (local.get $n) (i32.const 1))) (i64.const 1))
             {back} {adds})
           (func (export "go") (param i32) (result i64)
             (i64.store (i32.const 2048) (i64.const 0))
             (call $rec (local.get 0)))"#
    ))
}

/// A component that exports the core function `go` as `func(n: u32) -> u64`, with `now` and `random` to call.
fn component(code: &str) -> String {
    format!(
        r#"(component
          (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock (export "now" (func (result u64)))))
          (import "wasi:random/random@0.2.3" (instance $random
            (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
          (core module $memory
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
          (core instance $memory (instantiate $memory))
          (alias core export $memory "memory" (core memory $bytes))
          (alias core export $memory "realloc" (core func $realloc))
          (core func $now (canon lower (func $clock "now")))
          (core func $random (canon lower (func $random "get-random-bytes") (memory $bytes) (realloc $realloc)))
          (core module $main
            (import "" "now" (func $now (result i64)))
            (import "" "random" (func $random (param i64 i32)))
            (import "" "memory" (memory 1))
            {code})
          (core instance $main (instantiate $main (with "" (instance
            (export "now" (func $now)) (export "random" (func $random)) (export "memory" (memory $bytes))))))
          (func (export "go") (param "n" u32) (result u64) (canon lift (core func $main "go"))))"#
    )
}

/// Records `go` of a component with each of these arguments, in one take.
fn record(sandbox: &Sandbox, component: &str, take: &str, options: &[&str], depths: &[u32]) {
    let calls: String = depths.iter().map(|depth| format!("go({depth})\n")).collect();
    sandbox.write("calls", calls);
    let args = ["record", component, "--force", "-o", take, "--calls", "calls"];
    sandbox.retake(args.iter().chain(options)).expect(0);
}

/// Which calls of a take came back; each of the others has exhausted its stack.
fn came_back(sandbox: &Sandbox, take: &str) -> Vec<bool> {
    let mut take = sandbox.take(take);
    let ends = take.only_chain().events.iter().filter_map(|event| match event.payload() {
        Ok(ChainEventPayload::Wasm(WasmEventData::WasmResult { .. })) => Some(true),
        Ok(ChainEventPayload::Wasm(WasmEventData::WasmError { message, .. })) => {
            assert!(message.contains(EXHAUSTED), "{message}");
            Some(false)
        }
        _ => None,
    });
    ends.collect()
}

/// The least depth from which a guest, recorded so, does not come back.
fn boundary(sandbox: &Sandbox, component: &str, options: &[&str]) -> u32 {
    let (mut returns, mut fails): (u32, u32) = (0, 1 << 17);
    while fails - returns > 1 {
        let step = (fails - returns).div_ceil(4);
        let depths: Vec<u32> = (1..).map(|i| returns + i * step).take_while(|depth| *depth < fails).collect();
        record(sandbox, component, "probe.take", options, &depths);
        for (depth, back) in depths.iter().zip(came_back(sandbox, "probe.take")) {
            if back {
                returns = *depth;
            } else {
                fails = *depth;
                break;
            }
        }
    }
    fails
}

/// Replays a take in every way there is; each must find it identical.
#[track_caller]
fn assert_identical_in_every_mode(sandbox: &Sandbox, take: &str, has_fuel: bool) {
    sandbox.assert_intact_and_identical(take);
    sandbox.retake(["test", take]).expect(0).says(&["1 passed"]);
    if !has_fuel {
        sandbox.retake(["replay", take, "--fuel", MUCH_FUEL]).expect(0).says(&["identical"]);
        sandbox.retake(["test", take, "--fuel", MUCH_FUEL]).expect(0).says(&["1 passed"]);
    }
}

/// Depths on both sides of a boundary, near it and far; fewer where each level of each is an event.
fn around(boundary: u32, host: HostCall) -> Vec<u32> {
    let shares = if host == HostCall::None { &[50, 75, 99, 101, 200][..] } else { &[80] };
    let shares = shares.iter().map(|percent| boundary / 100 * percent);
    shares.chain([boundary - 1, boundary, WITHOUT_END]).collect()
}

/// Records calls around the boundary in every way there is, and replays them in every way.
fn sweep(values: usize, host: HostCall) {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", recursion(values, host));
    let plain = boundary(&sandbox, "it.wat", &[]);
    for (options, check) in [
        (&[][..], false),
        (&["--max-memory", "64M"], false),
        (&["--fuel", MUCH_FUEL], false),
        (&["--check", "--repeat", "5"], true),
    ] {
        let boundary =
            if options.contains(&"--fuel") { boundary(&sandbox, "it.wat", options) } else { plain };
        let depths = around(boundary, host);
        record(&sandbox, "it.wat", "it.take", options, &depths);
        let expected: Vec<bool> = depths.iter().map(|depth| *depth < boundary).collect();
        assert_eq!(came_back(&sandbox, "it.take"), expected, "{values} values, {host:?}, {options:?}");
        if !check {
            assert_identical_in_every_mode(&sandbox, "it.take", options.contains(&"--fuel"));
        }
    }
    // A call that fails ends such a session.
    let depths = [plain / 2, plain - 1, plain];
    record(&sandbox, "it.wat", "it.take", &["--instance", "session", "--check"], &depths);
    assert_eq!(came_back(&sandbox, "it.take"), [true, true, false]);
    assert_identical_in_every_mode(&sandbox, "it.take", false);
}

macro_rules! sweep {
    ($($name:ident: $values:literal, $host:ident;)*) => {$(
        #[test]
        fn $name() {
            sweep($values, HostCall::$host);
        }
    )*};
}

sweep! {
    small_frames: 0, None;
    small_frames_with_a_call_each: 0, Down;
    small_frames_with_a_call_each_on_the_way_back: 0, Back;
    small_frames_with_a_list_each: 0, List;
    frames_of_a_few_values: 6, None;
    frames_of_a_few_values_with_a_call_each: 6, Down;
    frames_of_a_few_values_with_a_list_each: 6, List;
    large_frames: 100, None;
    large_frames_with_a_call_each: 100, Down;
    large_frames_with_a_call_each_on_the_way_back: 100, Back;
    large_frames_with_a_list_each: 100, List;
    frames_of_many_pages: 4000, Down;
}

/// A take of one call of `go` that exhausts its stack, of this core code.
fn exhausted(code: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", component(code));
    record(&sandbox, "it.wat", "it.take", &[], &[WITHOUT_END]);
    assert_eq!(came_back(&sandbox, "it.take"), [false]);
    assert_identical_in_every_mode(&sandbox, "it.take", false);
    sandbox
}

/// Demands that another build with this core code diverges from the take in every way it can be replayed.
#[track_caller]
fn assert_diverges(sandbox: &Sandbox, code: &str) {
    sandbox.write("other.wat", component(code));
    assert_other_diverges(sandbox);
}

#[track_caller]
fn assert_other_diverges(sandbox: &Sandbox) {
    for mode in [&["replay"][..], &["replay", "--fuel", MUCH_FUEL], &["test"]] {
        let args = mode.iter().chain(&["it.take", "--actor", "other.wat"]);
        sandbox.retake(args).expect(1).says(&["diverged at event"]);
    }
}

/// Code that calls `now` so often, then calls itself `depth` times deep.
fn calls_then_recursion(calls: usize, depth: &str) -> String {
    let calls = "(drop (call $now))".repeat(calls);
    format!(
        r#"(func $rec (param $n i32) (result i64)
             (if (i32.eqz (local.get $n)) (then (return (i64.const 0))))
             (i64.add (call $rec (i32.sub (local.get $n) (i32.const 1))) (i64.const 1)))
           (func (export "go") (param i32) (result i64) {calls} (call $rec ({depth})))"#
    )
}

#[test]
fn a_build_that_does_not_exhaust_the_stack_that_was_exhausted_diverges() {
    let sandbox = exhausted(&calls_then_recursion(2, "local.get 0"));
    assert_diverges(&sandbox, &calls_then_recursion(2, "i32.const 0"));
    assert_diverges(&sandbox, &calls_then_recursion(2, "i32.const 1000"));
    assert_diverges(&sandbox, &calls_then_recursion(2, "i32.const 0) (drop (call $now)"));
    let trapping = r#"(func (export "go") (param i32) (result i64)
        (drop (call $now)) (drop (call $now)) unreachable)"#;
    assert_diverges(&sandbox, trapping);
}

#[test]
fn a_stack_that_is_exhausted_at_another_place_among_the_host_calls_is_a_divergence() {
    let sandbox = exhausted(&calls_then_recursion(2, "local.get 0"));
    assert_diverges(&sandbox, &calls_then_recursion(1, "local.get 0"));
    assert_diverges(&sandbox, &calls_then_recursion(3, "local.get 0"));
}

#[test]
fn a_build_that_exhausts_its_stack_where_the_recording_went_on_diverges() {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", component(&calls_then_recursion(2, "i32.const 1000")));
    record(&sandbox, "it.wat", "it.take", &[], &[WITHOUT_END]);
    assert_identical_in_every_mode(&sandbox, "it.take", false);
    assert_diverges(&sandbox, &calls_then_recursion(2, "local.get 0"));
}

/// It would never be asked anything again.
#[test]
fn a_guest_that_would_compute_without_end_after_its_stack_was_exhausted_ends_there() {
    let boundary = {
        let sandbox = Sandbox::new();
        sandbox.write("it.wat", component(&calls_then_recursion(2, "local.get 0")));
        boundary(&sandbox, "it.wat", &[])
    };
    let deep = format!("i32.const {}", boundary + boundary / 4);
    let endless = format!("(call $rec ({deep})) (loop $again (br $again))");
    exhausted(&calls_then_recursion(2, "local.get 0").replace("(call $rec (local.get 0))", &endless));
}

/// What optimised code computes once, code that is not optimised keeps in hundreds of places.
#[test]
fn a_guest_whose_frames_are_a_hundred_times_as_large_without_optimisation_comes_back() {
    let (values, sums) = ("(i64.mul (local.get $n) (i64.const 7))\n".repeat(300), "i64.add\n".repeat(300));
    let sandbox = Sandbox::new();
    sandbox.write(
        "it.wat",
        component(&format!(
            r#"(func $rec (param $n i64) (result i64)
                 (if (i64.eqz (local.get $n)) (then (return (i64.const 0))))
                 {values} (call $rec (i64.sub (local.get $n) (i64.const 1))) {sums})
               (func (export "go") (param i32) (result i64) (call $rec (i64.extend_i32_u (local.get 0))))"#
        )),
    );
    record(&sandbox, "it.wat", "it.take", &["--check", "--repeat", "5"], &[8000, WITHOUT_END]);
    assert_eq!(came_back(&sandbox, "it.take"), [true, false]);
}

/// A component that exports `go`, with this between the clock and its export.
fn with_clock(content: &str) -> String {
    format!(
        r#"(component
          (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock (export "now" (func (result u64)))))
          (core func $now (canon lower (func $clock "now")))
          {content})"#
    )
}

/// Recursion that the engine runs into on behalf of the guest, and nothing but that is recorded of the call.
#[test]
fn a_stack_that_is_exhausted_beside_the_guests_own_code_is_so_in_every_mode() {
    let recursion = "(func $rec (result i32) (i32.add (call $rec) (i32.const 1)))";
    let instance =
        r#"(core instance $main (instantiate $main (with "" (instance (export "now" (func $now))))))"#;
    let start = format!(
        r#"(core module $main (import "" "now" (func $now (result i64))) {recursion}
             (func $begin (drop (call $now)) (drop (call $rec))) (start $begin)
             (func (export "go") (param i32)))
           {instance}
           (func (export "go") (param "n" u32) (canon lift (core func $main "go")))"#
    );
    let post_return = format!(
        r#"(core module $main (import "" "now" (func $now (result i64))) {recursion}
             (func (export "go") (param i32) (result i32) (drop (call $now)) (i32.const 1))
             (func (export "after") (param i32) (drop (call $rec))))
           {instance}
           (func (export "go") (param "n" u32) (result u32)
             (canon lift (core func $main "go") (post-return (core func $main "after"))))"#
    );
    let parameters = format!(
        r#"(core module $main (import "" "now" (func $now (result i64))) {recursion}
             (memory (export "memory") 1)
             (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $rec))
             (func (export "go") (param i32 i32)))
           {instance}
           (func (export "go") (param "text" string) (canon lift (core func $main "go")
             (memory (core memory $main "memory")) (realloc (core func $main "realloc"))))"#
    );
    let destructor = format!(
        r#"(core module $drop {recursion} (func (export "drop") (param i32) (drop (call $rec))))
           (core instance $drop (instantiate $drop))
           (type $thing (resource (rep i32) (dtor (core func $drop "drop"))))
           (core func $new (canon resource.new $thing))
           (core func $free (canon resource.drop $thing))
           (core module $main (import "" "now" (func $now (result i64)))
             (import "" "new" (func $new (param i32) (result i32))) (import "" "free" (func $free (param i32)))
             (func (export "go") (param i32) (drop (call $now)) (call $free (call $new (i32.const 1)))))
           (core instance $main (instantiate $main (with "" (instance
             (export "now" (func $now)) (export "new" (func $new)) (export "free" (func $free))))))
           (func (export "go") (param "n" u32) (canon lift (core func $main "go")))"#
    );
    let cases = [(start, "1"), (post_return, "1"), (parameters, "\"text\""), (destructor, "1")];
    for (content, argument) in cases {
        let sandbox = Sandbox::new();
        sandbox.write("it.wat", with_clock(&content));
        for options in [&[][..], &["--fuel", MUCH_FUEL], &["--check", "--repeat", "5"]] {
            let call = format!("go({argument})");
            let args = ["record", "it.wat", "--force", "-o", "it.take", "--invoke", &call];
            sandbox.retake(args.iter().chain(options)).expect(0).says(&[EXHAUSTED]);
            assert_identical_in_every_mode(&sandbox, "it.take", options.contains(&"--fuel"));
        }
    }
}

/// The list that a host call returns is lowered with the guest's own `realloc`, after the call was recorded.
#[test]
fn a_realloc_that_exhausts_the_stack_does_so_in_every_mode() {
    let guest = component(&calls_then_recursion(0, "i32.const 0")).replace(
        r#"(func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))"#,
        r#"(func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32)
             (i32.add (call $realloc (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (i32.const 1)))"#,
    );
    let guest = guest
        .replace("(call $rec (i32.const 0))", "(call $random (i64.const 4) (i32.const 8)) (i64.const 0)");
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", guest);
    for options in [&[][..], &["--fuel", MUCH_FUEL], &["--check", "--repeat", "5"]] {
        record(&sandbox, "it.wat", "it.take", options, &[1]);
        assert_eq!(came_back(&sandbox, "it.take"), [false]);
        assert_identical_in_every_mode(&sandbox, "it.take", options.contains(&"--fuel"));
    }
}

/// The host's observation of the exchange comes between the last call and the end.
#[test]
fn an_http_handler_that_exhausts_its_stack_does_so_in_every_mode() {
    let sandbox = Sandbox::new();
    let looping = std::fs::read_to_string(actor("http-loop.wat")).expect("the fixture is text");
    let recursing = |code: &str| looping.replace("(loop $again (br $again))", code);
    assert_ne!(recursing(""), looping);
    // Deep enough for every mode, and not without end: it is the recording that ends it.
    let deep = "(call $now) (drop) (call $rec (i32.const 40000)))
        (func $rec (param i32)
          (if (local.get 0) (then (call $rec (i32.sub (local.get 0) (i32.const 1))) (drop (call $now))))";
    sandbox.write("it.wat", recursing(deep));
    sandbox.write("other.wat", recursing(""));
    for options in [&[][..], &["--fuel", MUCH_FUEL], &["--check", "--repeat", "5"]] {
        let args = ["record", "it.wat", "--force", "-o", "it.take", "--request", "GET /"];
        sandbox.retake(args.iter().chain(options)).expect(0);
        assert_eq!(came_back(&sandbox, "it.take"), [false]);
        assert_identical_in_every_mode(&sandbox, "it.take", options.contains(&"--fuel"));
        for command in ["replay", "test"] {
            sandbox.retake([command, "it.take", "--actor", "other.wat"]).expect(1);
        }
    }
}

/// Calls that come after one that exhausted its stack, and actors beside it, go on.
#[test]
fn an_exhausted_stack_among_other_calls_is_no_difference() {
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", component(&calls_then_recursion(3, "local.get 0")));
    let depths: Vec<u32> = (0..400).map(|i| if i % 3 == 0 { WITHOUT_END } else { i }).collect();
    record(&sandbox, "it.wat", "it.take", &["--actors", "2"], &depths);
    sandbox.assert_intact_and_identical("it.take");
    sandbox.retake(["test", "it.take", "--jobs", "4"]).expect(0).says(&["1 passed"]);
}
