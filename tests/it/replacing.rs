//! Nothing good is destroyed: what replaces a file is whole before it does, no command writes onto what it
//! reads, and a take is for its owner's eyes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::support::{Ended, Sandbox, Served, actor};
use retake_chain::log::TakeState;
use rustix::process::Signal;

/// A folder with `it.take`, a good take of one call, and its bytes.
fn golden() -> (Sandbox, Vec<u8>) {
    let sandbox = Sandbox::new();
    sandbox.record_requests(&actor("http-edge.wasm"), &["GET /exact"], "it.take");
    let golden = sandbox.read("it.take");
    (sandbox, golden)
}

fn mode(sandbox: &Sandbox, name: &str) -> u32 {
    fs::metadata(sandbox.path(name)).expect("it is there").permissions().mode() & 0o777
}

fn set_mode(sandbox: &Sandbox, name: &str, mode: u32) {
    fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn a_take_is_replaced_when_the_new_one_is_sealed_and_not_before() {
    for durability in ["call", "sync"] {
        let (sandbox, golden) = golden();
        let served =
            sandbox.serve(&actor("http-edge.wasm"), &["--force", "--durability", durability], "it.take");
        assert_eq!(served.client().post("/echo", b"new").body, b"new");
        assert_eq!(sandbox.read("it.take"), golden);
        assert_eq!(sandbox.names(), ["it.take", "it.take.recording"]);

        served.stop().says(&["recording into it.take.recording", "recorded it.take: 1 actor, 1 call"]);

        assert_eq!(sandbox.names(), ["it.take"]);
        assert_ne!(sandbox.read("it.take"), golden);
        sandbox.assert_intact_and_identical("it.take");
    }
}

#[test]
fn a_recorder_that_is_killed_leaves_the_old_take_and_what_it_had_recorded() {
    let (sandbox, golden) = golden();
    for name in ["it.take.recording", "it.take.recording-2"] {
        let served = sandbox.serve(&actor("http-edge.wasm"), &["--force"], "it.take");
        assert_eq!(served.client().post("/echo", b"new").body, b"new");
        served.kill();

        assert_eq!(sandbox.read("it.take"), golden);
        let take = sandbox.take(name);
        assert_ne!(take.state, TakeState::Sealed);
        assert_eq!(take.whole_calls(), 1);
        sandbox.retake(["replay", name]).expect(3).says(&["identical", "1 call, "]);
    }
    assert_eq!(sandbox.names(), ["it.take", "it.take.recording", "it.take.recording-2"]);
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_session_without_a_call_keeps_the_old_take() {
    let (sandbox, golden) = golden();
    let mut served = sandbox.serve(&actor("http-edge.wasm"), &["--force"], "it.take");
    served.terminate();
    served.ended().expect(5).says(&["the session had no call", "`it.take` stays as it was"]);

    assert_eq!(sandbox.read("it.take"), golden);
    assert_eq!(sandbox.names(), ["it.take"]);
}

#[test]
fn two_recorders_do_not_replace_one_take() {
    let (sandbox, golden) = golden();
    let first = sandbox.serve(&actor("http-edge.wasm"), &["--force"], "it.take");
    let hello = actor("hello.wat");
    sandbox.write("it.jsonl", sandbox.retake(["export", "it.take"]).expect(0).stdout);
    for other in [&["record", &hello, "-o", "it.take"][..], &["import", "it.jsonl", "-o", "it.take"]] {
        let second = sandbox.retake(other.iter().chain(&["--force"])).expect(4);
        second.says(&["`it.take`", "recorder writes to it"]);
    }
    assert_eq!(sandbox.read("it.take"), golden);

    assert_eq!(first.client().post("/echo", b"new").body, b"new");
    first.stop();
    sandbox.assert_intact_and_identical("it.take");
    assert_ne!(sandbox.read("it.take"), golden);
}

#[test]
fn a_name_that_another_recorder_has_meanwhile_is_left_to_it() {
    let (sandbox, _) = golden();
    let mut first = sandbox.serve(&actor("http-edge.wasm"), &["--force"], "it.take");
    assert_eq!(first.client().post("/echo", b"first").body, b"first");
    sandbox.remove_if_there("it.take");
    let second = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    assert_eq!(second.client().post("/echo", b"second").body, b"second");

    first.terminate();
    first
        .ended()
        .expect(4)
        .says(&["another recorder writes to `it.take` now", "sealed at `it.take.recording`"]);
    second.stop();

    for take in ["it.take", "it.take.recording"] {
        sandbox.assert_intact_and_identical(take);
    }
}

#[test]
fn a_replaced_link_still_links_to_the_take() {
    let (sandbox, _) = golden();
    symlink("it.take", sandbox.path("link.take")).expect("a link");
    sandbox.retake(["record", &actor("hello.wat"), "-o", "link.take", "--force"]).expect(0);

    assert!(fs::symlink_metadata(sandbox.path("link.take")).expect("it is there").is_symlink());
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["1 call, 6 events"]);
}

#[test]
fn a_take_is_for_its_owner_alone_unless_the_one_that_it_replaces_was_not() {
    let sandbox = Sandbox::new();
    let hello = actor("hello.wat");
    let record = |umask: &str, args: &[&str]| {
        let all = ["record", &hello, "-o", "it.take"].into_iter().chain(args.iter().copied());
        let ended =
            sandbox.command_behind(&format!("umask {umask}"), all).output().expect("the binary starts");
        assert!(ended.status.success(), "{ended:?}");
        mode(&sandbox, "it.take")
    };

    assert_eq!(record("000", &[]), 0o600);
    set_mode(&sandbox, "it.take", 0o664);
    assert_eq!(record("077", &["--force"]), 0o664);
    sandbox.remove_if_there("it.take");
    assert_eq!(record("277", &[]), 0o400);

    let written = sandbox.command_behind("umask 000", ["export", "it.take", "-o", "it.jsonl"]).output();
    assert!(written.expect("the binary starts").status.success());
    assert_eq!(mode(&sandbox, "it.jsonl"), 0o600);
    // What is being recorded beside another is not for others either.
    let (sandbox, _) = golden();
    set_mode(&sandbox, "it.take", 0o644);
    let served: Served = sandbox.serve(&actor("http-edge.wasm"), &["--force"], "it.take");
    assert_eq!(mode(&sandbox, "it.take.recording"), 0o600);
    served.kill();
}

#[test]
fn no_command_writes_onto_what_it_reads() {
    let (sandbox, _) = golden();
    sandbox.copy_actor("hello.wat");
    sandbox.copy_actor("counter.wasm");
    sandbox.copy_actor("http-edge.wasm");
    sandbox.write("calls.txt", "calls()\n");
    sandbox.write("body.txt", "a body");
    sandbox.create_folder("takes");
    fs::copy(sandbox.path("it.take"), sandbox.path("takes/it.take")).expect("a copy");
    sandbox.write("takes/retake.toml", "actor = \"../http-edge.wasm\"\n");
    sandbox.retake(["test", "takes", "--report", "report.json"]).expect(0);
    sandbox.retake(["export", "it.take", "-o", "it.jsonl"]).expect(0);
    symlink("hello.wat", sandbox.path("link")).expect("a link");
    fs::hard_link(sandbox.path("hello.wat"), sandbox.path("hard")).expect("a link");
    fs::hard_link(sandbox.path("it.take"), sandbox.path("hard.take")).expect("a link");

    let rows: &[(&[&str], &str)] = &[
        (&["record", "hello.wat", "-o", "hello.wat", "--force"], "hello.wat"),
        (&["record", "hello.wat", "-o", "./hello.wat"], "hello.wat"),
        (&["record", "hello.wat", "-o", "link", "--force"], "hello.wat"),
        (&["record", "hello.wat", "-o", "hard", "--force"], "hello.wat"),
        (&["record", "counter.wasm", "--calls", "calls.txt", "-o", "calls.txt", "--force"], "calls.txt"),
        (
            &["record", "http-edge.wasm", "--request", "POST /echo @body.txt", "-o", "body.txt", "--force"],
            "body.txt",
        ),
        (&["repair", "it.take", "-o", "it.take", "--force"], "it.take"),
        (&["repair", "it.take", "-o", "hard.take", "--force"], "it.take"),
        (&["import", "it.jsonl", "-o", "it.jsonl", "--force"], "it.jsonl"),
        (&["export", "it.take", "-o", "it.take", "--force"], "it.take"),
        (&["test", "takes", "--report", "takes/it.take"], "takes/it.take"),
        (&["test", "takes", "--junit", "takes/retake.toml"], "takes/retake.toml"),
        (&["test", "takes", "--junit", "http-edge.wasm"], "http-edge.wasm"),
        (&["test", "takes", "--actor", "http-edge.wasm", "--report", "http-edge.wasm"], "http-edge.wasm"),
        (&["merge", "report.json", "--report", "report.json"], "report.json"),
    ];
    for (args, input) in rows {
        let before = (sandbox.read(input), sandbox.names());
        let ended = sandbox.retake(*args).expect(2);
        assert!(ended.stderr.contains("would overwrite"), "{args:?}: {ended:?}");
        assert!((sandbox.read(input), sandbox.names()) == before, "{args:?}");
    }

    // What a shell has opened as the input, too.
    let lines = fs::File::open(sandbox.path("it.jsonl")).expect("it is there");
    let mut import = sandbox.command(["import", "-", "-o", "it.jsonl", "--force"]);
    assert_eq!(import.stdin(lines).status().expect("the binary starts").code(), Some(2));
    // And two outputs have two places.
    sandbox.retake(["test", "takes", "--report", "x", "--junit", "x"]).expect(2).says(&["both name `x`"]);
    assert!(!sandbox.path("x").exists());
}

#[test]
fn a_report_replaces_a_report_and_nothing_else() {
    let (sandbox, _) = golden();
    let rows = [("--report", "report.json", "suite-finished"), ("--junit", "junit.xml", "<testsuites")];
    for (option, name, word) in rows {
        sandbox.retake(["test", "it.take", option, name]).expect(0);
        sandbox.retake(["test", "it.take", option, name]).expect(0).says(&["1 passed"]);
        // The recorded component is read when the take is replayed; no report replaces one.
        for other in ["precious", "\0asm", "(component)"] {
            sandbox.write("other", other);
            let refused = sandbox.retake(["test", "it.take", option, "other"]).expect(4);
            refused.says(&["1 passed", "`other` cannot be written", "not such a report"]);
            assert_eq!(sandbox.read("other"), other.as_bytes());
        }
        // A device and a pipe have nothing that could be lost.
        sandbox.retake(["test", "it.take", option, "/dev/null"]).expect(0);
        sandbox.retake(["test", "it.take", option, "/dev/stdout"]).expect(0).says(&[word]);
    }
    assert!(sandbox.names().iter().all(|name| !name.starts_with(".retake")), "{:?}", sandbox.names());
}

#[test]
fn an_export_in_a_file_is_what_stdout_gets() {
    let (sandbox, _) = golden();
    let printed = sandbox.retake(["export", "it.take"]).expect(0).stdout;
    sandbox.retake(["export", "it.take", "-o", "it.jsonl"]).expect(0);
    assert_eq!(sandbox.read("it.jsonl"), printed.as_bytes());
    sandbox.retake(["export", "it.take", "-o", "it.jsonl"]).expect(4).says(&["exists already", "--force"]);

    // Of a take that is torn, what is whole; of what is not a take, nothing.
    let take = sandbox.read("it.take");
    sandbox.write("torn.take", &take[..take.len() - 100]);
    sandbox.retake(["export", "torn.take", "-o", "it.jsonl", "--force"]).expect(3);
    let torn = sandbox.read("it.jsonl");
    assert!(String::from_utf8_lossy(&torn).contains("{\"end\":{\"torn\""));
    sandbox.write("no.take", "not a take");
    sandbox.retake(["export", "no.take", "-o", "it.jsonl", "--force"]).expect(4);
    assert_eq!(sandbox.read("it.jsonl"), torn);
}

/// Serves with the disposition of SIGHUP that it has in a shell, whatever the tests run under.
fn serve_after(sandbox: &Sandbox, disposition: &str) -> Served {
    let program = "import os, signal, sys\nsignal.signal(signal.SIGHUP, getattr(signal, sys.argv[1]))\n\
                   os.execv(sys.argv[2], sys.argv[2:])";
    let edge = actor("http-edge.wasm");
    let args = ["-c", program, disposition, env!("CARGO_BIN_EXE_retake"), "record", &edge, "-o", "it.take"];
    Served::start(sandbox.prepared(Command::new("python3"), args.iter().chain(&["--http", "127.0.0.1:0"])))
}

#[test]
fn sighup_seals_as_sigterm_does() {
    let sandbox = Sandbox::new();
    let served = serve_after(&sandbox, "SIG_DFL");
    assert_eq!(served.client().get("/exact").status, 200);

    served.signal(Signal::HUP);
    served.ended().expect(0).says(&["stopping", "1 call"]);

    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn sighup_that_is_ignored_when_it_starts_stays_ignored() {
    let sandbox = Sandbox::new();
    let mut served = serve_after(&sandbox, "SIG_IGN");
    let upload = served.upload(b"in flight, ");

    // Were the first one heard, the second signal would give the call up.
    served.signal(Signal::HUP);
    served.terminate();
    assert_eq!(upload.finish(b"and finished").expect("an echo"), b"in flight, and finished");
    served.ended().expect(0);

    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_summary_is_not_appended_to_what_is_read() {
    let (sandbox, golden) = golden();
    let mut command = sandbox.command(["test", "it.take"]);
    command.env("GITHUB_STEP_SUMMARY", "it.take");

    Ended::of(command.output().expect("the binary starts"))
        .expect(2)
        .says(&["GITHUB_STEP_SUMMARY", "it.take"]);

    assert_eq!(sandbox.read("it.take"), golden);
}

#[test]
fn a_take_that_another_program_empties_is_not_called_recorded() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    assert_eq!(served.client().get("/exact").status, 200);
    fs::write(sandbox.path("it.take"), "").expect("it can be written");
    assert_eq!(served.client().get("/exact").status, 200);

    served.signal(Signal::TERM);

    served.ended().expect(4).says(&["it.take", "another program changed it"]);
}
