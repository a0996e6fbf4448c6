//! The settings of a take depend on where it lies: every `retake.toml` from its folder upwards goes for it,
//! key by key, however the take was named on the command line. What a `retake.toml` says and nothing gets is
//! an error, since it would look like a check.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Ended, Sandbox};
use serde_json::json;

/// A take `takes/sub/it.take` of `hello.wat`, and a build that calls the clock once more, `changed.wat`.
fn suite() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("hello.wat");
    sandbox.create_folder("takes");
    sandbox.create_folder("takes/sub");
    sandbox.retake(["record", "hello.wat", "--embed", "-o", "takes/sub/it.take"]).expect(0);
    let hello = String::from_utf8(sandbox.read("hello.wat")).expect("text");
    sandbox.write(
        "changed.wat",
        hello.replacen("(drop (call $now))", "(drop (call $now)) (drop (call $now))", 1),
    );
    sandbox
}

/// Runs in a folder of the sandbox.
fn run_in(sandbox: &Sandbox, folder: &str, args: &[&str]) -> Ended {
    let mut command = sandbox.command(args);
    command.current_dir(sandbox.path(folder));
    Ended::of(command.output().expect("the binary starts"))
}

/// The settings of the only take.
fn settings(sandbox: &Sandbox, path: &str) -> serde_json::Value {
    let listed = sandbox.retake(["test", "--list", "--json", path]).expect(0).json();
    listed["settings"].clone()
}

#[test]
fn a_take_has_the_build_of_the_folders_above_however_it_is_named() {
    let sandbox = suite();
    sandbox.write("takes/retake.toml", "actor = '../changed.wat'");

    for (folder, path) in [
        (".", "takes"),
        (".", "takes/sub"),
        (".", "takes/sub/it.take"),
        (".", "takes/sub/../sub"),
        ("takes", "."),
        ("takes/sub", "."),
        ("takes/sub", "it.take"),
        ("takes/sub", ".."),
        (".", &sandbox.arg("takes/sub")),
    ] {
        let ended = run_in(&sandbox, folder, &["test", path]).expect(1);
        ended.says(&["an extra call", "changed.wat` sha256:", "1 take run: 1 diverged"]);
    }
}

#[test]
fn a_link_to_a_folder_has_the_settings_of_where_the_link_lies() {
    let sandbox = suite();
    sandbox.create_folder("elsewhere");
    fs::rename(sandbox.path("takes/sub/it.take"), sandbox.path("elsewhere/it.take")).expect("it is moved");
    symlink("../elsewhere", sandbox.path("takes/more")).expect("a link");
    sandbox.write("takes/retake.toml", "actor = '../changed.wat'");
    sandbox.retake(["test", "takes"]).expect(1);
    sandbox.retake(["test", "takes/more"]).expect(1);
    sandbox.retake(["test", "elsewhere"]).expect(0);
}

#[test]
fn each_key_is_that_of_the_nearest_file_and_a_table_wins_over_what_is_said_for_all() {
    let sandbox = suite();
    sandbox.write("retake.toml", "fuel = 1\nlabels = ['far']\nactor = 'hello.wat'\nrequire-build = true");
    sandbox.write("takes/retake.toml", "fuel = 2\nactor = '../changed.wat'");
    sandbox.write("takes/sub/retake.toml", "fuel = 3");
    let inherited = json!({
        "actor": "takes/../changed.wat", "expect": "identical", "fuel": 3, "require_build": true, "labels": ["far"]
    });
    assert_eq!(settings(&sandbox, "takes"), inherited);

    // A table above is for this take alone, and the nearest of two.
    sandbox.write("retake.toml", "[takes.'takes/sub/it.take']\nfuel = 4\nlabels = ['table']");
    sandbox.write("takes/retake.toml", "[takes.'./sub/it.take']\nfuel = 5\nrequire-build = false");
    sandbox.write("takes/sub/retake.toml", "fuel = 3\nlabels = ['near']\nrequire-build = true");
    let tables = json!({
        "actor": null, "expect": "identical", "fuel": 5, "require_build": false, "labels": ["table"]
    });
    assert_eq!(settings(&sandbox, "takes/sub/it.take"), tables);
}

#[test]
fn an_expectation_is_inherited_with_its_place_and_taken_back_below() {
    let sandbox = suite();
    let spot = "at = { chain = 0, event = 4 }";
    sandbox.write("takes/retake.toml", format!("actor = '../changed.wat'\nexpect = 'diverge'\n{spot}"));
    sandbox.retake(["test", "takes"]).expect(0).says(&["1 passed"]);
    sandbox.write("takes/sub/retake.toml", "expect = 'identical'");
    sandbox.retake(["test", "takes"]).expect(1).says(&["DIVERGED"]);
    sandbox.write("takes/sub/retake.toml", spot);
    sandbox
        .retake(["test", "takes"])
        .expect(4)
        .says(&["`takes/sub/retake.toml`", "`expect = \"diverge\"`, which is missing"]);
}

#[test]
fn a_table_of_the_folder_above_goes_for_a_take_below() {
    let sandbox = suite();
    for name in ["sub/it.take", "./sub/it.take", "sub/./it.take"] {
        sandbox.write("takes/retake.toml", format!("[takes.'{name}']\nactor = '../changed.wat'"));
        sandbox.retake(["test", "takes"]).expect(1).says(&["an extra call"]);
        sandbox.retake(["test", "takes/sub"]).expect(1).says(&["an extra call"]);
    }
}

#[test]
fn what_goes_for_no_take_is_an_error_that_names_what_may_be_meant() {
    let sandbox = suite();
    sandbox.write("takes/notes.txt", "no take");
    sandbox.write("takes/other.take", sandbox.read("takes/sub/it.take"));
    let table: [(&str, &[&str]); 7] = [
        ("[takes.'it.take']\nfuel = 1", &["no take `it.take`", "did you mean `sub/it.take`"]),
        ("[takes.'sub/itt.take']\nfuel = 1", &["no take `sub/itt.take`", "did you mean `sub/it.take`?"]),
        ("[takes.'notes.txt']\nfuel = 1", &["no take `notes.txt`"]),
        ("[takes.'../it.take']\nfuel = 1", &["`../it.take` does not name a take in this folder or below"]),
        ("[takes.'/it.take']\nfuel = 1", &["`/it.take` does not name a take"]),
        (
            "[takes.'sub/it.take']\nfuel = 1\n[takes.'./sub/it.take']\nfuel = 1",
            &["two tables name the take `sub/it.take`"],
        ),
        ("[takes.'sub/it.take']\nroot = true", &["unknown field `root`"]),
    ];
    for (text, words) in table {
        sandbox.write("takes/retake.toml", text);
        let ended = sandbox.retake(["test", "takes"]).expect(4);
        ended.says(&[&["`takes/retake.toml`: "], words].concat());
        assert_eq!(ended.stdout, "", "nothing is run: {text}");
    }

    // A table for a take that is there and was not asked for is none.
    sandbox.write("takes/retake.toml", "[takes.'other.take']\nfuel = 1");
    sandbox.retake(["test", "takes/sub"]).expect(0);
    sandbox.write("takes/retake.toml", "[takes.'others.take']\nfuel = 1");
    sandbox.retake(["test", "takes/sub"]).expect(4).says(&["did you mean `other.take`?"]);
}

#[test]
fn a_file_without_takes_below_and_a_file_that_is_missing_are_errors() {
    let sandbox = suite();
    sandbox.create_folder("takes/empty");
    sandbox.write("takes/empty/retake.toml", "fuel = 1");
    sandbox.retake(["test", "takes"]).expect(4).says(&["`takes/empty/retake.toml`: it has no effect"]);
    fs::remove_file(sandbox.path("takes/empty/retake.toml")).expect("it is there");
    symlink("nowhere.toml", sandbox.path("takes/retake.toml")).expect("a link");
    sandbox.retake(["test", "takes/sub"]).expect(4).says(&["`takes/retake.toml` cannot be read"]);
}

#[test]
fn nothing_above_a_root_or_a_repository_goes_for_a_take() {
    let sandbox = suite();
    sandbox.write("takes/retake.toml", "actor = '../changed.wat'");
    sandbox.write("takes/sub/retake.toml", "root = true");
    sandbox.retake(["test", "takes/sub"]).expect(0).says(&["1 take ran the recorded build"]);
    sandbox.retake(["test", "takes"]).expect(4).says(&["`takes/retake.toml`: it has no effect"]);
    sandbox.write("takes/retake.toml", "[takes.'sub/it.take']\nactor = '../changed.wat'");
    let ended = sandbox.retake(["test", "takes"]).expect(4);
    ended.says(&["the table for `sub/it.take` has no effect", "`root = true`"]);

    let sandbox = suite();
    sandbox.write("retake.toml", "actor = 'changed.wat'");
    sandbox.create_folder("takes/.git");
    sandbox.retake(["test", "takes/sub"]).expect(0);
    // A submodule and a worktree have a file of that name, and are parts of something.
    fs::remove_dir(sandbox.path("takes/.git")).expect("it is empty");
    sandbox.write("takes/.git", "gitdir: elsewhere");
    sandbox.retake(["test", "takes/sub"]).expect(1);
}

#[test]
fn a_file_in_a_folder_that_everybody_may_write_to_does_not_go_for_takes_below() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = suite();
    sandbox.write("takes/retake.toml", "actor = '../changed.wat'");
    fs::set_permissions(sandbox.path("takes"), fs::Permissions::from_mode(0o1777)).expect("it is ours");
    sandbox.retake(["test", "takes/sub"]).expect(0);
}

#[test]
fn an_error_in_the_file_has_its_place_and_none_of_its_lines() {
    let sandbox = suite();
    sandbox.write("secret.env", "# a comment\n\nTOKEN = hunter2hunter2\n");
    symlink("../secret.env", sandbox.path("takes/retake.toml")).expect("a link");
    let ended = sandbox.retake(["test", "takes"]).expect(4);
    ended.says(&["`takes/retake.toml`: line 3, column 9: "]);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    sandbox.write("secret.env", "fuel = 'hunter2'");
    let ended = sandbox.retake(["test", "takes"]).expect(4);
    ended.says(&["line 1, column 8: invalid type: string \"...\", expected a nonzero u64"]);
}
