//! `retake test` replays every take that it is given, once, and ends with 0 only if all of them came out as
//! expected. Whatever could make less than that look like success has its own message and exit code.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::{Ended, Sandbox, actor};
use serde_json::{Value as Json, json};

/// A folder `takes` with two takes of one actor, and another in a folder of it.
fn suite() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.create_folder("takes");
    sandbox.create_folder("takes/deep");
    sandbox.copy_actor("agent.wasm");
    for take in ["takes/b.take", "takes/a.take", "takes/deep/c.take"] {
        sandbox.record_requests("agent.wasm", &["GET /"], take);
    }
    sandbox
}

/// A folder `takes` with one take `it.take` of a command, and its events.
fn suite_of(name: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.create_folder("takes");
    sandbox.copy_actor(name);
    sandbox.retake(["record", name, "-o", "takes/it.take"]).expect(0);
    sandbox
}

/// What was said of each take: name and status.
fn statuses(ended: &Ended) -> Vec<(String, String)> {
    let lines = ended.json_lines();
    let finished = lines.iter().filter(|line| line["event"] == "take-finished");
    let text = |line: &Json, field: &str| line[field].as_str().expect("text").to_string();
    let mut all: Vec<_> = finished.map(|line| (text(line, "name"), text(line, "status"))).collect();
    all.sort();
    all
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, status)| (name.to_string(), status.to_string())).collect()
}

#[test]
fn every_take_of_a_folder_and_of_the_folders_in_it_is_replayed() {
    let sandbox = suite();
    sandbox.write("takes/notes.txt", "no take");

    let ended = sandbox.retake(["test", "takes"]).expect(0);

    let events = sandbox.take("takes/deep/c.take").only_chain().events.len();
    let deep = format!("takes/deep/c.take (1 call, {events} events)");
    ended.says(&["Starting 3 takes", &deep, "3 takes run: 3 passed"]);
    assert_eq!(ended.stderr, "", "progress is for terminals");
    let json = sandbox.retake(["test", "--json", "./takes/"]).expect(0);
    let passed = [("takes/a.take", "passed"), ("takes/b.take", "passed"), ("takes/deep/c.take", "passed")];
    assert_eq!(statuses(&json), pairs(&passed));
}

#[test]
fn takes_are_listed_in_the_order_of_their_names_and_none_is_run() {
    let sandbox = suite();
    sandbox.write("takes/torn.take", &sandbox.read("takes/a.take")[..100]);

    let ended = sandbox.retake(["test", "--list", "takes/deep", "takes/torn.take", "takes/b.take"]).expect(0);

    let lines = ["takes/b.take", "takes/deep/c.take", "takes/torn.take"]
        .map(|name| format!("{name} (recorded build)\n"));
    assert_eq!(ended.stdout, lines.concat());
}

#[test]
fn a_changed_build_fails_and_the_answer_of_replay_is_told_in_full() {
    let sandbox = suite();
    let changed = sandbox.read("agent.wasm");
    assert_ne!(changed, fs::read(actor("hello.wat")).expect("the fixture"));

    let ended = sandbox.retake(["test", "takes", "--actor", &actor("hello.wat"), "--filter", "a.take"]);

    let replayed = sandbox.retake(["replay", "takes/a.take", "--actor", &actor("hello.wat")]).expect(1);
    let ended = ended.expect(1);
    ended.says(&["DIVERGED", "1 take run: 1 diverged", replayed.stdout.trim()]);
}

#[test]
fn every_fixture_take_comes_out_as_its_replay_does() {
    let sandbox = Sandbox::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/takes");
    let folder = folder.to_str().expect("the repository's path is text");

    let ended = sandbox.retake(["test", "--json", folder]).expect(3);

    let lines = ended.json_lines();
    let finished: Vec<&Json> = lines.iter().filter(|line| line["event"] == "take-finished").collect();
    assert_eq!(finished.len(), fs::read_dir(folder).expect("the fixtures").count());
    for line in finished {
        let name = line["name"].as_str().expect("a name");
        let replayed = sandbox.retake(["replay", name]);
        assert_eq!(line["exit"].as_i64(), replayed.status.code().map(i64::from), "{name}: {line:#}");
        let good = line["status"] == "passed";
        assert_eq!(good, replayed.status.success(), "{name}");
        let full = format!("{}{}", replayed.stdout, replayed.stderr);
        let text = line["text"].as_str().unwrap_or_default().trim();
        assert!(good || full.contains(text), "{name}:\n{text}\n--- replay says\n{full}");
    }
}

#[test]
fn of_several_faults_the_gravest_is_the_exit_code() {
    let sandbox = suite();
    sandbox.write("damaged.take", &sandbox.read("takes/a.take")[..500]);
    sandbox.write("unchecked.take", "not a take");
    sandbox.retake(["record", &actor("hello.wat"), "--embed", "-o", "passed.take"]).expect(0);
    let mut diverged = sandbox.take("passed.take");
    // Without the last of the two calls of the clock.
    let last = diverged.only_chain().events.len() - 3;
    diverged.only_chain().events.remove(last);
    sandbox.write("diverged.take", diverged.rebuilt());
    let no_call = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/takes/no-call.take");
    fs::copy(no_call, sandbox.path("nothing.take")).expect("the fixture");
    let table = [
        (["damaged.take", "diverged.take"], 3),
        (["damaged.take", "unchecked.take"], 3),
        (["diverged.take", "unchecked.take"], 1),
        (["diverged.take", "nothing.take"], 1),
        (["unchecked.take", "nothing.take"], 4),
        (["nothing.take", "passed.take"], 5),
        (["passed.take", "damaged.take"], 3),
    ];

    for (takes, exit) in table {
        sandbox.retake(["test"].iter().chain(&takes)).expect(exit).says(&["2 takes run"]);
    }
}

#[test]
fn a_suite_without_a_take_is_no_success() {
    let sandbox = Sandbox::new();
    sandbox.create_folder("takes");
    sandbox.retake(["test", "takes"]).expect(5).says(&["no `.take` file in `takes`", "nothing to check"]);
    let json = sandbox.retake(["test", "--json", "takes"]).expect(5).json();
    assert_eq!((&json["event"], &json["exit"]), (&json!("suite-refused"), &json!(5)));
    sandbox.retake(["test"]).expect(2);
}

#[test]
fn a_filter_or_a_label_that_matches_nothing_is_no_success() {
    let sandbox = suite_of("hello.wat");
    for filter in ["nothing", "/^nothing$/"] {
        let ended = sandbox.retake(["test", "takes", "--filter", filter]).expect(5);
        ended.says(&["no take matches", filter, "the suite has 1 take"]);
    }
    sandbox.retake(["test", "takes", "--label", "slow"]).expect(5).says(&["`--label slow`"]);
    sandbox.retake(["test", "takes", "--filter", "/(/"]).expect(2).says(&["is not a regular expression"]);
    // Each of several has to match, and what may be meant is named.
    let ended = sandbox.retake(["test", "takes", "--filter", "it", "--filter", "itt.take"]).expect(5);
    ended.says(&["no take matches `--filter itt.take`", "did you mean `takes/it.take`?"]);
    sandbox.write("takes/retake.toml", "labels = ['slow']");
    let ended = sandbox.retake(["test", "takes", "--label", "slow", "--label", "slwo"]).expect(5);
    ended.says(&["`--label slwo`", "did you mean `slow`?"]);
}

#[test]
fn a_filter_is_a_text_or_an_expression() {
    let sandbox = suite();
    let listed = |filters: &[&str]| {
        let args = filters.iter().flat_map(|filter| ["--filter", filter]);
        let stdout = sandbox.retake(["test", "takes", "--list"].into_iter().chain(args)).expect(0).stdout;
        stdout.replace(" (recorded build)", "")
    };
    assert_eq!(listed(&["deep"]), "takes/deep/c.take\n");
    assert_eq!(listed(&["/^takes/[ab].take$/"]), "takes/a.take\ntakes/b.take\n");
    assert_eq!(listed(&["a.take", "c.take"]), "takes/a.take\ntakes/deep/c.take\n");
}

#[test]
fn a_torn_and_an_unsealed_take_and_one_without_a_call_are_no_success() {
    for (take, exit, word) in
        [("torn.take", 3, "DAMAGED"), ("unsealed.take", 3, "DAMAGED"), ("no-call.take", 5, "NOTHING")]
    {
        let sandbox = Sandbox::new();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/takes").join(take);
        fs::copy(fixture, sandbox.path(take)).expect("the fixture");
        let replayed = sandbox.retake(["replay", take]).expect(exit);
        let answer = format!("{}{}", replayed.stdout, replayed.stderr);
        let first = answer.lines().next().expect("an answer").trim_start_matches("retake: ");
        sandbox.retake(["test", "."]).expect(exit).says(&[word, first]);
    }
}

#[test]
fn a_take_or_a_path_that_cannot_be_read_is_no_success() {
    let sandbox = suite_of("hello.wat");
    sandbox.retake(["test", "takes", "missing"]).expect(4).says(&["`missing` cannot be read"]);
    symlink("nowhere", sandbox.path("takes/link.take")).expect("a link");
    let ended = sandbox.retake(["test", "takes"]).expect(4);
    ended.says(&["UNCHECKED", "`takes/link.take`: the take cannot be opened", "1 passed", "1 could not be"]);
}

#[test]
fn what_cannot_be_looked_at_in_a_folder_is_no_success_and_nothing_is_run() {
    let sandbox = suite_of("hello.wat");
    let refused = |name: &str| {
        let ended = sandbox.retake(["test", "takes"]).expect(4);
        ended.says(&[&format!("`takes/{name}"), "takes in it would be passed over"]);
        assert_eq!(ended.stdout, "");
        sandbox.retake(["test", "takes", "--list"]).expect(4);
    };
    // A submodule that was not checked out.
    symlink("../nowhere", sandbox.path("takes/more")).expect("a link");
    refused("more");
    sandbox.remove_if_there("takes/more");
    symlink("loop", sandbox.path("takes/loop")).expect("a link");
    refused("loop");
    sandbox.remove_if_there("takes/loop");
    // A path that no system call takes as a whole.
    let part = "d".repeat(200);
    let deeper = format!("cd takes && for i in $(seq 30); do mkdir {part} && cd {part} || exit; done");
    let made = sandbox.prepared(Command::new("bash"), ["-c", &deeper]).status().expect("bash starts");
    assert!(made.success());
    refused(&part);
}

#[test]
fn an_actor_that_is_missing_or_another_one_is_no_success() {
    let sandbox = suite_of("hello.wat");
    sandbox
        .retake(["test", "takes", "--actor", "no.wasm"])
        .expect(4)
        .says(&["the actor `no.wasm` cannot be"]);
    sandbox.copy_actor("exit.wat");
    fs::rename(sandbox.path("exit.wat"), sandbox.path("hello.wat")).expect("it is replaced");
    sandbox.retake(["test", "takes"]).expect(4).says(&["is not the component that was recorded", "--actor"]);
    sandbox.remove_if_there("hello.wat");
    sandbox.retake(["test", "takes"]).expect(4).says(&["`hello.wat` cannot be read"]);
    sandbox.write("takes/retake.toml", "actor = 'gone.wasm'");
    sandbox.retake(["test", "takes"]).expect(4).says(&["the actor `takes/gone.wasm` cannot be read"]);
}

#[test]
fn the_same_take_under_two_names_is_refused_and_nothing_is_run() {
    let sandbox = suite();
    let refused = |args: &[&str], names: [&str; 2]| {
        let ended = sandbox.retake(["test"].iter().chain(args)).expect(2);
        ended.says(&["is the same as", names[0], names[1]]);
        assert_eq!(ended.stdout, "");
    };
    refused(&["takes/a.take", "takes/a.take"], ["takes/a.take", "takes/a.take"]);
    refused(&["takes", "./takes/deep/c.take"], ["takes/deep/c.take", "takes/deep/c.take"]);
    refused(&["takes/deep", &sandbox.arg("takes/deep")], ["takes/deep", &sandbox.arg("takes/deep")]);
    symlink("a.take", sandbox.path("takes/z.take")).expect("a link");
    refused(&["takes"], ["takes/a.take", "takes/z.take"]);
    sandbox.remove_if_there("takes/z.take");
    fs::hard_link(sandbox.path("takes/a.take"), sandbox.path("takes/y.take")).expect("a link");
    refused(&["takes"], ["takes/a.take", "takes/y.take"]);
}

#[test]
fn a_folder_that_links_to_itself_is_refused_and_not_walked_for_ever() {
    let sandbox = suite();
    symlink("..", sandbox.path("takes/deep/up")).expect("a link");
    sandbox.retake(["test", "takes"]).expect(2).says(&["`takes/deep/up` is the same as `takes`"]);
}

#[test]
fn fail_fast_begins_no_take_after_a_failure_and_says_what_was_left_out() {
    let sandbox = suite();
    sandbox.write("takes/a.take", "not a take");

    let ended = sandbox.retake(["test", "takes", "--fail-fast", "--jobs", "1"]).expect(4);

    ended.says(&["1 take run: 1 could not be checked; 2 not run", "NOT RUN", "takes/deep/c.take"]);
}

#[test]
fn a_name_with_control_characters_stays_on_its_line() {
    let sandbox = suite_of("hello.wat");
    sandbox.write("takes/x\n::error::y.take", "not a take");
    let ended = sandbox.retake(["test", "takes"]).expect(4);
    ended.says(&["takes/x\\n::error::y.take"]);
    assert!(!ended.stdout.lines().any(|line| line.trim_start().starts_with("::")), "{}", ended.stdout);
}
