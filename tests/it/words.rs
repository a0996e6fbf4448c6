//! What is refused is told in plain words: what was found, what is supported and what to do. It is refused
//! before there is a take.

use crate::support::{Ended, Sandbox, actor};

/// What only those understand who know the parts that Retake is made of.
const JARGON: [&str; 9] = [
    "the engine failed",
    "failed to parse",
    "failed to satisfy",
    "implementation is missing",
    "in the linker",
    "UNSUPPORTED",
    "no zstd frame",
    "panicked",
    "Error {",
];

/// Demands a refusal in these words, with this code, and none of the words above.
#[track_caller]
fn assert_told(ended: Ended, code: i32, words: &[&str]) {
    let ended = ended.expect(code);
    for jargon in JARGON {
        assert!(!ended.stderr.contains(jargon) && !ended.stdout.contains(jargon), "{jargon}: {ended:?}");
    }
    ended.says(words);
}

/// Demands that a component is refused in these words, when it is recorded, and nothing is left behind.
#[track_caller]
fn assert_component_refused(content: impl AsRef<[u8]>, words: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.write("it.wasm", content);
    let refused = sandbox.retake(["record", "it.wasm", "--invoke", "f()"]);
    assert_eq!(refused.stderr.lines().count(), 1, "one line: {}", refused.stderr);
    assert_told(refused, 4, &[&["`it.wasm`: "], words].concat());
    assert_eq!(sandbox.names(), ["it.wasm"], "something was left behind");
}

/// What files begin with that are mistaken for others.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12\n";
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
const UTF_16: &[u8] = b"\xff\xfe(\0c\0";

/// A component with a function `f` that takes and returns nothing, and this besides.
fn component_with(more: &str) -> String {
    format!(
        r#"(component {more}
            (core module $m (func (export "f")))
            (core instance $m (instantiate $m))
            (func (export "f") (canon lift (core func $m "f"))))"#
    )
}

#[test]
fn a_file_that_is_no_component_is_told_by_its_kind_with_the_remedy() {
    assert_component_refused("", &["an empty file", "build the component again"]);
    assert_component_refused(LFS_POINTER, &["a Git LFS pointer", "`git lfs pull`"]);
    assert_component_refused(GZIP, &["a gzip file", "unpack it"]);
    assert_component_refused(UTF_16, &["text in UTF-16", "UTF-8"]);
    assert_component_refused("package a:b;\nworld w {}\n", &["WIT", "give the component"]);
    assert_component_refused("// The world.\npackage a:b;\n", &["WIT", "give the component"]);
    assert_component_refused("increment(1)\n", &["it is text", "(component"]);
    assert_component_refused(b"\x7fELF\x02\x01", &["a native program", "WebAssembly"]);
    assert_component_refused("(component\n  (core modul))", &["component text", "2:4"]);
    assert_component_refused(b"\0asm\x0d\0", &["not valid", "cut short"]);
    // What decodes for Retake panics at this one.
    assert_component_refused(component_with(r#"(import "a:b/c" (func))"#), &["cannot be decoded", "no WIT"]);

    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat"), "-o", "it.take"]).expect(0);
    assert_component_refused(sandbox.read("it.take"), &["a take", "give the component"]);
    let lines = sandbox.retake(["export", "it.take"]).expect(0).stdout;
    assert_component_refused(lines, &["a take in JSON lines", "give the component"]);
}

#[test]
fn a_file_that_is_no_take_is_told_by_its_kind_with_the_remedy() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat"), "-o", "good.take"]).expect(0);
    let lines = sandbox.retake(["export", "good.take"]).expect(0).stdout;
    let text = component_with("");
    let component = wat::parse_str(&text).expect("a component");
    let rows: [(&[u8], &[&str]); 7] = [
        (b"", &["the file is empty"]),
        (LFS_POINTER.as_bytes(), &["a Git LFS pointer", "`git lfs pull`"]),
        (lines.as_bytes(), &["a take in JSON lines", "`retake import`"]),
        (&component, &["a WebAssembly component", "give the take"]),
        (text.as_bytes(), &["WebAssembly text", "give the take"]),
        (GZIP, &["a gzip file", "unpack it"]),
        (b"Dear reader", &["it is text"]),
    ];
    for (content, words) in rows {
        sandbox.write("it.take", content);
        for command in ["verify", "replay", "inspect"] {
            assert_told(sandbox.retake([command, "it.take"]), 4, words);
        }
    }
}

#[test]
fn a_file_that_is_no_take_in_json_lines_is_told_by_its_kind_with_the_remedy() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat"), "-o", "good.take"]).expect(0);
    let take = sandbox.read("good.take");
    let marked = "\u{feff}{\"retake\":{\"version\":[1,0]}}\n";
    let rows: [(&[u8], &[&str]); 5] = [
        (marked.as_bytes(), &["byte order mark", "UTF-8 without one"]),
        (&take, &["a take", "`retake export`"]),
        (LFS_POINTER.as_bytes(), &["a Git LFS pointer", "`git lfs pull`"]),
        (GZIP, &["a gzip file", "unpack it"]),
        (UTF_16, &["text in UTF-16", "UTF-8"]),
    ];
    for (content, words) in rows {
        sandbox.write("it.jsonl", content);
        assert_told(sandbox.retake(["import", "it.jsonl", "-o", "new.take"]), 4, words);
    }
    assert_eq!(sandbox.names(), ["good.take", "it.jsonl"]);
}

#[test]
fn a_core_module_is_told_what_it_lacks_and_how_it_gets_that() {
    let memory = r#"(memory (export "memory") 1)"#;
    let start = r#"(func (export "_start"))"#;
    let importing = |import: &str| format!("(module (import {import} (func)) {memory} {start})");
    let rows: [(String, &[&str]); 10] = [
        ("(module)".into(), &["exports no function"]),
        (format!("(module {memory})"), &["exports no function"]),
        (
            r#"(module (func (export "add")))"#.into(),
            &["not a program", "`add`", "wasm-tools component embed"],
        ),
        (
            format!(r#"(module {memory} (func (export "_initialize")) (func (export "add")))"#),
            &["not a program", "(`add`)", "wasm-tools component embed"],
        ),
        (format!("(module {start})"), &["no memory named `memory`", "have it export one"]),
        (
            format!(r#"(module (import "env" "memory" (memory 1)) {start})"#),
            &["no memory named `memory`", "--import-memory"],
        ),
        (importing(r#""env" "frob""#), &["`env::frob`", "needs WASI alone"]),
        (importing(r#""wasi_unstable" "fd_close""#), &["`wasi_unstable::fd_close`", "current toolchain"]),
        (importing(r#""wbg" "log""#), &["`wbg::log`", "JavaScript", "wasm32-wasip1"]),
        (importing(r#""wasi_snapshot_preview1" "x""#), &["`wasi_snapshot_preview1::x`", "current toolchain"]),
    ];
    for (module, words) in rows {
        assert_component_refused(module, words);
    }
}

#[test]
fn an_import_that_nobody_provides_is_told_with_what_is_missing_of_it_and_what_to_do() {
    let instance = |name: &str, of: &str| component_with(&format!(r#"(import "{name}" (instance {of}))"#));
    let resource = r#"(export "box" (type (sub resource)))"#;
    let function = r#"(export "get" (func))"#;
    let rows: [(String, &[&str]); 7] = [
        (
            instance("acme:a/b@1.0.0", resource),
            &["`acme:a/b@1.0.0`", "`box`", "no such resource", "wac plug"],
        ),
        (
            instance("acme:a/b@1.0.0", function),
            &["`acme:a/b@1.0.0`", "`get`", "no such function", "wac plug"],
        ),
        (component_with(r#"(import "get" (func))"#), &["`get`", "no such function", "wac plug"]),
        (
            instance("wasi:keyvalue/store@0.2.0-draft", resource),
            &["`wasi:keyvalue/store@0.2.0-draft`", "stable"],
        ),
        (instance("wasi:clocks/timezone@0.2.12", function), &["`wasi:clocks/timezone@0.2.12`", "stable"]),
        (instance("wasi:http/types@0.3.0", resource), &["WASI 0.3", "build the component for WASI 0.2"]),
        (
            instance("wasi:clocks/wall-clock@0.2.0", r#"(export "now" (func (result u32)))"#),
            &["`now` of `wasi:clocks/wall-clock@0.2.0`", "differs", "the WIT of WASI 0.2"],
        ),
    ];
    for (component, words) in rows {
        assert_component_refused(component, &[&["an import of the actor is not provided"], words].concat());
    }
}

#[test]
fn a_feature_that_is_not_supported_is_told_by_its_name_with_the_remedy() {
    let asynchronous = r#"(component
        (core module $m (func (export "run") (result i32) (i32.const 0))
            (func (export "cb") (param i32 i32 i32) (result i32) (i32.const 0)))
        (core instance $m (instantiate $m))
        (func $run async (result (result)) (canon lift (core func $m "run") async (callback (core func $m "cb"))))
        (instance $x (export "run" (func $run)))
        (export "wasi:cli/run@0.3.0" (instance $x)))"#;
    assert_component_refused(asynchronous, &["async functions", "WASI 0.3", "for WASI 0.2"]);
    let importing = r#"(import "wasi:cli/stdout@0.3.0" (instance (export "write" (func async (param "data" (stream u8))))))"#;
    assert_component_refused(component_with(importing), &["`wasi:cli/stdout@0.3.0/write`", "for WASI 0.2"]);
    let stream = r#"(type $s (stream u8)) (core func $new (canon stream.new $s))"#;
    assert_component_refused(component_with(stream), &["streams", "WASI 0.3", "for WASI 0.2"]);
    let map = r#"(import "a:b/c" (instance (export "g" (func (param "p" (map string u8))))))"#;
    assert_component_refused(component_with(map), &["`a:b/c/g`", "`map`", "does without"]);
    let shared = "(core module (memory 1 1 shared))";
    assert_component_refused(component_with(shared), &["shared memory", "without threads"]);
    let legacy = "(core module (func try nop catch_all nop end))";
    assert_component_refused(component_with(legacy), &["exceptions in their old form", "final form"]);
}

#[test]
fn an_address_in_another_form_is_told_in_the_right_one() {
    let sandbox = Sandbox::new();
    let http = actor("http-c.wasm");
    for (address, words) in [
        ("8080", "give `127.0.0.1:8080`"),
        (":8080", "give `127.0.0.1:8080`"),
        ("127.0.0.1", "give `127.0.0.1:8080`"),
        ("localhost", "give `localhost:8080`"),
        ("http://127.0.0.1:0", "give `127.0.0.1:0`"),
        ("http://localhost:80/path", "give `localhost:80`"),
        ("::1", "give `[::1]:8080`"),
        ("127.0.0.1:http", "`http` is not a port"),
        ("127.0.0.1:65536", "`65536` is not a port"),
        ("local host:80", "HOST:PORT"),
        ("", "HOST:PORT"),
    ] {
        assert_told(sandbox.retake(["record", &http, "--http", address]), 2, &["--http", words]);
    }
    assert!(sandbox.names().is_empty());
}

#[test]
fn a_value_in_another_form_is_told_in_the_right_one() {
    let sandbox = Sandbox::new();
    let rows: [(&[&str], &[&str]); 7] = [
        (&["--env", "KEY"], &["`=` is missing", "NAME=VALUE", "--inherit-env"]),
        (&["--env", "=1"], &["the name is missing", "NAME=VALUE"]),
        (&["--dir", "here:/data"], &["no `::`", "`here::/data`"]),
        (&["--dir", "data"], &["no `::`", "`data::/data`"]),
        (&["--dir", "::/data"], &["both HOST and GUEST"]),
        (&["--request", "GET http://localhost/a?b"], &["`/a?b`", "METHOD PATH"]),
        (&["--request", "GE(T /"], &["`GE(T` is not a method", "METHOD PATH"]),
    ];
    for (args, words) in rows {
        let http = actor("http-c.wasm");
        assert_told(sandbox.retake(["record", &http].iter().chain(args)), 2, words);
    }
    assert!(sandbox.names().is_empty());
}

#[test]
fn an_argument_that_is_not_of_its_type_is_shown_with_the_type() {
    let sandbox = Sandbox::new();
    let counter = actor("counter.wasm");
    for (call, words) in [
        (
            "increment(\"two\")",
            "`by` of `retake:counter/counter/increment` is of type `u32`, which `\"two\"` is not",
        ),
        ("increment(99999999999999)", "is of type `u32`, which `99999999999999` is not"),
        ("increment()", "takes (by: u32), found 0"),
        ("increment", "name(argument, ...)"),
        ("incremental(1)", "`retake:counter/counter/increment`"),
    ] {
        assert_told(sandbox.retake(["record", &counter, "--invoke", call]), 2, &[words]);
    }
    assert!(sandbox.names().is_empty());
}

/// Exports a resource with a constructor and a method, and a function `plain` that has nothing to do with it.
const WITH_RESOURCE: &str = r#"(component
    (type $c (resource (rep i32)))
    (core func $new (canon resource.new $c))
    (core module $m
        (import "c" "new" (func $new (param i32) (result i32)))
        (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
        (func (export "get") (param i32) (result i32) (local.get 0))
        (func (export "plain") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
    (core instance $m (instantiate $m (with "c" (instance (export "new" (func $new))))))
    (func $make (param "n" u32) (result (own $c)) (canon lift (core func $m "make")))
    (func $get (param "self" (borrow $c)) (result u32) (canon lift (core func $m "get")))
    (component $names
        (import "c" (type $c (sub resource)))
        (import "make" (func $make (param "n" u32) (result (own $c))))
        (import "get" (func $get (param "self" (borrow $c)) (result u32)))
        (export $e "cell" (type $c))
        (export "[constructor]cell" (func $make) (func (param "n" u32) (result (own $e))))
        (export "[method]cell.get" (func $get) (func (param "self" (borrow $e)) (result u32))))
    (instance $cells (instantiate $names (with "c" (type $c)) (with "make" (func $make)) (with "get" (func $get))))
    (export "acme:cells/api@1.0.0" (instance $cells))
    (func (export "plain") (param "n" u32) (result u32) (canon lift (core func $m "plain"))))"#;

#[test]
fn an_export_with_handles_is_refused_before_there_is_a_take_and_the_others_are_recorded() {
    let sandbox = Sandbox::new();
    sandbox.write("cells.wat", WITH_RESOURCE);
    for (call, words) in [
        ("[constructor]cell(3)", "`acme:cells/api@1.0.0/[constructor]cell` returns a handle of a resource"),
        (
            "[method]cell.get(1)",
            "`acme:cells/api@1.0.0/[method]cell.get` takes a handle of a resource (`self`)",
        ),
    ] {
        let refused = sandbox.retake(["record", "cells.wat", "--invoke", "plain(1)", "--invoke", call]);
        assert_told(refused, 2, &[words, "these can be called: `plain`"]);
        assert_eq!(sandbox.names(), ["cells.wat"]);
    }
    let methods_alone =
        WITH_RESOURCE.replace(r#"(func (export "plain") (param "n" u32)"#, r#"(func (param "n" u32)"#);
    sandbox.write("methods.wat", methods_alone);
    let driven = sandbox.retake(["record", "methods.wat"]);
    assert_told(driven, 4, &["no export that can be driven", "all take or return handles"]);
    let handler = sandbox.retake(["record", &actor("http-c.wasm"), "--invoke", "handle(1, 2)"]);
    assert_told(
        handler,
        2,
        &["takes a handle of a resource", "no function that takes and returns values alone"],
    );

    sandbox.retake(["record", "cells.wat", "--invoke", "plain(1)"]).expect(0).says(&["2"]);
    sandbox.assert_intact_and_identical("cells.take");
}

/// An exported instance whose function uses types that an import names, and that it does not export; and a
/// function at the root.
#[test]
fn an_export_that_does_not_export_the_types_it_uses_is_recorded_and_replayed() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "clock.wat",
        r#"(component
            (import "wasi:clocks/wall-clock@0.2.0" (instance $clock
                (type $d (record (field "seconds" u64) (field "nanoseconds" u32)))
                (export "datetime" (type $datetime (eq $d)))
                (export "now" (func (result $datetime)))))
            (alias export $clock "datetime" (type $datetime))
            (core module $libc (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
            (core instance $libc (instantiate $libc))
            (core func $now (canon lower (func $clock "now") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
            (core module $m
                (import "clock" "now" (func $now (param i32)))
                (func (export "f") (param i64 i32) (result i32) (call $now (i32.const 0)) (local.get 1)))
            (core instance $m (instantiate $m (with "clock" (instance (export "now" (func $now))))))
            (func $f (param "of" $datetime) (result u32) (canon lift (core func $m "f")))
            (instance $api (export "f" (func $f)))
            (export "acme:clock/api@1.0.0" (instance $api))
            (export "g" (func $f)))"#,
    );
    let call = "({seconds: 1, nanoseconds: 42})";
    for function in ["f", "g"] {
        for bound in [&[][..], &["--fuel", "100000"]] {
            let call = format!("{function}{call}");
            let args = ["record", "clock.wat", "-o", "it.take", "--force", "--invoke", &call];
            sandbox.retake(args.iter().chain(bound)).expect(0).says(&["42"]);
            sandbox.assert_intact_and_identical("it.take");
        }
    }

    sandbox.write(
        "handler.wat",
        r#"(component
            (import "wasi:http/types@0.2.3" (instance $types
                (export "incoming-request" (type (sub resource)))
                (export "response-outparam" (type (sub resource)))))
            (alias export $types "incoming-request" (type $request))
            (alias export $types "response-outparam" (type $out))
            (core func $drop (canon resource.drop $request))
            (core module $m
                (import "request" "drop" (func $drop (param i32)))
                (func (export "handle") (param i32 i32) (call $drop (local.get 0))))
            (core instance $m (instantiate $m (with "request" (instance (export "drop" (func $drop))))))
            (func $handle (param "request" (own $request)) (param "response-out" (own $out))
                (canon lift (core func $m "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.3" (instance $handler)))"#,
    );
    sandbox.record_requests("handler.wat", &["GET /"], "handler.take");
    sandbox.assert_intact_and_identical("handler.take");
}

#[test]
fn a_byte_order_mark_and_line_ends_of_another_system_change_nothing() {
    let sandbox = Sandbox::new();
    let mark = "\u{feff}";
    sandbox.write("calls.txt", format!("{mark}# calls\r\nplain(1)\r\n\r\nplain(2)\r\n"));
    sandbox.write("cells.wat", format!("{mark}{WITH_RESOURCE}"));
    sandbox.retake(["record", "cells.wat", "--calls", "calls.txt"]).expect(0).says(&["2 calls"]);
    sandbox.assert_intact_and_identical("cells.take");

    sandbox.write("retake.toml", format!("{mark}actor = 'cells.wat'\r\n"));
    sandbox.retake(["test", "cells.take"]).expect(0);
}
