//! Limits: an actor that runs into one ends there, the take says which it was, and the replay ends in the
//! same way.

use crate::support::{Ended, Sandbox, actor};
use retake_chain::{ChainEventPayload, WasmEventData};

/// A component whose export `f` runs this core code; `$main` is its module, and `now` reads a clock.
fn guest(module: &str) -> String {
    format!(
        r#"(component
            (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock (export "now" (func (result u64)))))
            (core func $now (canon lower (func $clock "now")))
            (core module $module {module})
            (core instance $main (instantiate $module
                (with "clock" (instance (export "now" (func $now))))))
            (func (export "f") (canon lift (core func $main "f"))))"#
    )
}

/// A module with a function `f`, and what it needs besides.
fn module(items: &str, body: &str) -> String {
    guest(&format!(
        r#"(import "clock" "now" (func $now (result i64))) {items} (func $f (export "f") {body})"#
    ))
}

struct Limited {
    sandbox: Sandbox,
    recorded: Ended,
}

impl Limited {
    /// Records `f` of the component, with these options.
    fn record(component: &str, options: &[&str]) -> Limited {
        let sandbox = Sandbox::new();
        sandbox.write("it.wat", component);
        let args = ["record", "it.wat", "-o", "it.take", "--invoke", "f()"];
        let recorded = sandbox.retake(args.iter().chain(options)).expect(0);
        Limited { sandbox, recorded }
    }

    /// The message of the one call's `wasm-error`, and how many events came before it.
    fn error(&self) -> (String, usize) {
        let mut take = self.sandbox.take("it.take");
        let events = take.only_chain().events.iter().map(|event| event.payload().expect("a whole event"));
        let mut found = events.enumerate().filter_map(|(index, payload)| match payload {
            ChainEventPayload::Wasm(WasmEventData::WasmError { message, .. }) => Some((message, index)),
            _ => None,
        });
        found.next().unwrap_or_else(|| panic!("the call did not fail: {:?}", self.recorded))
    }

    /// Demands that the call failed for a reason with these words, and that the replay is the same.
    #[track_caller]
    fn ends_with(&self, reason: &str) {
        let (message, _) = self.error();
        assert!(message.contains(reason), "{message}");
        self.recorded.says(&[reason]);
        self.sandbox.assert_intact_and_identical("it.take");
    }
}

const ENDLESS: &str = "(loop $again (br $again))";
const OUT_OF_FUEL: &str = "all fuel consumed";

#[test]
fn an_endless_loop_ends_when_its_fuel_is_used_up() {
    Limited::record(&module("", ENDLESS), &["--fuel", "1000000"]).ends_with(OUT_OF_FUEL);
}

/// Asks for random bytes without end: the fuel ends in the guest, or in the shim while a call is on its way.
const RANDOM: &str = r#"(component
    (import "wasi:random/random@0.2.3" (instance $random
        (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
    (core module $memory
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
    (core instance $memory (instantiate $memory))
    (alias core export $memory "memory" (core memory $bytes))
    (alias core export $memory "realloc" (core func $realloc))
    (core func $random (canon lower (func $random "get-random-bytes")
        (memory $bytes) (realloc $realloc)))
    (core module $module
        (import "" "random" (func $random (param i64 i32)))
        (func (export "f") (loop $again (call $random (i64.const 4) (i32.const 8)) (br $again))))
    (core instance $main (instantiate $module (with "" (instance (export "random" (func $random))))))
    (func (export "f") (canon lift (core func $main "f"))))"#;

#[test]
fn fuel_ends_at_the_same_place_in_the_replay_wherever_that_is() {
    let mut ends = std::collections::BTreeSet::new();
    for fuel in (60..560).step_by(12) {
        let limited = Limited::record(RANDOM, &["--fuel", &fuel.to_string()]);
        limited.ends_with(OUT_OF_FUEL);
        let last_call = limited.sandbox.retake(["inspect", "it.take"]).expect(0).stdout;
        ends.insert(last_call.matches(OUT_OF_FUEL).count());
    }
    assert_eq!(Vec::from_iter(ends), [1, 2], "fuel never ended both within a host call and outside one");
}

#[test]
fn each_call_has_the_fuel_for_itself() {
    let sandbox = Sandbox::new();
    let calls = "increment(1)\n".repeat(50);
    sandbox.write("calls", calls);
    for instance in ["call", "session"] {
        let take = format!("{instance}.take");
        let args = ["record", &actor("counter.wasm"), "-o", &take, "--calls", "calls"];
        let limits = ["--instance", instance, "--fuel", "100000"];
        let recorded = sandbox.retake(args.iter().chain(&limits)).expect(0);
        assert!(!recorded.stdout.contains(OUT_OF_FUEL), "{}", recorded.stdout);
        sandbox.assert_intact_and_identical(&take);
    }
}

#[test]
fn real_actors_replay_with_fuel_and_a_memory_limit() {
    let sandbox = Sandbox::new();
    let limits = ["--fuel", "1000000000", "--max-memory", "16M"];
    let requests = ["--request", "GET /stream/3", "--request", "POST /echo hello", "--request", "GET /boom"];
    let args = ["record", &actor("http-edge.wasm"), "-o", "http.take"];
    sandbox.retake(args.iter().chain(&limits).chain(&requests)).expect(0).says(&["200 5 POST /echo"]);
    sandbox.assert_intact_and_identical("http.take");

    let args = ["record", &actor("command.wasm"), "-o", "command.take"];
    let guest = ["--", "--time", "--random", "--exit", "3"];
    sandbox.retake(args.iter().chain(&limits).chain(&guest)).expect(0);
    sandbox.assert_intact_and_identical("command.take");
}

#[test]
fn a_memory_bomb_ends_at_the_memory_limit() {
    let bomb = module(
        "(memory 1)",
        "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
    );
    Limited::record(&bomb, &["--max-memory", "64M"])
        .ends_with("a memory had reached the limit of 67108864 bytes");
}

#[test]
fn a_garbage_collected_heap_ends_at_the_memory_limit() {
    let list = "(type $list (struct (field (ref null $list)) (field i64)))";
    let bomb = "(local $all (ref null $list))
        (loop $again
            (local.set $all (struct.new $list (local.get $all) (i64.const 1))) (br $again))";
    Limited::record(&module(list, bomb), &["--max-memory", "1M"]).ends_with("GC heap out of memory");
}

#[test]
fn a_guest_that_does_with_the_memory_it_has_goes_on() {
    let content = module("(memory 1)", "(drop (memory.grow (i32.const 1000))) (drop (call $now))");
    let limited = Limited::record(&content, &["--max-memory", "1M"]);
    limited.recorded.says(&["()"]);
    limited.sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_memory_that_begins_above_the_limit_is_not_made() {
    Limited::record(&module("(memory 32)", ""), &["--max-memory", "1M"])
        .ends_with("memory minimum size of 32 pages exceeds memory limits");
}

#[test]
fn a_table_bomb_ends_at_the_table_limit() {
    let bomb = module(
        "(table 1 funcref)",
        "(loop $again
            (br_if $again (i32.ne (table.grow (ref.null func) (i32.const 1000000)) (i32.const -1)))) unreachable",
    );
    Limited::record(&bomb, &[]).ends_with("a table had reached the limit of 10000000 elements");
}

#[test]
fn deep_recursion_ends_when_the_stack_is_used_up() {
    Limited::record(&module("", "(call $f)"), &[]).ends_with("call stack exhausted");
}

#[test]
fn recursion_with_a_host_call_at_every_level_ends_at_the_same_call() {
    let recursion = module("", "(drop (call $now)) (call $f)");
    for options in [&[][..], &["--fuel", "1000000000"]] {
        let limited = Limited::record(&recursion, options);
        limited.ends_with("call stack exhausted");
        assert!(limited.error().1 > 100, "there were hardly any host calls");
    }
}

/// An end of the stack that the build does not come near to is a difference.
#[test]
fn a_build_that_calls_on_where_the_stack_had_ended_diverges() {
    let limited = Limited::record(&module("", "(drop (call $now)) (call $f)"), &[]);
    limited.sandbox.write("loop.wat", module("", "(loop $again (drop (call $now)) (br $again))"));
    let replayed = limited.sandbox.retake(["replay", "it.take", "--actor", "loop.wat"]);
    replayed.expect(1).says(&["call stack exhausted", "an extra call"]);
}

const MILLION_OF_ITS_OWN: &str = r#"(component
    (type $thing (resource (rep i32)))
    (core func $new (canon resource.new $thing))
    (core module $module
        (import "" "new" (func $new (param i32) (result i32)))
        (func (export "f") (local $left i32)
            (local.set $left (i32.const 1000000))
            (loop $again
                (drop (call $new (local.get $left)))
                (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
    (core instance $main (instantiate $module (with "" (instance (export "new" (func $new))))))
    (func (export "f") (canon lift (core func $main "f"))))"#;

#[test]
fn a_million_resources_are_too_many() {
    Limited::record(MILLION_OF_ITS_OWN, &[]).ends_with("cannot allocate another handle");
}

const MILLION_OF_THE_HOST: &str = r#"(component
    (import "wasi:io/poll@0.2.3" (instance $poll (export "pollable" (type (sub resource)))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock
        (alias outer 1 $pollable (type $outer))
        (export "pollable" (type $pollable (eq $outer)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
    (core func $subscribe (canon lower (func $clock "subscribe-duration")))
    (core module $module
        (import "" "subscribe" (func $subscribe (param i64) (result i32)))
        (func (export "f") (loop $again (drop (call $subscribe (i64.const 0))) (br $again))))
    (core instance $main (instantiate $module (with "" (instance (export "subscribe" (func $subscribe))))))
    (func (export "f") (canon lift (core func $main "f"))))"#;

#[test]
fn a_million_resources_of_the_host_are_too_many() {
    Limited::record(MILLION_OF_THE_HOST, &[]).ends_with("store handle limit exceeded");
}

/// Each component has two of the one before: 2 to the power of 14 instances.
#[test]
fn too_many_instances_are_refused() {
    let mut component = r#"(component $c0
        (core module $module (func (export "f")))
        (core instance $main (instantiate $module))
        (func (export "f") (canon lift (core func $main "f"))))"#
        .to_string();
    for level in 1..=14 {
        component = format!(
            r#"(component $c{level} {component}
                (instance $one (instantiate $c{0})) (instance $two (instantiate $c{0}))
                (export "f" (func $one "f")))"#,
            level - 1
        );
    }
    Limited::record(&component, &[]).ends_with("instance count too high");
}

#[test]
fn the_limits_are_in_the_take_and_the_replay_says_them() {
    let limited =
        Limited::record(&module("", "(drop (call $now))"), &["--fuel", "5000", "--max-memory", "2M"]);
    let replayed = limited.sandbox.retake(["replay", "it.take"]).expect(0);
    replayed.says(&["memory up to 2097152 bytes", "fuel 5000 per call"]);
}

#[test]
fn a_build_that_computes_without_end_diverges_when_the_replay_has_a_bound() {
    let limited = Limited::record(&module("", "(drop (call $now)) (drop (call $now))"), &[]);
    limited.sandbox.write("endless.wat", module("", &format!("(drop (call $now)) {ENDLESS}")));
    let args = ["replay", "it.take", "--fuel", "1000000"];

    limited.sandbox.retake(args).expect(0).says(&["identical"]);
    let diverged = limited.sandbox.retake(args.iter().chain(&["--actor", "endless.wat"])).expect(1);
    diverged.says(&[OUT_OF_FUEL, "the replay's own bound is 1000000 per call"]);
}

#[test]
fn a_take_with_a_bound_is_replayed_with_no_other() {
    let limited = Limited::record(&module("", "(drop (call $now))"), &["--fuel", "5000"]);
    let refused = limited.sandbox.retake(["replay", "it.take", "--fuel", "6000"]).expect(4);
    refused.says(&["recorded with a fuel of 5000 per call"]);
}

#[test]
fn limits_that_are_none_are_wrong_usage() {
    let sandbox = Sandbox::new();
    for wrong in [["--fuel", "0"], ["--fuel", "many"], ["--max-memory", "0"], ["--max-memory", "5G"]] {
        let args = ["record", &actor("command.wasm")];
        sandbox.retake(args.iter().chain(&wrong)).expect(2);
    }
    assert!(sandbox.names().is_empty());
}

/// A component of a clock call and so many core instances, with a table each.
fn instances(count: u32) -> String {
    let mut components = r#"(component $c0
        (core module $module (table 1 funcref))
        (core instance (instantiate $module)))"#
        .to_string();
    let mut instances = String::new();
    // The one that calls is one of them.
    let rest = count - 1;
    for level in 0..u32::BITS - rest.leading_zeros() {
        if level > 0 {
            components = format!(
                "{components}
                (component $c{level}
                    (alias outer 1 $c{0} (component $half))
                    (instance (instantiate $half)) (instance (instantiate $half)))",
                level - 1
            );
        }
        if rest >> level & 1 == 1 {
            instances = format!("{instances} (instance (instantiate $c{level}))");
        }
    }
    let caller = module("", "(drop (call $now))");
    caller.replacen("(component", &format!("(component {components} {instances}"), 1)
}

/// wasmtime allows 10,000 instances in a store, and as many tables. The shim's are not the actor's.
#[test]
fn an_actor_with_as_many_instances_as_the_engine_allows_is_recorded_and_replayed() {
    for options in [&[][..], &["--fuel", "1000000"], &["--max-memory", "1M"]] {
        let limited = Limited::record(&instances(10_000), options);
        limited.recorded.says(&["()"]);
        limited.sandbox.assert_intact_and_identical("it.take");
        limited.sandbox.retake(["test", "it.take"]).expect(0).says(&["1 passed"]);
    }
}

/// In every mode: the shim is in some re-runs, and not in others.
#[test]
fn a_limit_is_reached_at_the_same_place_in_every_mode() {
    let tables = "(table 0 funcref) (table 0 funcref)
        (func $grow (result i32) (table.grow 0 (ref.null func) (i32.const 2500000)))";
    let body = "(loop $again (drop (call $now)) (br_if $again (i32.ne (call $grow) (i32.const -1))))";
    let memories = "(memory 1) (func $grow (result i32) (memory.grow (i32.const 5)))";
    for (items, options) in [
        (tables, &[][..]),
        (tables, &["--fuel", "1000000000"]),
        (memories, &["--max-memory", "1M"]),
        (memories, &["--max-memory", "1M", "--fuel", "1000000"]),
    ] {
        let limited = Limited::record(&module(items, body), options);
        limited.recorded.says(&["()"]);
        limited.sandbox.assert_intact_and_identical("it.take");
        limited.sandbox.retake(["test", "it.take"]).expect(0).says(&["1 passed"]);
        let args = ["record", "it.wat", "--check", "--repeat", "5", "-o", "again.take", "--invoke", "f()"];
        limited.sandbox.retake(args.iter().chain(options)).expect(0).says(&["5 replays, all identical"]);
    }
}

#[test]
fn a_machine_without_room_for_the_actor_is_not_a_trap_of_the_guest() {
    let sandbox = Sandbox::new();
    let edge = actor("http-edge.wasm");
    sandbox.record_requests(&edge, &["GET /exact"], "it.take");
    // Less address space than one memory reserves.
    let short = |args: &[&str]| {
        Ended::of(sandbox.command_behind("ulimit -v 2000000", args).output().expect("a shell"))
    };
    for args in [&["replay", "it.take"][..], &["test", "it.take"]] {
        short(args).expect(4).says(&["this machine has no room for the actor", "ulimit"]);
    }
    short(&["record", &edge, "--request", "GET /exact", "-o", "short.take"])
        .expect(4)
        .says(&["this machine has no room for the actor"]);
    sandbox.retake(["verify", "short.take"]).expect(3).says(&["NOT SEALED"]);
}
