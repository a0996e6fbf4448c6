//! `retake.toml` beside the takes says which build is re-run for them, what is expected, how much fuel a call
//! has, and what they are called. What it says wrongly is never success.

use crate::support::{Sandbox, actor};

/// A folder with a take of the fixture `hello.wat`, and the changed build that reads the clock three times.
fn suite() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("hello.wat");
    sandbox.retake(["record", "hello.wat", "-o", "it.take"]).expect(0);
    let hello = String::from_utf8(sandbox.read("hello.wat")).expect("text");
    let changed = hello.replacen("(drop (call $now))", "(drop (call $now)) (drop (call $now))", 1);
    assert_ne!(hello, changed);
    sandbox.write("changed.wat", changed);
    sandbox
}

/// Where the changed build differs: it calls the clock once more, where the export ended.
const SPOT: &str = "at = { chain = 0, event = 4 }";

#[test]
fn the_build_is_that_of_the_command_line_then_of_the_file_then_of_the_take() {
    let sandbox = suite();
    sandbox.retake(["test", "it.take"]).expect(0);
    sandbox.write("retake.toml", "actor = 'changed.wat'");
    sandbox.retake(["test", "it.take"]).expect(1).says(&["an extra call"]);
    sandbox.write("retake.toml", "actor = 'changed.wat'\n[takes.'it.take']\nactor = 'hello.wat'");
    sandbox.retake(["test", "it.take"]).expect(0);
    sandbox.retake(["test", "it.take", "--actor", "changed.wat"]).expect(1);
}

#[test]
fn the_file_wins_over_an_embedded_component() {
    let sandbox = suite();
    sandbox.retake(["record", "hello.wat", "--embed", "-o", "it.take", "--force"]).expect(0);
    sandbox.remove_if_there("hello.wat");
    sandbox.retake(["test", "it.take"]).expect(0);
    sandbox.write("retake.toml", "actor = 'changed.wat'");
    sandbox.retake(["test", "it.take"]).expect(1);
}

#[test]
fn the_path_of_the_build_is_that_of_the_file_wherever_the_command_runs() {
    let sandbox = suite();
    sandbox.create_folder("suite");
    for name in ["it.take", "changed.wat"] {
        sandbox.write(&format!("suite/{name}"), sandbox.read(name));
    }
    sandbox.write("suite/retake.toml", "actor = 'changed.wat'");
    sandbox.remove_if_there("changed.wat");
    sandbox.retake(["test", "suite"]).expect(1).says(&["an extra call"]);
}

#[test]
fn a_divergence_that_is_expected_passes_at_its_place_and_nowhere_else() {
    let sandbox = suite();
    let expect =
        |at: &str| sandbox.write("retake.toml", format!("expect = 'diverge'\n{at}\nactor = 'changed.wat'"));
    expect(SPOT);
    sandbox.retake(["test", "it.take"]).expect(0).says(&["PASS", "1 passed"]);
    for other in ["at = { chain = 0, event = 3 }", "at = { chain = 1, event = 4 }"] {
        expect(other);
        let ended = sandbox.retake(["test", "it.take"]).expect(1);
        ended.says(&[
            "UNEXPECTED",
            "but the replay diverged at index 4 of chain 0",
            "an extra call",
            "1 not as expected",
        ]);
    }
    sandbox.write("retake.toml", format!("expect = 'diverge'\n{SPOT}"));
    let ended = sandbox.retake(["test", "it.take"]).expect(1);
    ended.says(&["UNEXPECTED", "expected a divergence at index 4 of chain 0, but the replay is identical"]);
}

#[test]
fn a_damaged_take_is_no_divergence_that_was_expected() {
    let sandbox = suite();
    let take = sandbox.read("it.take");
    sandbox.write("it.take", &take[..take.len() - 40]);
    sandbox.write("retake.toml", format!("expect = 'diverge'\n{SPOT}\nactor = 'changed.wat'"));
    sandbox.retake(["test", "it.take"]).expect(3).says(&["DAMAGED"]);
}

#[test]
fn what_a_take_says_itself_wins_over_what_the_file_says_for_all() {
    let sandbox = suite();
    sandbox.write("other.take", sandbox.read("it.take"));
    let text = format!("expect = 'diverge'\n{SPOT}\nactor = 'changed.wat'\n[takes.'other.take']\n");
    sandbox.write("retake.toml", text.clone() + "expect = 'identical'\nactor = 'hello.wat'");
    sandbox.retake(["test", "."]).expect(0).says(&["2 passed"]);
    sandbox.write("retake.toml", text + "expect = 'identical'");
    sandbox.retake(["test", "."]).expect(1).says(&["1 passed, 1 diverged"]);
}

#[test]
fn what_is_wrong_in_the_file_is_told_with_its_place_and_nothing_is_run() {
    let sandbox = suite();
    let table = [
        ("actr = 'hello.wat'", "unknown field `actr`"),
        ("[takes.'it.take']\nfules = 1", "unknown field `fules`"),
        ("expect = 'pass'", "unknown variant `pass`"),
        ("expect = 'diverge'", "`at` does not say where"),
        ("at = { chain = 0, event = 4 }", "`expect = \"diverge\"`, which is missing"),
        ("expect = 'diverge'\nat = { event = 4 }", "missing field `chain`"),
        ("fuel = 0", "nonzero"),
        ("fuel = -1", "invalid value"),
        ("[takes.'gone.take']\nlabels = ['slow']", "there is no take `gone.take`"),
        ("actor = ", "retake.toml"),
    ];
    for (text, words) in table {
        sandbox.write("retake.toml", text);
        let ended = sandbox.retake(["test", "it.take"]).expect(4);
        ended.says(&["`retake.toml`: ", words]);
        assert_eq!(ended.stdout, "", "{text}");
    }
}

#[test]
fn labels_select_takes() {
    let sandbox = suite();
    sandbox.write("other.take", sandbox.read("it.take"));
    sandbox.write("retake.toml", "labels = ['all']\n[takes.'it.take']\nlabels = ['smoke', 'slow']");
    let listed = |label| sandbox.retake(["test", ".", "--list", "--label", label]).expect(0).stdout;
    assert_eq!(listed("smoke"), "it.take (recorded build)\n");
    assert_eq!(listed("all"), "other.take (recorded build)\n");
    sandbox.retake(["test", ".", "--label", "slow"]).expect(0).says(&["[smoke, slow]", "1 take run"]);
}

#[test]
fn a_build_that_never_ends_is_ended_by_fuel_from_either_place() {
    let sandbox = suite();
    let args = ["test", "it.take", "--actor", &actor("loop.wat")];
    let ended = sandbox.retake(args.iter().chain(&["--fuel", "100000"])).expect(1);
    ended.says(&["all fuel consumed", "the replay's own bound is 100000 per call"]);
    sandbox.write("retake.toml", "fuel = 200000");
    sandbox.retake(args).expect(1).says(&["the replay's own bound is 200000 per call"]);
    sandbox.retake(args.iter().chain(&["--fuel", "100000"])).expect(1).says(&["bound is 200000 per call"]);
}

#[test]
fn a_take_with_a_bound_of_its_own_keeps_it() {
    let sandbox = suite();
    sandbox.retake(["record", &actor("loop.wat"), "--fuel", "50000", "-o", "bounded.take"]).expect(0);
    sandbox.retake(["test", ".", "--fuel", "100000"]).expect(0).says(&["2 passed"]);
}
