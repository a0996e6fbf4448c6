//! A run says for every take which build was replayed, and a run of the recorded build is a failure where
//! another is required. Reports of partitions that ran different builds, or with different settings, do not
//! become one verdict.

use crate::support::{Sandbox, actor};
use serde_json::{Value as Json, json};

/// Takes `takes/1.take` and `takes/2.take` of `hello.wat`; `same.wat` does what it does, and is another
/// build.
fn suite() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_actor("hello.wat");
    sandbox.create_folder("takes");
    sandbox.retake(["record", "hello.wat", "-o", "takes/1.take"]).expect(0);
    sandbox.write("takes/2.take", sandbox.read("takes/1.take"));
    let hello = String::from_utf8(sandbox.read("hello.wat")).expect("text");
    sandbox.write("same.wat", hello.replacen("(i32.const 0)", "(i32.add (i32.const 0) (i32.const 0))", 1));
    sandbox
}

/// The digest of the build that replayed the first take.
fn digest(lines: &[Json]) -> String {
    let finished = lines.iter().find(|line| line["event"] == "take-finished").expect("a take");
    finished["build"]["digest"].as_str().expect("a digest").to_string()
}

#[test]
fn every_form_of_the_report_says_which_build_ran() {
    let sandbox = suite();
    sandbox.write("takes/retake.toml", "[takes.'2.take']\nactor = '../same.wat'\nlabels = ['two']");

    let lines = sandbox.retake(["test", "--json", "takes", "--jobs", "1"]).expect(0).json_lines();
    let builds: Vec<&Json> =
        lines.iter().filter(|line| line["event"] == "take-finished").map(|line| &line["build"]).collect();
    assert_eq!(builds.len(), 2);
    let [recorded, today] =
        [&builds[0]["digest"], &builds[1]["digest"]].map(|digest| digest.as_str().expect("text"));
    assert_eq!(builds[0], &json!({"source": "recorded", "path": null, "digest": recorded}));
    assert_eq!(builds[1], &json!({"source": "configured", "path": "takes/../same.wat", "digest": today}));
    assert_ne!(recorded, today);
    assert_eq!(lines.last().expect("an end")["totals"]["recorded_build"], 1);

    let mut command = sandbox.command(["test", "takes", "--junit", "junit.xml"]);
    command.env("GITHUB_STEP_SUMMARY", "summary.md");
    let ended = crate::support::Ended::of(command.output().expect("the binary starts")).expect(0);
    let today_in_words = format!("build `takes/../same.wat` sha256:{}", &today[..8]);
    let last = format!("1 take ran {today_in_words}, 1 take ran the recorded build");
    ended.says(&[
        &format!("takes/1.take (1 call, 6 events), recorded build sha256:{}", &recorded[..8]),
        &format!("takes/2.take (1 call, 6 events), {today_in_words} [two]"),
        &last,
    ]);
    let text = |name: &str| String::from_utf8(sandbox.read(name)).expect("text");
    assert!(text("summary.md").contains(&last), "{}", text("summary.md"));
    let xml = text("junit.xml");
    for property in [
        "<property name=\"build\" value=\"recorded\"/>".to_string(),
        "<property name=\"build\" value=\"configured\"/>".to_string(),
        "<property name=\"build-path\" value=\"takes/../same.wat\"/>".to_string(),
        format!("<property name=\"build-sha256\" value=\"{today}\"/>"),
        "<property name=\"label\" value=\"two\"/>".to_string(),
    ] {
        assert!(xml.contains(&property), "{property} is not in {xml}");
    }
    let listed = sandbox.retake(["test", "--list", "takes"]).expect(0);
    assert_eq!(listed.stdout, "takes/1.take (recorded build)\ntakes/2.take (build `takes/../same.wat`)\n");
}

#[test]
fn a_take_that_ran_the_recorded_build_fails_where_another_is_required() {
    let sandbox = suite();
    let require = ["test", "takes", "--require-build"];
    let failed = sandbox.retake(require).expect(4);
    failed.says(&["NO BUILD", "`require-build` asks for another", "2 takes run: 2 without today's build"]);
    sandbox.retake(require.iter().chain(&["--actor", "same.wat"])).expect(0);

    sandbox.write("takes/retake.toml", "require-build = true\n[takes.'1.take']\nactor = '../same.wat'");
    let failed = sandbox.retake(["test", "takes"]).expect(4);
    failed.says(&["2 takes run: 1 passed, 1 without today's build"]);
    let lines = sandbox.retake(["test", "takes", "--json"]).expect(4).json_lines();
    let status = |line: &Json| line["status"] == "no-build" && line["exit"] == 4;
    assert!(lines.iter().any(status), "{lines:#?}");
    sandbox.write("takes/retake.toml", "require-build = true\nactor = '../same.wat'");
    sandbox.retake(["test", "takes"]).expect(0);

    // What is graver is said.
    sandbox.write("takes/retake.toml", "");
    let take = sandbox.read("takes/1.take");
    sandbox.write("takes/1.take", &take[..take.len() - 40]);
    sandbox.retake(require).expect(3).says(&["1 damaged, 1 without today's build"]);
}

#[test]
fn a_take_is_never_judged_by_what_another_take_has_found() {
    // The second one is the first with a recorded path where nothing is.
    let sandbox = suite();
    let mut lost = sandbox.take("takes/1.take");
    lost.only_chain().alter(0, |payload| {
        let retake_chain::ChainEventPayload::Session(start) = payload else { panic!("{payload:?}") };
        start.actor.path = "nowhere/lost.wat".into();
    });
    sandbox.write("takes/2.take", lost.rebuilt());
    let ended = sandbox.retake(["test", "takes", "--jobs", "1"]).expect(4);
    ended.says(&["1 passed, 1 could not be checked", "`nowhere/lost.wat` cannot be read"]);
}

/// Writes the report of a part.
fn part(sandbox: &Sandbox, index: u8, report: &str, args: &[&str]) -> Vec<Json> {
    let partition = format!("slice:{index}/2");
    let fixed = ["test", "takes", "--json", "--report", report, "--partition", &partition];
    sandbox.retake(fixed.iter().chain(args)).expect(0).json_lines()
}

#[test]
fn parts_that_ran_different_builds_are_refused_with_both_digests() {
    let sandbox = suite();
    sandbox.write("build.wat", sandbox.read("hello.wat"));
    let old = digest(&part(&sandbox, 1, "1.json", &["--actor", "build.wat"]));
    // The other machine has a stale artifact of the same path.
    sandbox.write("build.wat", sandbox.read("same.wat"));
    let new = digest(&part(&sandbox, 2, "2.json", &["--actor", "build.wat"]));
    let refused = sandbox.retake(["merge", "1.json", "2.json"]).expect(4);
    refused.says(&["different builds", "`build.wat`", "`1.json`", "`2.json`", &old, &new]);
    assert_eq!(refused.stdout, "");

    part(&sandbox, 1, "1.json", &["--actor", "build.wat"]);
    let merged = sandbox.retake(["merge", "1.json", "2.json"]).expect(0);
    merged.says(&["2 takes run: 2 passed", &format!("2 takes ran build `build.wat` sha256:{}", &new[..8])]);
}

#[test]
fn parts_with_different_settings_are_refused_with_both_values() {
    let sandbox = suite();
    part(&sandbox, 1, "1.json", &["--actor", "hello.wat"]);
    for (args, words) in [
        (&[][..], ["the build for all takes none", "with `hello.wat`"]),
        (&["--actor", "same.wat"], ["the build for all takes `same.wat`", "with `hello.wat`"]),
        (&["--actor", "hello.wat", "--fuel", "1000000"], ["the fuel for all takes 1000000", "with none"]),
        (&["--actor", "hello.wat", "--require-build"], ["`require-build` true", "with false"]),
    ] {
        part(&sandbox, 2, "2.json", args);
        let refused = sandbox.retake(["merge", "1.json", "2.json"]).expect(4);
        refused.says(&[words[0], words[1], "`1.json`", "`2.json`"]);
    }

    // Another `retake.toml`, also where it is for a take of the other part.
    for text in [
        "fuel = 1000000",
        "labels = ['x']",
        "[takes.'1.take']\nexpect = 'diverge'\nat = { chain = 0, event = 1 }",
    ] {
        sandbox.write("takes/retake.toml", text);
        part(&sandbox, 2, "2.json", &["--actor", "hello.wat"]);
        let refused = sandbox.retake(["merge", "1.json", "2.json"]).expect(4);
        refused.says(&["`2.json` was run with settings of takes that come to SHA-256 "]);
    }
}

#[test]
fn reports_whose_takes_do_not_have_the_settings_they_claim_are_refused() {
    let sandbox = suite();
    part(&sandbox, 1, "1.json", &["--actor", "hello.wat"]);
    part(&sandbox, 2, "2.json", &["--actor", "hello.wat"]);
    sandbox.retake(["merge", "1.json", "2.json"]).expect(0);
    let text = String::from_utf8(sandbox.read("2.json")).expect("text");
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        sandbox.write("2.json", text.replace(from, to));
        sandbox.retake(["merge", "1.json", "2.json"]).expect(4)
    };
    let refused = change("\"expect\":\"identical\"", "\"expect\":{\"diverge\":{\"chain\":0,\"event\":4}}");
    refused.says(&["differ from those of the suite"]);
    change("\"source\":\"configured\"", "\"source\":\"recorded\"").says(&["is not the one in its settings"]);
    let other = format!("\"path\":\"{}\"", actor("hello.wat"));
    change("\"path\":\"hello.wat\"", &other).says(&["is not the one in its settings"]);
}
