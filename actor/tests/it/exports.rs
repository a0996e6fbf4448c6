//! How an export names its types makes no difference: by names of its own, or by those that the imports have.

use retake_actor::{InstrumentError, instrument};

/// Imports a record and a resource, and exports `export`, where `$f` takes both of them.
fn component(export: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (import "a:b/types@1.0.0" (instance $types
                (type $r (record (field "x" u64)))
                (export "pair" (type $pair (eq $r)))
                (export "cell" (type $cell (sub resource)))
                (export "open" (func (result (own $cell))))))
            (alias export $types "pair" (type $pair))
            (alias export $types "cell" (type $cell))
            (core module $m (func (export "f") (param i64 i32)))
            (core instance $m (instantiate $m))
            (func $f (param "p" $pair) (param "c" (own $cell)) (canon lift (core func $m "f")))
            {export})"#
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn an_export_may_use_the_names_of_the_imports() {
    for export in [
        r#"(export "f" (func $f))"#,
        r#"(instance $i (export "f" (func $f))) (export "a:b/api@1.0.0" (instance $i))"#,
        r#"(instance $i (export "f" (func $f)) (export "g" (func $f))) (export "api" (instance $i))"#,
    ] {
        let original = component(export);
        wasmparser::validate(&original).unwrap();
        let instrumented = instrument(&original).unwrap();
        if let Err(error) = wasmparser::validate(&instrumented.component) {
            panic!("{export}: {error}");
        }
    }
}

#[test]
fn an_export_that_names_some_of_its_types_alone_is_refused_by_name() {
    let original = component(
        r#"(component $names
                (import "cell" (type $cell (sub resource)))
                (type $r (record (field "x" u64)))
                (import "pair" (type $pair (eq $r)))
                (import "f" (func $f (param "p" $pair) (param "c" (own $cell))))
                (export "mine" (type $cell))
                (export "f" (func $f)))
            (instance $i (instantiate $names
                (with "cell" (type $cell)) (with "pair" (type $pair)) (with "f" (func $f))))
            (export "a:b/api@1.0.0" (instance $i))"#,
    );
    wasmparser::validate(&original).unwrap();
    let error = instrument(&original).unwrap_err();
    assert!(matches!(error, InstrumentError::MissingType { .. }), "{error}");
    assert!(error.to_string().contains("`a:b/api@1.0.0`"), "{error}");
}
