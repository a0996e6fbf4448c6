//! `record --check --repeat` replays a fresh take several times, each time with something changed that a
//! deterministic actor cannot tell, and names what made a difference where something did.

use crate::support::{Sandbox, actor};
use serde_json::Value as Json;

const NAMES: [&str; 5] = [
    "fresh engine and instances",
    "memory without reservation and guards",
    "other threads",
    "compiled without optimisation",
    "memory limit just above the recorded use",
];

#[test]
fn deterministic_actors_are_identical_whatever_is_changed() {
    for (name, driver) in [
        ("hello.wat", &[][..]),
        ("trap.wat", &[]),
        ("agent.wasm", &["--request", "GET /", "--request", "GET /"]),
        ("http-c.wasm", &["--request", "POST /x text"]),
        ("counter.wasm", &["--invoke", "increment(2)", "--invoke", "calls()"]),
    ] {
        let sandbox = Sandbox::new();
        let args = ["record", "--check", "--repeat", "5", &actor(name), "-o", "it.take"];
        let ended = sandbox.retake(args.iter().chain(driver)).expect(0);
        ended.says(&["5 replays, all identical"]);
        ended.says(&NAMES);
    }
}

/// A command that calls itself some thousand times, with so many values that are one after optimisation and
/// have to be kept one by one without it, that even the many times larger stack of such code is too small:
/// how much that takes is up to the compiler, and no host call tells.
fn deep() -> String {
    let (values, sums) =
        ("(i64.mul (local.get $level) (i64.const 7))\n".repeat(4000), "i64.add\n".repeat(4000));
    command(&format!(
        r#"(func $deeper (param $level i64) (result i64)
              (if (i64.eqz (local.get $level)) (then (return (i64.const 0))))
              {values}
              (call $deeper (i64.sub (local.get $level) (i64.const 1)))
              {sums})
            (func (export "run") (result i32)
              (drop (call $deeper (i64.const 6000)))
              (i32.const 0))"#
    ))
}

/// A command that is this core code, which exports `run`.
fn command(code: &str) -> String {
    format!(
        r#"(component
          (core module $main {code})
          (core instance $main (instantiate $main))
          (func $run (result (result)) (canon lift (core func $main "run")))
          (instance $exports (export "run" (func $run)))
          (export "wasi:cli/run@0.2.3" (instance $exports)))"#
    )
}

#[test]
fn a_guest_that_sees_how_it_was_compiled_is_found_and_what_it_sees_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("deep.wat", deep());

    let ended = sandbox.retake(["record", "--check", "--repeat", "5", "deep.wat", "-o", "it.take"]).expect(1);

    ended.says(&[
        "replay 1 of 5, fresh engine and instances: identical",
        "replay 3 of 5, other threads: identical",
        "replay 4 of 5, compiled without optimisation:\nit.take: DIVERGED",
        "call stack exhausted",
        "replay 5 of 5, memory limit just above the recorded use: identical",
        "5 replays, not identical with `compiled without optimisation`: ",
    ]);
    sandbox.retake(["replay", "it.take"]).expect(0);
}

#[test]
fn more_replays_than_changes_begin_anew_and_json_has_each() {
    let sandbox = Sandbox::new();
    let args = ["record", "--check", "--repeat", "6", "--json", &actor("hello.wat"), "-o", "it.take"];
    let lines = sandbox.retake(args).expect(0).json_lines();
    let repeats: Vec<&Json> = lines.iter().filter(|line| line.get("repeat").is_some()).collect();
    let names: Vec<&str> = repeats.iter().map(|line| line["perturbation"].as_str().expect("text")).collect();
    assert_eq!(names, [&NAMES[..], &NAMES[..1]].concat());
    assert!(repeats.iter().all(|line| line["verdict"] == "identical" && line["exit"] == 0));
}

/// A command that grows its memory by so many pages, and traps if it gets none.
fn growing(pages: u32) -> String {
    command(&format!(
        r#"(memory 1)
            (func (export "run") (result i32)
              (if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then unreachable))
              (i32.const 0))"#
    ))
}

#[test]
fn the_lower_limit_leaves_room_for_what_the_actor_used_and_spares_one_that_ran_into_its_own() {
    let sandbox = Sandbox::new();
    sandbox.write("growing.wat", growing(100));
    let record = ["record", "--check", "--repeat", "5", "growing.wat", "--force", "-o", "it.take"];
    sandbox.retake(record).expect(0).says(&["5 replays, all identical"]);
    let ended = sandbox.retake(record.iter().chain(&["--max-memory", "1M"])).expect(0);
    ended.says(&["5 replays, all identical", "trap"]);
}

#[test]
fn nothing_is_taken_from_the_cache_of_compiled_code() {
    let sandbox = Sandbox::with_cache("cache");
    let entries = || std::fs::read_dir(sandbox.path("cache")).expect("the cache").count();
    let args = ["record", "--check", &actor("hello.wat"), "--force", "-o", "it.take"];
    sandbox.retake(args.iter().chain(&["--repeat", "5"])).expect(0);
    assert_eq!(entries(), 1, "the recorder's own");
    sandbox.retake(args).expect(0);
    assert_eq!(entries(), 2);
}

#[test]
fn without_a_check_there_is_nothing_to_repeat() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat"), "--repeat", "2"]).expect(2).says(&["--check"]);
    sandbox.retake(["record", &actor("hello.wat"), "--check", "--repeat", "0"]).expect(2);
    assert!(sandbox.names().is_empty());
}
