//! What cannot be recorded or replayed is refused with one clear message and its exit code, and nothing is
//! lost or left behind.

use std::net::TcpListener;

use crate::support::{Ended, Sandbox, actor};

/// Demands a refusal: the code, the words, one message, nothing on stdout.
#[track_caller]
fn assert_refused(ended: Ended, code: i32, words: &[&str]) {
    let ended = ended.expect(code);
    assert_eq!(ended.stdout, "", "a refusal has no result");
    assert!(!ended.stderr.contains("panicked") && !ended.stderr.contains("Error {"), "{}", ended.stderr);
    ended.says(words);
}

/// As above, and from `retake` itself in one line.
#[track_caller]
fn assert_refused_in_one_line(ended: Ended, code: i32, words: &[&str]) {
    let lines: Vec<String> = ended.stderr.lines().map(str::to_string).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("retake: "), "one line, from retake: {lines:#?}");
    assert_refused(ended, code, words);
}

#[test]
fn what_is_no_actor_is_refused_before_a_take_is_created() {
    let sandbox = Sandbox::new();
    sandbox.write("text.wasm", "this is not WebAssembly");
    sandbox.write("empty.wasm", "");
    sandbox.write("cut.wasm", &std::fs::read(actor("http-c.wasm")).expect("a fixture")[..5000]);
    sandbox.create_folder("folder.wasm");
    let before = sandbox.names();
    let fixture = actor;
    for (path, words) in [
        ("text.wasm".to_string(), &["not WebAssembly"][..]),
        ("empty.wasm".to_string(), &["not WebAssembly"]),
        ("cut.wasm".to_string(), &["cannot be decoded"]),
        ("folder.wasm".to_string(), &["cannot be read"]),
        ("missing.wasm".to_string(), &["cannot be read", "No such file"]),
        (
            fixture("core-library.wat"),
            &["core module and not a program", "`_start`", "`add`", "wasm-tools component embed"],
        ),
        (fixture("core-foreign.wat"), &["core module", "`env::frob`", "wasm-tools component embed"]),
        (fixture("no-export.wat"), &["`add`", "wasi:http/incoming-handler@0.2", "wasi:cli/run@0.2"]),
        (fixture("unknown-import.wat"), &["acme:thing/api@1.0.0"]),
    ] {
        let refused = sandbox.retake(["record", &path]);
        assert_refused_in_one_line(refused, 4, &[&[path.as_str()], words].concat());
        assert_eq!(sandbox.names(), before, "{path} left something behind");
    }
}

#[test]
fn what_an_actor_cannot_be_driven_with_is_wrong_usage() {
    let sandbox = Sandbox::new();
    let (command, http) = (actor("command.wasm"), actor("http-c.wasm"));
    sandbox.write("empty", "");
    let before = sandbox.names();
    let rows: &[(&[&str], &[&str])] = &[
        (&[&command, "--http", "127.0.0.1:0"], &["is a command", "--http"]),
        (&[&command, "--request", "GET /"], &["is a command", "--request"]),
        (&[&http], &["HTTP actor", "--http", "--request"]),
        (&[&http, "--", "argument"], &["HTTP actor", "after `--`"]),
        (&[&http, "--http", "127.0.0.1:0", "--request", "GET /"], &["--http", "--request"]),
        (&[&http, "--request", "GET"], &["the path is missing"]),
        (&[&http, "--request", "GET path"], &["path", "does not begin with `/`"]),
        (&[&http, "--request", "GE(T /"], &["GE(T", "METHOD PATH"]),
        (&[&http, "--request", ""], &["METHOD PATH"]),
        (&[&http, "--request", "POST / @missing.txt"], &["missing.txt"]),
        (&[&http, "--actors", "0", "--request", "GET /"], &["--actors"]),
        (&[&command, "--env", "NOVALUE"], &["--env", "NAME=VALUE"]),
        (&[&command, "--dir", "nowhere"], &["--dir", "HOST::GUEST"]),
        (&[&command, "--inherit-env", "RETAKE_NOT_SET"], &["RETAKE_NOT_SET"]),
        (&[&command, "--force"], &["--output"]),
        (&[&command, "--no-such-option"], &["--no-such-option"]),
        (&[], &["ACTOR"]),
    ];
    for (args, words) in rows {
        assert_refused(sandbox.retake(["record"].iter().chain(*args)), 2, words);
        assert_eq!(sandbox.names(), before, "{args:?} left something behind");
    }
    assert_refused(sandbox.retake(["verify"]), 2, &["TAKES"]);
    assert_refused(sandbox.retake(["replay"]), 2, &["TAKE"]);
    assert_refused(sandbox.retake(["rewind"]), 2, &["rewind"]);
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let sandbox = Sandbox::new();

    let refused = sandbox.retake(["record", &actor("command.wasm"), "--dir", "nowhere::/data"]);

    assert_refused_in_one_line(refused, 4, &["`nowhere`", "--dir"]);
    assert!(sandbox.names().is_empty());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let sandbox = Sandbox::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound socket").to_string();

    let refused = sandbox.retake(["record", &actor("http-c.wasm"), "--http", &address]);

    assert_refused_in_one_line(refused, 4, &[&address, "in use"]);
    assert!(sandbox.names().is_empty());
}

#[test]
fn an_address_that_is_none_is_named() {
    let sandbox = Sandbox::new();

    let refused = sandbox.retake(["record", &actor("http-c.wasm"), "--http", "not an address"]);

    assert_refused(refused, 2, &["not an address", "HOST:PORT"]);
    assert!(sandbox.names().is_empty());
}

#[test]
fn an_existing_file_is_overwritten_by_force_only() {
    let sandbox = Sandbox::new();
    sandbox.write("it.take", "precious");
    let hello = actor("hello.wat");

    let refused = sandbox.retake(["record", &hello, "-o", "it.take"]);
    assert_refused_in_one_line(refused, 4, &["`it.take`", "exists", "--force"]);
    assert_eq!(sandbox.read("it.take"), b"precious");

    sandbox.retake(["record", &hello, "-o", "it.take", "--force"]).expect(0);
    sandbox.retake(["replay", "it.take"]).expect(0);
}

#[test]
fn force_keeps_the_old_file_if_the_new_session_cannot_begin() {
    let sandbox = Sandbox::new();
    sandbox.write("it.take", "precious");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound socket").to_string();
    let (core, unknown, http) =
        (actor("core-library.wat"), actor("unknown-import.wat"), actor("http-c.wasm"));
    for args in [&[core.as_str()][..], &[&unknown], &[&http, "--http", &address]] {
        assert_refused(sandbox.retake(["record", "-o", "it.take", "--force"].iter().chain(args)), 4, &[]);
        assert_eq!(sandbox.read("it.take"), b"precious");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    // `/proc` takes no file, not even from root.
    for place in ["missing/it.take", "file/it.take", "/proc/it.take"] {
        let refused = sandbox.retake(["record", &actor("hello.wat"), "-o", place]);
        assert_refused_in_one_line(refused, 4, &[place, "cannot be created"]);
    }
    assert_eq!(sandbox.names(), ["file"]);
}

#[test]
fn a_full_disk_is_a_failure_that_is_told() {
    let sandbox = Sandbox::new();

    // No file may grow.
    let args = ["record", "--no-cache", &actor("hello.wat"), "-o", "it.take"];
    let mut command = sandbox.command_behind("ulimit -f 0", args);
    let failed = Ended::of(command.output().expect("a shell"));

    assert_refused_in_one_line(failed, 4, &["it.take", "File too large"]);
    assert_eq!(sandbox.names(), [""; 0], "nothing is left of a take that could not be begun");
}

#[test]
fn what_is_not_a_file_is_not_replaced_by_a_take_and_not_opened() {
    let sandbox = Sandbox::new();
    sandbox.create_folder("folder");
    std::os::unix::fs::symlink("nowhere", sandbox.path("link")).expect("a link");
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("pipe")).status();
    assert!(made.is_ok_and(|made| made.success()));
    for (place, words) in [
        ("/dev/null", "is not a regular file"),
        ("pipe", "is not a regular file"),
        ("folder", "is not a regular file"),
        ("link", "a link to a file that is not there"),
    ] {
        let refused = sandbox.retake(["record", &actor("hello.wat"), "--force", "-o", place]);
        assert_refused_in_one_line(refused, 4, &[place, words]);
        let refused = sandbox.retake(["record", &actor("hello.wat"), "-o", place]);
        assert_refused_in_one_line(refused, 4, &[place, "is not a regular file; give another name"]);
    }
    assert_eq!(sandbox.names(), ["folder", "link", "pipe"]);
}

#[test]
fn a_replay_without_its_take_or_its_actor_names_what_is_missing() {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("hello.wat");
    sandbox.retake(["record", "hello.wat"]).expect(0);
    sandbox.write("text.wasm", "this is not WebAssembly");
    let core = actor("core-library.wat");
    std::fs::remove_file(sandbox.path("hello.wat")).expect("it is there");
    let rows: &[(&[&str], &[&str])] = &[
        (&["missing.take"], &["missing.take", "No such file"]),
        (&["."], &["`.`"]),
        (&["hello.take"], &["`hello.wat`", "--actor"]),
        (&["hello.take", "--actor", "missing.wasm"], &["missing.wasm", "No such file"]),
        (&["hello.take", "--actor", "text.wasm"], &["not WebAssembly"]),
        (&["hello.take", "--actor", &core], &["core module"]),
    ];
    for (args, words) in rows {
        assert_refused_in_one_line(sandbox.retake(["replay"].iter().chain(*args)), 4, words);
    }
    assert_refused_in_one_line(
        sandbox.retake(["verify", "missing.take"]),
        4,
        &["missing.take", "No such file"],
    );
}

#[test]
fn a_take_of_another_engine_profile_is_refused_and_says_why() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat")]).expect(0);
    let mut take = sandbox.take("hello.take");
    take.only_chain().alter(0, |payload| {
        let retake_chain::ChainEventPayload::Session(start) = payload else { panic!("{payload:?}") };
        start.profile.engine = "wasmtime 9.0.0".into();
    });
    sandbox.write("older.take", take.rebuilt());

    sandbox.retake(["verify", "older.take"]).expect(0);
    assert_refused_in_one_line(sandbox.retake(["replay", "older.take"]), 4, &["wasmtime 9.0.0", "profile"]);
}

#[test]
fn a_value_that_is_refused_is_shown_without_what_controls_a_terminal_or_a_ci_system() {
    let sandbox = Sandbox::new();
    let value = "x\n::error::forged\r\u{1b}[2J\u{9b}\u{202e}";
    for args in [
        ["test", "it.take", "--partition", value],
        ["replay", "it.take", "--timeout", value],
        ["record", "it.wasm", "--http", value],
        ["record", "it.wasm", "--env", value],
        ["record", "it.wasm", "--instance", value],
        ["test", "it.take", "--filter", "/../\n::error::forged"],
    ] {
        let ended = sandbox.retake(args);
        let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!ended.stderr.contains(raw), "{args:?}: {:?}", ended.stderr);
        assert!(!ended.stderr.lines().any(|line| line.trim_start().starts_with("::")), "{}", ended.stderr);
    }
}
