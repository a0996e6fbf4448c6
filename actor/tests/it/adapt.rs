//! Which core modules become components, and what is said of those that do not.

use retake_actor::{Actor, AdaptError, Exports, LoadError, profile};
use retake_chain::ContentRef;
use wit_component::StringEncoding;

use crate::common::guest::{handwritten_module, mirrored};

/// The names of what the component exports that was made of a module.
fn exports(module: &[u8]) -> Vec<String> {
    let actor = Actor::new(module).unwrap();
    assert_eq!((&*actor.bytes, actor.digest), (module, ContentRef::of(module)), "what was given is kept");
    assert_eq!(actor.component_digest(), ContentRef::of(actor.component()));
    let engine = profile::engine(&profile::default_profile()).unwrap();
    let component = actor.compile(&engine, None).unwrap();
    Exports::of(&engine, &component).iter().map(|export| export.name.clone()).collect()
}

fn refusal(text: &str) -> (AdaptError, String) {
    match Actor::new(text.as_bytes()) {
        Err(LoadError::Adapt(error)) => {
            let message = error.to_string();
            (error, message)
        }
        other => panic!("{other:?}"),
    }
}

const CLOSE: &str = r#"(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))"#;

#[test]
fn a_module_with_a_start_becomes_a_command() {
    let text = format!(
        r#"(module {CLOSE} (memory (export "memory") 1) (func (export "_start") (drop (call $close (i32.const 3)))))"#
    );
    let exports = exports(&wat::parse_str(text).unwrap());
    assert!(exports.len() == 1 && exports[0].starts_with("wasi:cli/run@0.2."), "{exports:?}");
}

#[test]
fn a_module_that_names_its_component_becomes_that() {
    let exported = r#"(func (export "retake:test/guest#f") (drop (call $close (i32.const 3))))"#;
    let module = handwritten_module(&mirrored(&[], "f: func();"), CLOSE, exported, StringEncoding::UTF8);
    assert_eq!(exports(&module), ["retake:test/guest/f"]);
}

#[test]
fn a_module_that_is_no_program_is_refused_with_the_remedy() {
    let (error, message) = refusal(r#"(module (func (export "f")))"#);
    assert!(matches!(error, AdaptError::NoProgram { .. }), "{message}");
    assert!(message.contains("`f`") && message.contains("wasm-tools component embed"), "{message}");
    let (error, message) = refusal(r#"(module (memory (export "memory") 1) (func (export "_initialize")))"#);
    assert!(matches!(error, AdaptError::NoExports), "{message}");
}

#[test]
fn what_wasi_0_1_does_not_have_is_refused_by_name() {
    let start = r#"(memory (export "memory") 1) (func (export "_start"))"#;
    for (import, named) in [
        (r#"(import "env" "frob" (func))"#, "`env::frob`"),
        (
            r#"(import "wasi_unstable" "fd_close" (func (param i32) (result i32)))"#,
            "`wasi_unstable::fd_close`",
        ),
        (r#"(import "wasi_snapshot_preview1" "fd_bogus" (func))"#, "`wasi_snapshot_preview1::fd_bogus`"),
    ] {
        let (error, message) = refusal(&format!("(module {import} {start})"));
        assert!(matches!(error, AdaptError::Foreign { .. }), "{message}");
        assert!(message.contains(named), "{message}");
    }
    let import = r#"(import "wasi_snapshot_preview1" "fd_close" (func (param i64)))"#;
    let (error, message) = refusal(&format!("(module {import} {start})"));
    assert!(matches!(error, AdaptError::Unadaptable { .. }), "{message}");
    assert!(message.contains("`fd_close`"), "{message}");
}

#[test]
fn a_program_without_a_memory_of_its_own_is_refused_with_the_remedy() {
    for (memory, remedy) in [
        ("", "(memory (export \"memory\") 1)"),
        ("(memory 1)", "(memory (export \"memory\") 1)"),
        (r#"(import "env" "memory" (memory 1))"#, "--import-memory"),
    ] {
        let (error, message) = refusal(&format!(r#"(module {memory} (func (export "_start")))"#));
        assert!(matches!(error, AdaptError::NoMemory { .. }), "{message}");
        assert!(message.contains(remedy), "{message}");
    }
}

#[test]
fn a_module_cut_anywhere_is_refused() {
    let text = format!(r#"(module {CLOSE} (memory (export "memory") 1) (func (export "_start")))"#);
    let whole = wat::parse_str(text).unwrap();
    Actor::new(&whole).unwrap();
    for length in 8..whole.len() {
        // A cut after the last code removes names alone.
        let refused = Actor::new(&whole[..length]).is_err();
        assert!(refused || wasmparser::validate(&whole[..length]).is_ok(), "{length}");
    }
}
