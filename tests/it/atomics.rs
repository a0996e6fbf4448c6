//! Atomic instructions: on a memory that is not shared they are recorded and replayed like any others; a
//! shared memory is refused before there is a take.

use crate::support::Sandbox;

/// Every kind of atomic instruction but the one that waits, which an unshared memory does not let a program
/// do.
const CODE: &str = r#"
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (i64.atomic.rmw.cmpxchg (i32.const 8) (i64.const 0) (i64.const 2)))
    (drop (i32.atomic.rmw8.xchg_u (i32.const 16) (i32.const 3)))
    (i64.atomic.store (i32.const 24) (i64.atomic.load (i32.const 8)))
    (atomic.fence)
    (if (memory.atomic.notify (i32.const 0) (i32.const 1)) (then unreachable))
    (if (i64.ne (i64.atomic.load (i32.const 24)) (i64.const 2)) (then unreachable))"#;

fn module(memory: &str, code: &str) -> String {
    format!(r#"(module {memory} (func (export "_start") {code}))"#)
}

fn component(memory: &str, code: &str) -> String {
    format!(
        r#"(component
          (core module $main {memory} (func (export "run") (result i32) {code} (i32.const 0)))
          (core instance $main (instantiate $main))
          (func $run (result (result)) (canon lift (core func $main "run")))
          (instance $exports (export "run" (func $run)))
          (export "wasi:cli/run@0.2.3" (instance $exports)))"#
    )
}

#[test]
fn atomic_instructions_on_a_memory_that_is_not_shared_are_recorded_and_replayed() {
    let memory = r#"(memory (export "memory") 1)"#;
    for program in [module(memory, CODE), component(memory, CODE)] {
        let sandbox = Sandbox::new();
        sandbox.write("it.wat", program);
        let recorded = sandbox.retake(["record", "--check", "--repeat", "5", "it.wat", "-o", "it.take"]);
        recorded.expect(0).says(&["exit code 0", "5 replays, all identical"]);
        sandbox.assert_intact_and_identical("it.take");
        sandbox.retake(["replay", "it.take", "--fuel", "1000000"]).expect(0);
        sandbox.retake(["test", "it.take"]).expect(0).says(&["1 passed"]);
    }
}

/// There is nobody who could wake it.
#[test]
fn a_wait_on_a_memory_that_is_not_shared_is_a_trap() {
    let wait = "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))";
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", component(r#"(memory (export "memory") 1)"#, wait));
    sandbox.retake(["record", "it.wat", "-o", "it.take"]).expect(0).says(&["trap"]);
    sandbox.assert_intact_and_identical("it.take");
    sandbox.retake(["test", "it.take"]).expect(0).says(&["1 passed"]);
}

#[test]
fn a_shared_memory_is_refused_before_there_is_a_take() {
    let sandbox = Sandbox::new();
    let declared = r#"(memory (export "memory") 1 2 shared)"#;
    let imported = r#"(import "env" "memory" (memory 1 2 shared)) (export "memory" (memory 0))"#;
    let second = r#"(memory (export "memory") 1) (memory 1 1 shared)"#;
    let outer = component(r#"(memory 1)"#, "").replacen(
        "(component",
        "(component (component (core module (memory 1)) (core module (memory 1 1 shared)))",
        1,
    );
    for (program, words) in [
        (module(declared, CODE), "core module 0 declares memory 0"),
        (module(imported, CODE), "core module 0 imports the memory `env::memory`"),
        (module(second, CODE), "core module 0 declares memory 1"),
        (component(declared, CODE), "core module 0 declares memory 0"),
        (outer, "core module 1 declares memory 0"),
    ] {
        sandbox.write("it.wat", program);
        sandbox.retake(["record", "it.wat"]).expect(4).says(&[
            words,
            "a shared memory",
            "cannot be recorded",
        ]);
        assert_eq!(sandbox.names(), ["it.wat"]);
    }
}
