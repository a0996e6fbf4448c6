//! Every output of every command, as snapshots in `tests/it/snapshots`: text, JSON, and the reports of
//! suites. What differs between two runs (ids, hashes, times, sizes) is replaced by its kind.
//!
//! `INSTA_UPDATE=always cargo test --test it printers` accepts the output as it is.

use std::path::Path;

use crate::support::{Ended, Sandbox};
use regex::Regex;

/// What differs between two runs, and what stands in its place.
const VARIES: [(&str, &str); 15] = [
    (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "ID"),
    (r#"("seconds":)[0-9.e-]+"#, "${1}0"),
    (r#"( time=")[0-9.]+""#, "${1}0\""),
    (r"\[ *[0-9]+\.[0-9]{3}s\]", "[TIME]"),
    (r#"("started_at_unix_ms"): ?[0-9]+"#, "${1}:0"),
    (r"started    [0-9]+ ms", "started    N ms"),
    (r"[0-9.]+ (KiB|B)$", "N KiB"),
    (r#"("bytes"):[0-9]+(,"refused")"#, "${1}:0${2}"),
    (r"127\.0\.0\.1:[0-9]+", "127.0.0.1:PORT"),
    (r"(now\(\) returned )[0-9]+", "${1}N"),
    (r#"("function":"now","input":\[\],"output":\{"returned":)[0-9]+"#, "${1}0"),
    (r"(the take is torn at byte )[0-9]+", "${1}N"),
    (r#"(torn":\{"offset":)[0-9]+"#, "${1}0"),
    (r"wasmtime [0-9.]+", "wasmtime VERSION"),
];

/// A sandbox with the actors that the snapshots name, so that paths are the same everywhere.
fn sandbox(actors: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    actors.iter().for_each(|name| sandbox.copy_actor(name));
    sandbox
}

/// Puts takes of `fixtures/takes` into the sandbox.
fn with_takes(sandbox: Sandbox, takes: &[&str]) -> Sandbox {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/takes");
    for take in takes {
        let content = std::fs::read(folder.join(take)).unwrap_or_else(|error| panic!("{take}: {error}"));
        sandbox.write(take, content);
    }
    sandbox
}

fn normalised(text: &str) -> String {
    VARIES.iter().fold(text.to_string(), |text, (pattern, stands)| {
        let pattern = Regex::new(&format!("(?m){pattern}")).expect("a pattern");
        pattern.replace_all(&text, *stands).into_owned()
    })
}

/// Shows a run: its command line, its exit code and both streams.
fn shown(args: &[&str], ended: &Ended) -> String {
    let code = ended.status.code().map_or("none".to_string(), |code| code.to_string());
    let mut text = format!("$ retake {}\nexit {code}\n", args.join(" "));
    for (name, stream) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
        if !stream.is_empty() {
            text += &format!("--- {name}\n{stream}");
        }
    }
    normalised(&text)
}

/// Runs each command line in turn, and compares all that they print with one snapshot.
#[track_caller]
fn snapshot(name: &str, sandbox: &Sandbox, lines: &[&[&str]]) {
    let runs: Vec<String> = lines.iter().map(|args| shown(args, &sandbox.retake(*args))).collect();
    compare(name, &runs.join("\n"));
}

fn compare(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn help() {
    let commands = ["record", "replay", "verify", "test", "merge", "inspect", "repair", "export", "import"];
    let sandbox = sandbox(&[]);
    snapshot("help", &sandbox, &[&["--help"], &["-h"]]);
    for command in commands {
        snapshot(&format!("help-{command}"), &sandbox, &[&[command, "--help"]]);
    }
}

#[test]
fn usage() {
    let sandbox = sandbox(&["hello.wat", "counter.wasm", "http-c.wasm"]);
    sandbox.write("no-calls", "# nothing\n");
    snapshot(
        "usage",
        &sandbox,
        &[
            &[],
            &["verify"],
            &["recrd"],
            &["record", "hello.wat", "--http", "8080"],
            &["record", "hello.wat", "--request", "GET /"],
            &["record", "http-c.wasm"],
            &["record", "http-c.wasm", "--", "argument"],
            &["record", "http-c.wasm", "--request", "GET path"],
            &["record", "http-c.wasm", "--request", "POST / @missing"],
            &["record", "counter.wasm", "--calls", "no-calls"],
            &["record", "counter.wasm", "--calls", "missing"],
            &["record", "counter.wasm", "--invoke", "nothing()"],
            &["record", "hello.wat", "--inherit-env", "RETAKE_IS_NOT_SET"],
            &["record", "hello.wat", "--max-memory", "5G"],
            &["record", "hello.wat", "--timeout", "1"],
            &["record", "hello.wat", "-o", "hello.wat", "--force"],
            &["record", "missing.wasm"],
            &["test", "hello.wat", "--filter", "/(/"],
        ],
    );
}

const VERIFIED: [&str; 14] = [
    "1.0.take",
    "no-call.take",
    "unsealed.take",
    "torn.take",
    "repaired.take",
    "hash.take",
    "link.take",
    "chain-count.take",
    "frame-checksum.take",
    "record-misplaced.take",
    "message-response.take",
    "observation.take",
    "newer-major.take",
    "empty.take",
];

#[test]
fn verify() {
    let sandbox = with_takes(sandbox(&[]), &VERIFIED);
    let takes = [&VERIFIED[..], &["missing.take"]].concat();
    snapshot("verify", &sandbox, &[&[&["verify"], &takes[..]].concat()]);
    snapshot("verify-json", &sandbox, &[&[&["verify", "--json"], &takes[..]].concat()]);
}

#[test]
fn inspect() {
    let sandbox = with_takes(sandbox(&["hello.wat"]), &["1.0.take", "hash.take"]);
    sandbox.retake(["record", "hello.wat", "-o", "hello.take", "--env", "A=b", "--", "argument"]).expect(0);
    snapshot(
        "inspect",
        &sandbox,
        &[&["inspect", "hello.take"], &["inspect", "1.0.take"], &["inspect", "hash.take"]],
    );
    snapshot(
        "inspect-json",
        &sandbox,
        &[&["inspect", "--json", "1.0.take"], &["inspect", "--json", "hash.take"]],
    );
    snapshot(
        "inspect-event",
        &sandbox,
        &[
            &["inspect", "1.0.take", "--event", "0"],
            &["inspect", "1.0.take", "--event", "5"],
            &["inspect", "--json", "1.0.take", "--event", "5"],
            &["inspect", "1.0.take", "--event", "1000"],
            &["inspect", "hash.take", "--event", "1"],
            &["inspect", "missing.take"],
            &["inspect", "--json", "missing.take", "--event", "1"],
        ],
    );
}

/// Records a command, invoked exports and a request.
fn record_three(sandbox: &Sandbox) {
    sandbox.retake(["record", "hello.wat", "-o", "hello.take"]).expect(0);
    let counter = ["record", "counter.wasm", "--invoke", "increment(2)", "--invoke", "calls()"];
    sandbox.retake(counter.iter().chain(&["-o", "counter.take"])).expect(0);
    let http = ["record", "http-c.wasm", "--request", "POST / text", "-o", "http.take"];
    sandbox.retake(http).expect(0);
}

/// The command `hello.wat` with another part: what a build that does something else is.
fn builds(sandbox: &Sandbox) {
    let hello = String::from_utf8(sandbox.read("hello.wat")).expect("text");
    let once = hello.replacen("(drop (call $now))", "", 1);
    assert_ne!(once, hello, "the command calls `now` otherwise");
    sandbox.write("fewer.wat", once);
    let more = hello.replacen("(drop (call $now))", "(drop (call $now)) (drop (call $now))", 1);
    sandbox.write("more.wat", more);
    let trapping = hello.replacen("(drop (call $now))", "(drop (call $now)) (unreachable)", 1);
    sandbox.write("trapping.wat", trapping);
}

#[test]
fn replay() {
    let sandbox = sandbox(&["hello.wat", "counter.wasm", "http-c.wasm", "http-edge.wasm", "trap.wat"]);
    let sandbox = with_takes(sandbox, &["1.0.take", "no-call.take", "hash.take"]);
    record_three(&sandbox);
    builds(&sandbox);
    let take = sandbox.read("hello.take");
    sandbox.write("cut.take", &take[..take.len() - 1]);
    let lines: [&[&str]; 13] = [
        &["hello.take"],
        &["1.0.take"],
        &["counter.take"],
        &["hello.take", "--actor", "fewer.wat"],
        &["hello.take", "--actor", "more.wat"],
        &["hello.take", "--actor", "trapping.wat"],
        &["hello.take", "--actor", "trap.wat"],
        &["hello.take", "--actor", "counter.wasm"],
        &["http.take", "--actor", "http-edge.wasm"],
        &["cut.take"],
        &["no-call.take"],
        &["hash.take"],
        &["missing.take"],
    ];
    let text: Vec<Vec<&str>> = lines.iter().map(|line| [&["replay"], *line].concat()).collect();
    snapshot("replay", &sandbox, &text.iter().map(|line| &line[..]).collect::<Vec<_>>());
    let json: Vec<Vec<&str>> = lines.iter().map(|line| [&["replay", "--json"], *line].concat()).collect();
    snapshot("replay-json", &sandbox, &json.iter().map(|line| &line[..]).collect::<Vec<_>>());

    sandbox.remove_if_there("hello.wat");
    snapshot(
        "replay-without-actor",
        &sandbox,
        &[&["replay", "hello.take"], &["replay", "hello.take", "--actor", "missing.wasm"]],
    );
}

#[test]
fn record() {
    let sandbox =
        sandbox(&["hello.wat", "counter.wasm", "http-edge.wasm", "exit.wat", "trap.wat", "loop.wat"]);
    sandbox.write("calls", "# comment\nincrement(2)\n\n#1 calls()\n");
    for (name, json) in [("record", &[][..]), ("record-json", &["--json"])] {
        let lines: [&[&str]; 9] = [
            &["record", "hello.wat"],
            &["record", "exit.wat", "--check"],
            &["record", "trap.wat"],
            &["record", "counter.wasm", "--actors", "2", "--calls", "calls", "--invoke", "nothing()"],
            &["record", "counter.wasm", "--actors", "2", "--calls", "calls", "--invoke", "boom()"],
            &["record", "http-edge.wasm", "--request", "GET /late", "--request", "GET /boom", "--embed"],
            &["record", "hello.wat", "-o", "hello.take"],
            &["record", "hello.wat", "-o", "hello.take", "--force"],
            &["record", "loop.wat", "--timeout", "500ms"],
        ];
        let lines: Vec<Vec<&str>> = lines.iter().map(|line| [line, json].concat()).collect();
        snapshot(name, &sandbox, &lines.iter().map(|line| &line[..]).collect::<Vec<_>>());
        sandbox.names().iter().filter(|name| name.ends_with(".take")).for_each(|name| {
            sandbox.remove_if_there(name);
        });
    }
}

#[test]
fn repeat() {
    let sandbox = sandbox(&["hello.wat"]);
    let args = ["record", "hello.wat", "--check", "--repeat", "5"];
    snapshot("repeat", &sandbox, &[&args, &[&args[..], &["--json"]].concat()]);
}

#[test]
fn repair() {
    let sandbox = with_takes(
        sandbox(&[]),
        &["torn.take", "1.0.take", "no-call.take", "repaired.take", "message-content.take"],
    );
    sandbox.write("text.take", "text");
    snapshot(
        "repair",
        &sandbox,
        &[
            &["repair", "message-content.take", "-o", "new.take"],
            &["repair", "message-content.take", "-o", "new.take"],
            &["repair", "message-content.take", "-o", "new.take", "--force", "--json"],
            &["repair", "torn.take", "-o", "torn.take"],
            &["repair", "torn.take", "-o", "torn-new.take"],
            &["repair", "1.0.take", "-o", "other.take"],
            &["repair", "repaired.take", "-o", "other.take"],
            &["repair", "no-call.take", "-o", "other.take"],
            &["repair", "text.take", "-o", "other.take"],
            &["repair", "missing.take", "-o", "other.take"],
        ],
    );
}

#[test]
fn export_and_import() {
    let sandbox = with_takes(sandbox(&[]), &["1.0.take", "torn.take", "hash.take", "unsealed.take"]);
    snapshot("export", &sandbox, &[&["export", "unsealed.take"], &["export", "missing.take"]]);
    snapshot(
        "export-import",
        &sandbox,
        &[
            &["export", "1.0.take", "-o", "1.0.jsonl"],
            &["export", "1.0.take", "-o", "1.0.jsonl"],
            &["export", "torn.take", "-o", "torn.jsonl"],
            &["export", "hash.take", "-o", "hash.jsonl"],
            &["export", "1.0.take", "-o", "1.0.take", "--force"],
            &["import", "1.0.jsonl", "-o", "new.take"],
            &["import", "1.0.jsonl", "-o", "new.take", "--json"],
            &["import", "1.0.jsonl", "-o", "new.take", "--force", "--json"],
            &["import", "torn.jsonl", "-o", "torn-new.take"],
            &["import", "hash.jsonl", "-o", "hash-new.take"],
            &["import", "1.0.take", "-o", "other.take"],
            &["import", "missing.jsonl", "-o", "other.take"],
        ],
    );
}

/// A suite in which everything comes about that can: takes that pass, diverge, are damaged, have nothing to
/// check, cannot be checked.
fn suite() -> Sandbox {
    let sandbox = sandbox(&["hello.wat"]);
    sandbox.create_folder("takes");
    builds(&sandbox);
    sandbox.retake(["record", "hello.wat", "-o", "takes/passes.take"]).expect(0);
    let take = sandbox.read("takes/passes.take");
    for name in ["diverges", "unexpected", "expected"] {
        sandbox.write(&format!("takes/{name}.take"), &take);
    }
    sandbox.write("takes/torn.take", &take[..take.len() - 1]);
    sandbox.write("takes/text.take", "text");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/takes");
    sandbox.write("takes/no-call.take", std::fs::read(folder.join("no-call.take")).expect("the fixture"));
    sandbox.write(
        "takes/retake.toml",
        r#"root = true
[takes."passes.take"]
labels = ["smoke", "fast"]
[takes."diverges.take"]
actor = "../fewer.wat"
[takes."unexpected.take"]
expect = "diverge"
at = { chain = 0, event = 1 }
[takes."expected.take"]
actor = "../fewer.wat"
expect = "diverge"
at = { chain = 0, event = 3 }
"#,
    );
    sandbox
}

#[test]
fn suites() {
    let sandbox = suite();
    let one = ["test", "takes", "--jobs", "1"];
    snapshot("test", &sandbox, &[&one]);
    snapshot("test-json", &sandbox, &[&[&one[..], &["--json"]].concat()]);
    snapshot(
        "test-list",
        &sandbox,
        &[&[&one[..], &["--list"]].concat(), &[&one[..], &["--list", "--json"]].concat()],
    );
    let written = sandbox.retake([&one[..], &["--junit", "junit.xml", "--report", "report.jsonl"]].concat());
    written.expect(3);
    let file = |name| normalised(&String::from_utf8(sandbox.read(name)).expect("text"));
    compare("test-junit", &file("junit.xml"));
    compare("test-report", &file("report.jsonl"));

    for (name, json) in [("test-github", &[][..]), ("test-github-json", &["--json"])] {
        let mut command = sandbox.command(one.iter().chain(json));
        sandbox.remove_if_there("summary.md");
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", sandbox.path("summary.md"));
        let ended = Ended::of(command.output().expect("the binary starts")).expect(3);
        let is_command = |line: &&str| line.starts_with("::");
        let commands: Vec<&str> =
            ended.stdout.lines().chain(ended.stderr.lines()).filter(is_command).collect();
        compare(name, &normalised(&commands.join("\n")));
    }
    let summary = file("summary.md");
    compare("test-markdown", &summary);

    let part = |part: &'static str, report: &'static str| {
        [&one[..], &["--fail-fast", "--partition", part, "--report", report]].concat()
    };
    snapshot("test-partition", &sandbox, &[&part("slice:1/2", "1.jsonl"), &part("slice:2/2", "2.jsonl")]);
    snapshot(
        "merge",
        &sandbox,
        &[
            &["merge", "1.jsonl", "2.jsonl"],
            &["merge", "1.jsonl", "2.jsonl", "--json"],
            &["merge", "1.jsonl"],
            &["merge", "1.jsonl", "1.jsonl", "--json"],
            &["merge", "takes/text.take"],
            &["merge", "missing.jsonl"],
        ],
    );
}

#[test]
fn suites_that_are_refused() {
    let sandbox = suite();
    sandbox.create_folder("empty");
    snapshot(
        "test-refused",
        &sandbox,
        &[
            &["test", "empty"],
            &["test", "empty", "--json"],
            &["test", "missing"],
            &["test", "takes", "takes/text.take"],
            &["test", "takes", "--filter", "pases"],
            &["test", "takes", "--label", "smok"],
            &["test", "takes", "--filter", "text", "--label", "smoke"],
            &["test", "takes", "--report", "takes/text.take"],
            &["test", "takes/passes.take", "--require-build"],
            &["test", "takes/passes.take", "--partition", "slice:2/2"],
        ],
    );
    for (name, config) in [
        ("syntax", "actor = 1\n"),
        ("place", "expect = \"diverge\"\n"),
        ("expectation", "at = { chain = 0, event = 1 }\n"),
        ("table", "[takes.\"../x.take\"]\n"),
        ("two", "[takes.\"passes.take\"]\n[takes.\"./passes.take\"]\n"),
        ("missing", "[takes.\"pases.take\"]\n"),
    ] {
        sandbox.write("takes/retake.toml", format!("root = true\n{config}"));
        snapshot(&format!("test-config-{name}"), &sandbox, &[&["test", "takes"]]);
    }
}
