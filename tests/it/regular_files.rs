//! Takes, components, settings and reports come from others. Only regular files are read: whatever else lies
//! in their place, or a link leads to, is refused by name, at once and before anything is read from it. What
//! is held in memory as a whole has a limit.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ended, Sandbox, actor};
use retake_chain::ChainEventPayload;

/// What is not a regular file, by its name in the sandbox and in words. Nobody ever writes to the pipe: who
/// reads it waits for ever.
const OTHERS: [(&str, &str); 5] = [
    ("pipe", "it is a pipe"),
    ("socket", "it is a socket"),
    ("zero", "it is a device"),
    ("folder", "it is a folder"),
    ("linked-pipe", "it is a pipe"),
];

/// A sandbox with all of them, a take and its component.
fn sandbox() -> (Sandbox, UnixListener) {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("hello.wat");
    sandbox.retake(["record", "hello.wat", "-o", "it.take"]).expect(0);
    let made = Command::new("mkfifo").arg(sandbox.path("pipe")).status().expect("mkfifo is there");
    assert!(made.success());
    let socket = UnixListener::bind(sandbox.path("socket")).expect("a short path");
    symlink("/dev/zero", sandbox.path("zero")).expect("a link");
    symlink("pipe", sandbox.path("linked-pipe")).expect("a link");
    sandbox.create_folder("folder");
    (sandbox, socket)
}

#[track_caller]
fn refused(ended: Ended, name: &str, words: &str) {
    let ended = ended.expect(4);
    ended.says(&[name, words, "only regular files are read"]);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_take_that_is_not_a_file_is_refused_by_every_command() {
    let (sandbox, _socket) = sandbox();
    for (name, words) in OTHERS {
        for command in ["verify", "replay", "inspect", "export"] {
            refused(sandbox.retake([command, name]), name, words);
        }
        refused(sandbox.retake(["inspect", name, "--event", "0"]), name, words);
        refused(sandbox.retake(["repair", name, "-o", "new.take"]), name, words);
        refused(sandbox.retake(["import", name, "-o", "new.take"]), name, words);
        assert!(!sandbox.path("new.take").exists());
    }
}

#[test]
fn a_component_that_is_not_a_file_is_refused_wherever_it_is_named() {
    let (sandbox, _socket) = sandbox();
    for (name, words) in OTHERS {
        refused(sandbox.retake(["record", name]), name, words);
        refused(sandbox.retake(["replay", "it.take", "--actor", name]), name, words);
        let mut take = sandbox.take("it.take");
        take.only_chain().alter(0, |payload| {
            let ChainEventPayload::Session(start) = payload else { panic!("{payload:?}") };
            start.actor.path = sandbox.arg(name);
        });
        sandbox.write("leads.take", take.rebuilt());
        refused(sandbox.retake(["replay", "leads.take"]), name, words);
        fs::create_dir_all(sandbox.path("suite")).expect("a folder");
        sandbox.write("suite/it.take", sandbox.read("it.take"));
        sandbox.write("suite/retake.toml", format!("actor = '../{name}'"));
        sandbox.retake(["test", "suite"]).expect(4).says(&[name, words, "1 could not be checked"]);
    }
}

#[test]
fn in_a_suite_what_is_not_a_file_fails_by_name_and_the_takes_are_replayed() {
    let (sandbox, _socket) = sandbox();
    for (name, words) in OTHERS.into_iter().filter(|(name, _)| *name != "folder") {
        sandbox.create_folder("suite");
        sandbox.write("suite/it.take", sandbox.read("it.take"));
        symlink(Path::new("..").join(name), sandbox.path("suite/x.take")).expect("a link");
        let ended = sandbox.retake(["test", "suite"]).expect(4);
        ended.says(&["`suite/x.take`", words, "1 passed, 1 could not be checked"]);
        sandbox.retake(["test", "--list", "suite"]).expect(4).says(&[
            "suite/it.take",
            "`suite/x.take`",
            words,
        ]);
        fs::remove_file(sandbox.path("suite/x.take")).expect("it is there");
        symlink(Path::new("..").join(name), sandbox.path("suite/retake.toml")).expect("a link");
        refused(sandbox.retake(["test", "suite"]), "`suite/retake.toml`", words);
        fs::remove_dir_all(sandbox.path("suite")).expect("it is there");
    }
}

#[test]
fn reports_calls_and_bodies_that_are_not_files_are_refused() {
    let (sandbox, _socket) = sandbox();
    let counter = actor("counter.wasm");
    let http = actor("http-c.wasm");
    for (name, words) in OTHERS {
        refused(sandbox.retake(["merge", name]), name, words);
        let calls = sandbox.retake(["record", &counter, "--calls", name]).expect(2);
        calls.says(&[name, words]);
        let body = format!("POST / @{name}");
        sandbox.retake(["record", &http, "--request", &body]).expect(2).says(&[name, words]);
    }
    assert!(!sandbox.names().iter().any(|name| name.starts_with("counter") || name.starts_with("http")));
}

#[test]
fn a_file_that_is_too_large_to_be_held_is_refused_before_it_is_read() {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("hello.wat");
    sandbox.retake(["record", "hello.wat", "-o", "it.take"]).expect(0);
    // Holes: the files take no room.
    let of_size = |name: &str, size| {
        let file = File::create(sandbox.path(name)).expect("a new file");
        file.set_len(size).expect("a file of any size");
    };
    of_size("large.wasm", (1 << 30) + 1);
    of_size("retake.toml", (1 << 20) + 1);
    of_size("calls", (64 << 20) + 1);
    let counter = actor("counter.wasm");
    let table: [(&[&str], i32, &str); 5] = [
        (&["record", "large.wasm"], 4, "expected at most 1073741824 bytes, found 1073741825 bytes"),
        (&["replay", "it.take", "--actor", "large.wasm"], 4, "1073741825 bytes"),
        (&["merge", "large.wasm"], 4, "1073741825 bytes"),
        (&["test", "it.take"], 4, "expected at most 1048576 bytes, found 1048577 bytes"),
        (&["record", &counter, "--calls", "calls"], 2, "67108865 bytes"),
    ];
    for (args, exit, words) in table {
        sandbox.retake(args).expect(exit).says(&[words]);
    }
}

#[test]
fn a_take_on_stdin_is_verified() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat"), "-o", "it.take"]).expect(0);
    let mut command = sandbox.command(["verify", "-"]);
    command.stdin(File::open(sandbox.path("it.take")).expect("the take"));
    Ended::of(command.output().expect("the binary starts")).expect(0).says(&["-: intact and sealed"]);
}

/// All sources below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn the_command_line_reads_files_and_prints_in_one_place_each() {
    let cli = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli");
    let reads = ["File::open", "fs::read(", "fs::read_to_string", ".read(true)"];
    let prints = ["println!", "eprintln!", "print!(", "serde_json::to_string", "serde_json::to_writer(&mut"];
    for path in sources(&cli) {
        let text = fs::read_to_string(&path).expect("a source");
        let name = path.strip_prefix(&cli).expect("it is below").display().to_string();
        if name != "input.rs" {
            reads.iter().for_each(|call| assert!(!text.contains(call), "{name} has `{call}`: use `input`"));
        }
        prints.iter().for_each(|call| assert!(!text.contains(call), "{name} has `{call}`: use `printer`"));
    }
}
