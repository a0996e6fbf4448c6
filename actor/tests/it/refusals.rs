//! What cannot be recorded is refused before anything runs, and the message names it.

use retake_actor::{InstrumentError, instrument};

use crate::common::guest::{echo, mirrored};

fn refusal(text: &str) -> (InstrumentError, String) {
    let error = instrument(&wat::parse_str(text).unwrap()).unwrap_err();
    let message = error.to_string();
    (error, message)
}

#[test]
fn bytes_that_are_not_wasm_are_refused() {
    for bytes in [&b""[..], b"\0", b"hello world", b"\x7fELF"] {
        assert!(matches!(instrument(bytes), Err(InstrumentError::NotWasm { .. })), "{bytes:?}");
    }
}

#[test]
fn a_core_module_is_refused_with_the_remedy() {
    let (error, message) = refusal("(module (func (export \"f\")))");
    assert!(matches!(error, InstrumentError::CoreModule));
    assert!(message.contains("wasm-tools component new"), "{message}");
}

#[test]
fn a_component_cut_anywhere_is_refused() {
    let whole = echo(&mirrored(&[], "f: func(p: u8) -> u8;"));
    instrument(&whole).unwrap();
    for length in 8..whole.len() - 1 {
        let cut = instrument(&whole[..length]);
        // Cut after a section, it can be a shorter component that is whole.
        if let Ok(instrumented) = cut {
            assert!(wasmparser::validate(&whole[..length]).is_ok(), "{length}: {:?}", instrumented.functions);
        }
    }
}

#[test]
fn an_encoded_wit_package_is_refused() {
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_str("p.wit", "package a:b; interface c { f: func(); }").unwrap();
    let bytes = wit_component::encode(&resolve, package).unwrap();
    let error = instrument(&bytes).unwrap_err().to_string();
    assert!(error.contains("encoded WIT package"), "{error}");
}

#[test]
fn a_type_that_the_world_declares_is_refused_by_name() {
    let (error, message) = refusal(r#"(component (import "thing" (type (sub resource))))"#);
    assert!(matches!(error, InstrumentError::RootType { .. }));
    assert!(message.contains("`thing`"), "{message}");
}

#[test]
fn a_component_that_is_instrumented_already_is_refused_by_name() {
    let once = instrument(&echo(&mirrored(&[], "f: func(p: u8) -> u8;"))).unwrap();
    let error = instrument(&once.component).unwrap_err();
    assert!(matches!(error, InstrumentError::OwnPackage { .. }));
    assert!(error.to_string().contains("`retake:boundary`"), "{error}");
    for interface in ["retake:boundary/other", "retake:boundary-calls/calls"] {
        let import = r#"(import "a:b/c" (instance (export "f" (func))))"#;
        let (error, _) = refusal(&format!(r#"(component {import} (import "{interface}" (instance)))"#));
        assert!(matches!(error, InstrumentError::OwnPackage { .. }), "{interface}: {error}");
    }
}

#[test]
fn types_of_an_inline_interface_are_refused_and_functions_of_one_are_not() {
    let record = r#"(type $r' (record (field "a" u8))) (export "r" (type $r (eq $r')))"#;
    let resource = r#"(export "r" (type $r' (sub resource))) (type $r (own $r'))"#;
    for declared in [record, resource] {
        let function = r#"(export "f" (func (param "p" $r)))"#;
        let (error, message) =
            refusal(&format!(r#"(component (import "inline" (instance {declared} {function})))"#));
        assert!(matches!(error, InstrumentError::InlineTypes { .. }), "{message}");
        assert!(message.contains("`inline`"), "{message}");
    }
    let plain = r#"(component (import "inline" (instance (export "f" (func (param "p" (list u8)))))))"#;
    let instrumented = instrument(&wat::parse_str(plain).unwrap()).unwrap();
    wasmparser::validate(&instrumented.component).unwrap();
}

/// wit-parser takes for granted that a function has no interface's name, and that a method's resource is not
/// an alias.
#[test]
fn a_valid_component_that_no_wit_describes_is_refused() {
    for text in [
        r#"(component (import "a:b/c" (func)))"#,
        r#"(component (import "a:b/c" (instance $i (export "res" (type (sub resource)))))
            (alias export $i "res" (type $res))
            (import "a:b/d" (instance (alias outer 1 $res (type $outer)) (export "res" (type $r (eq $outer)))
                (export "[method]res.m" (func (param "self" (borrow $r)))))))"#,
    ] {
        wasmparser::validate(&wat::parse_str(text).unwrap()).unwrap();
        let (error, message) = refusal(text);
        assert!(matches!(error, InstrumentError::Undecodable { .. }), "{message}");
    }
}

#[test]
fn what_has_no_recorded_form_is_refused_by_interface_function_and_feature() {
    let functions = [
        ("async", r#"(export "f" (func async (param "p" u8)))"#),
        ("stream", r#"(export "f" (func (param "p" (stream u8))))"#),
        ("future", r#"(export "f" (func (result (future string))))"#),
        ("stream", r#"(export "f" (func (result (list (option (stream u8))))))"#),
        ("error-context", r#"(export "f" (func (param "p" error-context)))"#),
        ("map", r#"(export "f" (func (param "p" (map string u8))))"#),
        ("fixed-length list", r#"(export "f" (func (param "p" (list u8 4))))"#),
    ];
    for (feature, function) in functions {
        let (error, message) =
            refusal(&format!(r#"(component (import "a:b/c@1.0.0" (instance {function})))"#));
        assert!(
            matches!(error, InstrumentError::Unsupported { what, .. } if what == feature),
            "{feature}: {message}"
        );
        assert!(message.contains("`a:b/c@1.0.0/f`"), "{message}");
    }
}
