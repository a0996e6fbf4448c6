//! The sample repository of `examples/ci` lives as its README says: its takes are recorded and committed, a
//! harmless change passes, a change of behaviour fails with the right words, and taken back it passes again.
//! What its CI files run is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ended, Sandbox};

const CI_FILES: [&str; 3] = [".github/workflows/takes.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of the sample in a folder `sample`, without its takes.
fn sample() -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in ["sample", "sample/actor", "sample/takes"] {
        sandbox.create_folder(folder);
    }
    let files = ["actor/greeter.wat", "takes/retake.toml", "README.md", ".gitlab-ci.yml"];
    for file in files {
        let from = root().join("examples/ci").join(file);
        fs::copy(&from, sandbox.path("sample").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    sandbox
}

/// Runs a line of a shell in a folder, with the binary on its PATH.
fn shell(sandbox: &Sandbox, folder: &str, line: &str, variables: &[(&str, &str)]) -> Ended {
    let binary = Path::new(env!("CARGO_BIN_EXE_retake")).parent().expect("its folder");
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([binary.to_path_buf()].into_iter().chain(std::env::split_paths(&others)));
    let mut command = sandbox.prepared(Command::new("bash"), ["-c", line]);
    command.current_dir(sandbox.path(folder)).env("PATH", path.expect("no folder has a colon"));
    command.envs(variables.iter().copied());
    Ended::of(command.output().expect("bash starts"))
}

/// The lines of the sample's life in its README, without their comments.
fn life() -> Vec<String> {
    let readme = fs::read_to_string(root().join("examples/ci/README.md")).expect("the sample's README");
    let block = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("its life");
    block.lines().map(|line| line.split("   #").next().unwrap_or(line).trim().to_string()).collect()
}

#[test]
fn the_committed_sample_is_identical() {
    let sandbox = Sandbox::new();
    let takes = root().join("examples/ci/takes");
    sandbox.retake(["test", takes.to_str().expect("text")]).expect(0).says(&["greetings.take", "[greeter]"]);
}

#[test]
fn a_repository_with_takes_notices_a_change_of_behaviour_and_no_other() {
    let sandbox = sample();
    let [record, commit, test] = life().try_into().expect("three lines");
    assert!(
        record.starts_with("retake record")
            && commit.starts_with("git add")
            && test.starts_with("retake test")
    );
    let git = "git -c init.defaultBranch=main init -q && git config user.name Sample && git config user.email a@b.c";
    shell(&sandbox, "sample", &format!("{git} && git add . && git commit -qm Actor"), &[]).expect(0);

    // Recorded and committed; a clone has all that it takes.
    shell(&sandbox, "sample", &record, &[]).expect(0);
    shell(&sandbox, "sample", &commit, &[]).expect(0);
    shell(&sandbox, ".", "git clone -q sample clone", &[]).expect(0);
    let run = || shell(&sandbox, "clone", &test, &[]);
    run().expect(0).says(&["PASS", "takes/greetings.take (2 calls, 8 events)", "1 passed"]);

    let actor = "clone/actor/greeter.wat";
    let source = String::from_utf8(sandbox.read(actor)).expect("text");
    let change = |from: &str, to: &str| {
        assert!(source.contains(from), "{from}");
        sandbox.write(actor, source.replace(from, to));
    };
    // Harmless: another name, and another place of the texts in memory; the bytes are others, what it does is
    // not.
    change("$hour", "$hour-of-the-day");
    run().expect(0).says(&["1 passed"]);
    change("i32.const 96", "i32.const 128");
    let ended = run().expect(0);
    ended.says(&["1 passed"]);

    // Other answers.
    change("\"good ", "\"fine ");
    run().expect(1).says(&[
        "DIVERGED",
        "diverged at event 3 (index 3 of chain 0, actor ",
        "a different result of the export",
        "expected: greet returned \"good ",
        "actual:   greet returned \"fine ",
        "in call 0 of the chain: greet(0)",
        "1 take run: 1 diverged",
    ]);
    // The clock is asked twice.
    change("(call $now (i32.const 0))", "(call $now (i32.const 0)) (call $now (i32.const 0))");
    run().expect(1).says(&["an extra call", "wasi:clocks/wall-clock@0.2.3/now"]);
    // It does not end.
    change("(call $now (i32.const 0))", "(loop $ever (br $ever))");
    run().expect(1).says(&["all fuel consumed"]);

    shell(&sandbox, "clone", "git checkout -q -- actor", &[]).expect(0);
    run().expect(0).says(&["1 passed"]);
}

#[test]
fn the_page_about_ci_has_the_sample_s_files() {
    let page = fs::read_to_string(root().join("docs/ci.md")).expect("the page");
    for name in CI_FILES {
        let file = fs::read_to_string(root().join("examples/ci").join(name)).expect("a file of the sample");
        assert!(page.contains(&format!("```yaml\n{file}```")), "docs/ci.md has another {name}");
    }
}

/// What a CI file has its shell run.
fn scripts(name: &str) -> Vec<String> {
    let file = fs::read_to_string(root().join("examples/ci").join(name)).expect("a file of the sample");
    let commands = file.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("- ").trim_start_matches("entry: ");
        line.starts_with("retake ").then(|| line.to_string())
    });
    commands.collect()
}

#[test]
fn what_the_ci_files_run_passes_on_the_sample() {
    let sandbox = sample();
    shell(&sandbox, "sample", &life()[0], &[]).expect(0);
    fs::copy(sandbox.path("sample/takes/greetings.take"), sandbox.path("sample/takes/more.take"))
        .expect("a copy");
    let [test, merge] = scripts(".gitlab-ci.yml").try_into().expect("two commands");
    for index in ["1", "2"] {
        let variables = [("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", "2")];
        shell(&sandbox, "sample", &test, &variables).expect(0).says(&["1 take run: 1 passed"]);
        assert!(sandbox.path("sample/junit.xml").is_file());
    }
    shell(&sandbox, "sample", &merge, &[]).expect(0).says(&["2 takes run: 2 passed"]);
    let [hook] = scripts(".pre-commit-config.yaml").try_into().expect("one command");
    shell(&sandbox, "sample", &hook, &[]).expect(0).says(&["2 takes run: 2 passed"]);
}

#[test]
fn the_action_runs_its_inputs_and_never_as_a_command() {
    let sandbox = sample();
    shell(&sandbox, "sample", &life()[0], &[]).expect(0);
    let script: PathBuf = root().join(".ci/replay");
    let script = script.to_str().expect("text");
    let run = |command, paths, arguments| {
        let inputs = [("INPUT_COMMAND", command), ("INPUT_PATHS", paths), ("INPUT_ARGUMENTS", arguments)];
        shell(&sandbox, "sample", script, &inputs)
    };
    run("test", "takes\n", "--report report.json --jobs 1").expect(0).says(&["1 passed"]);
    run("merge", "report.json", "").expect(0).says(&["1 passed"]);
    run("test", "takes/greetings.take\nmissing; touch it", "")
        .expect(4)
        .says(&["`missing; touch it` cannot be read"]);
    run("test", "--help", "").expect(4).says(&["`--help` cannot be read"]);
    run("record", "takes", "").expect(2).says(&["`test` or `merge`"]);
    assert!(!sandbox.path("sample/it").exists());
    let action = fs::read_to_string(root().join("action.yml")).expect("the action");
    for input in ["INPUT_COMMAND", "INPUT_PATHS", "INPUT_ARGUMENTS", "\"$ACTION/.ci/replay\""] {
        assert!(action.contains(input), "{input}");
    }
    // An input that stands in a script is run by the shell.
    let scripts = action.split("run: |").skip(1).map(|rest| rest.split("env:").next().unwrap_or(rest));
    scripts.for_each(|script| assert!(!script.contains("${{"), "{script}"));
}
