//! What a run of a suite tells machines: JSON lines, JUnit, GitHub's annotations and summary; and the reports
//! of its partitions, which `retake merge` joins into one verdict only if they are the whole.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::{Ended, Sandbox, actor};
use serde_json::{Value as Json, json};

/// So many takes in a folder `takes`, all of one command.
fn suite(takes: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.create_folder("takes");
    sandbox.copy_actor("hello.wat");
    sandbox.retake(["record", "hello.wat", "-o", "takes/00.take"]).expect(0);
    let take = sandbox.read("takes/00.take");
    (1..takes).for_each(|number| sandbox.write(&format!("takes/{number:02}.take"), &take));
    sandbox
}

/// Runs with these variables of a CI system.
fn in_ci(sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command: Command = sandbox.command(args);
    command.envs(variables.iter().copied());
    Ended::of(command.output().expect("the binary starts"))
}

fn annotations(ended: &Ended) -> Vec<&str> {
    ended.stdout.lines().chain(ended.stderr.lines()).filter(|line| line.starts_with("::")).collect()
}

#[test]
fn the_json_stream_has_every_event_of_the_run() {
    let sandbox = suite(2);
    sandbox.write("takes/01.take", "not a take");

    let lines = sandbox.retake(["test", "--json", "takes", "--jobs", "1"]).expect(4).json_lines();

    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().expect("an event")).collect();
    assert_eq!(
        events,
        ["suite-started", "take-started", "take-finished", "take-started", "take-finished", "suite-finished"]
    );
    assert_eq!((&lines[0]["version"], &lines[0]["takes"]), (&json!(2), &json!(2)));
    assert_eq!(lines[0]["suite"]["takes"], 2);
    let [passed, failed] = [&lines[2], &lines[4]];
    assert_eq!(
        (&passed["status"], &passed["calls"], &passed["events"]),
        (&json!("passed"), &json!(1), &json!(6))
    );
    assert_eq!(passed["report"]["verdict"], "identical");
    assert_eq!((&failed["status"], &failed["exit"]), (&json!("unchecked"), &json!(4)));
    assert!(failed["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{failed:#}");
    let end = &lines[5];
    assert_eq!(
        (&end["exit"], &end["totals"]["passed"], &end["totals"]["unchecked"]),
        (&json!(4), &json!(1), &json!(1))
    );
}

#[test]
fn every_field_of_the_stream_is_documented() {
    let sandbox = suite(2);
    sandbox.write("takes/01.take", "not a take");
    let run = sandbox.retake(["test", "--json", "takes", "--fail-fast", "--jobs", "1"]).expect(4);
    sandbox.create_folder("empty");
    let refused = sandbox.retake(["test", "--json", "empty"]).expect(5);
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/suite.md")).expect("the page");

    for line in run.json_lines().iter().chain(&refused.json_lines()) {
        let mut words = vec![line["event"].as_str().expect("an event").to_string()];
        words.extend(line.as_object().expect("an object").keys().cloned());
        for field in ["suite", "totals", "settings", "build"] {
            words.extend(line[field].as_object().into_iter().flat_map(|fields| fields.keys().cloned()));
        }
        for word in words {
            assert!(page.contains(&format!("`{word}`")), "docs/suite.md does not name `{word}`");
        }
    }
}

#[test]
fn junit_has_a_case_per_take_with_the_divergence_in_it() {
    let sandbox = suite(3);
    sandbox.write("takes/01.take", "not a take <&>");
    sandbox.write("takes/retake.toml", format!("[takes.'02.take']\nactor = '{}'", actor("exit.wat")));

    sandbox.retake(["test", "takes", "--junit", "junit.xml"]).expect(1);

    let xml = String::from_utf8(sandbox.read("junit.xml")).expect("text");
    let head = "<testsuite name=\"retake\" tests=\"3\" disabled=\"0\" errors=\"1\" failures=\"1\"";
    assert!(xml.contains(head), "{xml}");
    for word in [
        "<testcase name=\"takes/00.take\"",
        "<error ",
        "type=\"unchecked\"",
        "type=\"diverged\"",
        "  expected: ",
    ] {
        assert!(xml.contains(word), "{word} is not in {xml}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_no_success() {
    let sandbox = suite(1);
    let report = ["test", "takes", "--report", "missing/report.json"];
    sandbox.retake(report).expect(4).says(&["1 passed", "cannot be written"]);
    sandbox
        .retake(["test", "takes", "--junit", "missing/junit.xml"])
        .expect(4)
        .says(&["1 passed", "cannot be written"]);
    let ended = in_ci(&sandbox, &["test", "takes"], &[("GITHUB_STEP_SUMMARY", "missing/summary.md")]);
    ended.expect(4).says(&["GITHUB_STEP_SUMMARY"]);
}

#[test]
fn github_gets_the_ten_gravest_failures_and_the_number_of_the_others() {
    let sandbox = suite(14);
    (0..12).for_each(|number| sandbox.write(&format!("takes/{number:02}.take"), "not a take"));
    let torn = sandbox.read("takes/13.take");
    sandbox.write("takes/13.take", &torn[..torn.len() - 40]);

    let ended = in_ci(&sandbox, &["test", "takes"], &[("GITHUB_ACTIONS", "true")]).expect(3);

    let lines = annotations(&ended);
    assert_eq!(lines.len(), 11, "{lines:#?}");
    assert!(lines[0].starts_with("::error file=takes/13.take,title=DAMAGED takes/13.take::"), "{}", lines[0]);
    assert!(lines[1].starts_with("::error file=takes/00.take,"), "{}", lines[1]);
    assert!(lines[10].starts_with("::notice ") && lines[10].contains("3 takes more failed"), "{}", lines[10]);
    assert!(lines[0].contains("%0A"), "a message of several lines is one command: {}", lines[0]);
}

#[test]
fn annotations_come_when_they_are_asked_for_and_leave_json_alone() {
    let sandbox = suite(1);
    sandbox.write("takes/00.take", "not a take");
    assert_eq!(annotations(&in_ci(&sandbox, &["test", "takes"], &[])).len(), 0);
    let github = [("GITHUB_ACTIONS", "true")];
    assert_eq!(annotations(&in_ci(&sandbox, &["test", "takes", "--annotate", "none"], &github)).len(), 0);
    let ended = in_ci(&sandbox, &["test", "takes", "--json", "--annotate", "github"], &[]).expect(4);
    assert_eq!(annotations(&ended).len(), 1);
    assert_eq!(ended.json_lines().len(), 4);
}

#[test]
fn the_summary_of_the_step_is_appended() {
    let sandbox = suite(2);
    sandbox.write("takes/01.take", "not a take");
    sandbox.write("summary.md", "before\n");

    in_ci(&sandbox, &["test", "takes"], &[("GITHUB_STEP_SUMMARY", "summary.md")]).expect(4);

    let text = String::from_utf8(sandbox.read("summary.md")).expect("text");
    assert!(
        text.starts_with("before\n### retake test: 2 takes run: 1 passed, 1 could not be checked\n"),
        "{text}"
    );
    assert!(text.contains("<summary>UNCHECKED <code>takes/01.take</code></summary>"), "{text}");
}

/// Runs a partition; returns its takes, and leaves its report in a file.
fn run_part(sandbox: &Sandbox, partition: &str, report: &str) -> BTreeSet<String> {
    let args = ["test", "takes", "--json", "--report", report, "--partition", partition];
    let ended = sandbox.retake(args);
    assert_eq!(sandbox.read(report), ended.stdout.as_bytes());
    let lines = ended.json_lines();
    let finished = lines.iter().filter(|line| line["event"] == "take-finished");
    finished.map(|line| line["name"].as_str().expect("a name").to_string()).collect()
}

#[test]
fn the_partitions_of_a_suite_have_each_take_once() {
    let sandbox = suite(10);
    for kind in ["slice", "hash"] {
        let mut all = BTreeSet::new();
        let mut counts = Vec::new();
        for index in 1..=3 {
            let part = run_part(&sandbox, &format!("{kind}:{index}/3"), "part.json");
            counts.push(part.len());
            part.into_iter().for_each(|name| assert!(all.insert(name), "{kind}: a take is in two parts"));
        }
        assert_eq!(all.len(), 10, "{kind}");
        assert!(kind == "hash" || counts == [4, 3, 3], "{counts:?}");
    }
}

#[test]
fn by_its_hash_a_take_stays_in_its_part_when_others_go() {
    let sandbox = suite(10);
    let before = run_part(&sandbox, "hash:1/2", "part.json");
    sandbox.remove_if_there("takes/00.take");
    let mut expected = before;
    expected.remove("takes/00.take");
    assert_eq!(run_part(&sandbox, "hash:1/2", "part.json"), expected);
}

#[test]
fn what_is_no_partition_is_refused_and_one_without_takes_is_no_success() {
    let sandbox = suite(1);
    for text in ["slice:0/2", "slice:3/2", "slice:1/0", "count:1/2", "slice:1", "hash:a/b", "slice:1/2/3"] {
        sandbox
            .retake(["test", "takes", "--partition", text])
            .expect(2)
            .says(&["is not a partition", "slice:M/N"]);
    }
    sandbox
        .retake(["test", "takes", "--partition", "slice:2/2"])
        .expect(5)
        .says(&["has none of the suite's takes (1 take)"]);
}

/// A suite of five takes, one of them bad, run in two partitions.
fn two_parts() -> Sandbox {
    let sandbox = suite(5);
    sandbox.write("takes/02.take", "not a take");
    run_part(&sandbox, "slice:1/2", "1.json");
    run_part(&sandbox, "slice:2/2", "2.json");
    sandbox
}

#[test]
fn merged_partitions_say_what_one_run_says() {
    let sandbox = two_parts();

    let merged = sandbox.retake(["merge", "2.json", "1.json", "--junit", "junit.xml"]).expect(4);

    merged.says(&["5 takes run: 4 passed, 1 could not be checked", "UNCHECKED", "`takes/02.take`: "]);
    let xml = String::from_utf8(sandbox.read("junit.xml")).expect("text");
    assert!(xml.contains("tests=\"5\""), "{xml}");
    let lines = sandbox.retake(["merge", "--json", "1.json", "2.json"]).expect(4).json_lines();
    let whole = sandbox.retake(["test", "--json", "takes"]).expect(4).json_lines();
    let end = |lines: &[Json]| lines.last().expect("an end")["totals"].clone();
    assert_eq!(end(&lines), end(&whole));
    assert_eq!(lines[0]["suite"], whole[0]["suite"]);

    let sandbox = suite(5);
    ["1", "2"].iter().for_each(|part| {
        run_part(&sandbox, &format!("slice:{part}/2"), &format!("{part}.json"));
    });
    let ended = sandbox.retake(["merge", "1.json", "2.json"]).expect(0);
    ended.says(&["5 takes run: 5 passed"]);
    sandbox.write("merged.json", sandbox.retake(["merge", "--json", "1.json", "2.json"]).expect(0).stdout);
    sandbox.retake(["merge", "merged.json"]).expect(0).says(&["5 passed"]);
}

#[test]
fn reports_that_are_not_the_whole_suite_are_refused() {
    let sandbox = two_parts();
    let part = |name: &str| String::from_utf8(sandbox.read(name)).expect("text");
    let first = part("1.json");
    run_part(&sandbox, "hash:2/2", "hash.json");
    run_part(&sandbox, "slice:2/3", "thirds.json");
    let other = suite(5);
    run_part(&other, "slice:2/2", "2.json");
    sandbox.write("other.json", other.read("2.json"));
    let lines: Vec<&str> = first.lines().collect();
    sandbox.write("cut.json", lines[..lines.len() - 1].join("\n"));
    sandbox.write("half.json", &first[..first.len() - 20]);
    sandbox.write("headless.json", lines[1..].join("\n"));
    // The end of one take is left out.
    let end = lines.iter().position(|line| line.contains("take-finished")).expect("a take");
    let without = [&lines[..end], &lines[end + 1..]].concat();
    sandbox.write("without.json", without.join("\n"));
    sandbox.write("green.json", first.replace("\"unchecked\",\"exit\":4", "\"passed\",\"exit\":0"));
    sandbox.write("newer.json", first.replace("\"version\":2", "\"version\":3"));
    let table: &[(&[&str], &str)] = &[
        (&["1.json"], "no report of slice:2/2"),
        (&["1.json", "2.json", "2.json"], "both ran slice:2/2"),
        (&["1.json", "hash.json"], "divide the suite in different ways"),
        (&["1.json", "thirds.json"], "divide the suite in different ways"),
        (&["1.json", "other.json"], "are of different takes"),
        (&["cut.json", "2.json"], "`cut.json` is cut off"),
        (&["half.json", "2.json"], "`half.json` is not a report: line"),
        (&["headless.json", "2.json"], "does not start with `suite-started`"),
        (&["without.json", "2.json"], "`without.json` does not add up"),
        (&["green.json", "2.json"], "`green.json` does not add up"),
        (&["newer.json", "2.json"], "expected version 2, found version 3"),
        (&["missing.json", "2.json"], "`missing.json` cannot be read"),
    ];
    for (reports, words) in table {
        sandbox.retake(["merge"].iter().chain(*reports)).expect(4).says(&[words]);
    }
    sandbox.retake(["merge", "1.json", "2.json"]).expect(4).says(&["5 takes run"]);
}

#[test]
fn a_report_with_another_partitions_takes_is_refused() {
    let sandbox = suite(4);
    run_part(&sandbox, "slice:1/2", "1.json");
    let first = String::from_utf8(sandbox.read("1.json")).expect("text");
    sandbox.write("2.json", first.replace("slice:1/2", "slice:2/2"));
    sandbox.retake(["merge", "1.json", "2.json"]).expect(4).says(&["the reports do not cover the suite"]);
}
