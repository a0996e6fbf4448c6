//! All of WASI 0.2, and WASI 0.1: each area has a guest that calls every function of it, which is recorded,
//! verified and replayed. wasi:http has tests of its own, in `wasi_http.rs`.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::{Ended, Sandbox, actor, wasi_functions};
use retake_chain::ContentRef;
use wasmparser::{Parser, Payload};

/// One recording: the guest, the options of `record`, the guest's own arguments, what is printed, and the
/// interfaces that the take must show.
type Row = (&'static str, &'static [&'static str], &'static [&'static str], &'static str, &'static str);

const GIVEN: &[&str] = &["--env", "MOOD=calm"];
const DIR: &[&str] = &["--dir", "data::/data"];
const DIR_RO: &[&str] = &["--dir", "data::/data:ro"];
const NET: &[&str] = &["--allow-net"];

#[rustfmt::skip]
const AREAS: &[Row] = &[
    ("wasi-cli.wasm", GIVEN, &["return", "é"], r#"["return", "é"], environment [("MOOD", "calm")]"#, "cli/environment cli/stdin cli/stdout cli/stderr"),
    ("wasi-cli.wasm", &[], &["fail"], "the command ended with exit code 1", "cli/terminal-stdin cli/terminal-stdout cli/terminal-stderr"),
    ("wasi-cli.wasm", &[], &["exit"], "the command ended with exit code 0", "cli/exit"),
    ("wasi-cli.wasm", &[], &["code"], "the command ended with exit code 7", "cli/exit"),
    ("wasi-clocks.wasm", &[], &[], "steps of", "clocks/monotonic-clock clocks/wall-clock io/poll"),
    ("wasi-random.wasm", &[], &[], "random (", "random/random random/insecure random/insecure-seed"),
    ("wasi-io.wasm", &[], &[], "the input has ended", "io/poll io/streams"),
    ("wasi-filesystem.wasm", DIR, &[], "all of it", "filesystem/preopens filesystem/types io/streams io/error"),
    ("wasi-filesystem.wasm", DIR_RO, &["read-only"], "not-permitted", "filesystem/preopens filesystem/types"),
    ("wasi-tcp.wasm", NET, &[], "localhost is", "sockets/instance-network sockets/tcp-create-socket sockets/tcp sockets/ip-name-lookup"),
    ("wasi-tcp.wasm", &[], &[], "denied: ", "sockets/tcp-create-socket sockets/ip-name-lookup"),
    ("wasi-udp.wasm", NET, &[], "two datagrams", "sockets/instance-network sockets/udp-create-socket sockets/udp"),
    ("exceptions.wat", &[], &[], "the command ended with exit code 0", "clocks/wall-clock"),
    ("core.wat", &[], &[], "hello\n", "io/streams clocks/wall-clock random/random"),
];

/// Standard input for every guest, more than `wasi-io` wants at least.
const INPUT: &str =
    "All that comes in from outside is in the take, and is given again from there, byte for byte.\n";

fn record(sandbox: &Sandbox, guest: &str, options: &[&str], arguments: &[&str]) -> Ended {
    let args = [&["record", guest, "-o", "it.take"][..], options, &["--"], arguments].concat();
    sandbox.retake_with_stdin(args, INPUT).expect(0)
}

/// Verifies and replays the take; the replay prints its report, and nothing of what the actor prints.
#[track_caller]
fn assert_intact_and_silently_identical(sandbox: &Sandbox) {
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed"]);
    let replayed = sandbox.retake(["replay", "it.take"]).expect(0);
    assert!(replayed.stdout.starts_with("it.take: identical"), "{}", replayed.stdout);
    assert_eq!(replayed.stderr, "");
}

#[test]
fn every_function_of_wasi_is_recorded_and_is_replayed_without_a_host() {
    let mut called = BTreeSet::new();
    for &(guest, options, arguments, prints, interfaces) in AREAS {
        let sandbox = Sandbox::new();
        sandbox.create_folder("data");
        sandbox.write("data/input.txt", "some content\n");
        record(&sandbox, &actor(guest), options, arguments).says(&[prints]);
        let functions = sandbox.take("it.take").functions();
        for interface in interfaces.split(' ') {
            let is_in = |function: &String| function.starts_with(&format!("wasi:{interface}/"));
            assert!(functions.iter().any(is_in), "{guest}: no call of {interface} in {functions:?}");
        }
        // What the guest used is gone.
        std::fs::remove_dir_all(sandbox.path("data")).expect("it is there");
        assert_intact_and_silently_identical(&sandbox);
        called.extend(functions);
    }
    let missed: Vec<_> = wasi_functions().into_iter().filter(|name| !called.contains(name)).collect();
    assert!(missed.iter().all(|name| name.starts_with("wasi:http/")), "no guest calls {missed:?}");
}

/// On a terminal the three streams have a handle each, of resources without a function.
#[test]
fn terminals_are_handles_in_the_take() {
    let sandbox = Sandbox::new();
    let mut python = Command::new("python3");
    python.args(["-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"]);
    python.arg(env!("CARGO_BIN_EXE_retake"));
    let args = ["record", &actor("wasi-cli.wasm"), "-o", "it.take"];
    let output = sandbox.prepared(python, args).output().expect("python3 is there");
    Ended::of(output).expect(0).says(&["terminals [true, true, true]"]);

    sandbox.retake(["inspect", "it.take"]).expect(0).says(&["get-terminal-stdin() returned [#1]"]);
    assert_intact_and_silently_identical(&sandbox);
}

/// The first version of WASI 0.2, one that our bindings have, and one that there is not yet.
const PATCH_VERSIONS: [&str; 3] = ["0.2.0", "0.2.12", "0.2.99"];

#[test]
fn a_take_of_one_patch_version_is_replayed_with_a_build_of_another() {
    let sandbox = Sandbox::new();
    let hello = std::fs::read_to_string(actor("hello.wat")).expect("the fixture");
    for version in PATCH_VERSIONS {
        let name = format!("{version}.wat");
        sandbox.write(&name, hello.replace("0.2.3", version));
        sandbox.retake(["record", "--check", "-o", &format!("{version}.take"), &name]).expect(0);
    }

    for recorded in PATCH_VERSIONS {
        for built in PATCH_VERSIONS.into_iter().filter(|built| *built != recorded) {
            let (take, build) = (format!("{recorded}.take"), format!("{built}.wat"));
            let replayed = sandbox.retake(["replay", &take, "--actor", &build]).expect(0);
            replayed.says(&["identical", &format!("wasi:clocks/monotonic-clock@{built} (recorded ")]);
        }
    }
}

#[test]
fn the_actor_of_a_core_module_is_the_module_that_was_given() {
    let sandbox = Sandbox::new();
    let module = wat::parse_file(actor("core.wat")).expect("a module");
    sandbox.write("core.wasm", &module);
    let recorded = sandbox.retake(["record", "--embed", "--json", "-o", "it.take", "core.wasm"]).expect(0);
    std::fs::remove_file(sandbox.path("core.wasm")).expect("it is there");

    recorded.says(&["hello"]);
    let digest = format!("sha256:{}", ContentRef::of(&module));
    let replayed = sandbox.retake(["replay", "it.take"]).expect(0);
    replayed.says(&["identical", &digest]);
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["intact and sealed"]);
}

/// `command.wasm` was made by `wasm-tools` from a module and the same adapter: wrapped here, that module is
/// the same actor.
#[test]
fn a_module_and_the_component_that_was_made_of_it_replay_each_others_takes() {
    let sandbox = Sandbox::new();
    let command = std::fs::read(actor("command.wasm")).expect("the fixture");
    let module = Parser::new(0).parse_all(&command).find_map(|payload| match payload {
        Ok(Payload::ModuleSection { unchecked_range, .. }) => Some(&command[unchecked_range]),
        _ => None,
    });
    sandbox.write("command.wasm", &command);
    sandbox.write("module.wasm", module.expect("the component has a module"));
    let guest = ["--time", "--random", "--exit", "3"];

    for (recorded, replayed) in [("module.wasm", "command.wasm"), ("command.wasm", "module.wasm")] {
        record(&sandbox, recorded, &["--force"], &guest).says(&["the command ended with exit code 1"]);
        assert_intact_and_silently_identical(&sandbox);
        sandbox.retake(["replay", "it.take", "--actor", replayed]).expect(0).says(&["identical"]);
    }
}
