//! JSON lines that are not whole, or not what was recorded, do not become a take; and a new take is there as
//! a whole or not at all.

use crate::support::{Sandbox, actor};

/// A sandbox with the take of the smallest command, `it.take`, and its lines, `it.jsonl`.
fn hello() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat"), "-o", "it.take"]).expect(0);
    let lines = sandbox.retake(["export", "it.take"]).expect(0).stdout;
    sandbox.write("it.jsonl", &lines);
    (sandbox, lines)
}

/// Demands that an import ends so, says that, and leaves nothing behind.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, lines: &str, code: i32, words: &[&str]) {
    sandbox.write("wrong.jsonl", lines);
    let before = sandbox.names();
    let refused = sandbox.retake(["import", "wrong.jsonl", "-o", "new.take"]).expect(code);
    assert_eq!(sandbox.names(), before, "something is left behind");
    assert!(
        refused.stderr.starts_with("retake: `wrong.jsonl`: ") && refused.stdout.is_empty(),
        "{refused:?}"
    );
    refused.says(words);
}

#[test]
fn an_edited_line_is_refused_with_its_number() {
    // Somebody changes what was recorded, and leaves the hashes.
    let (sandbox, text) = hello();
    let lines: Vec<&str> = text.lines().collect();
    let with = |number: usize, changed: &str| {
        let mut lines = lines.clone();
        lines[number - 1] = changed;
        lines.join("\n")
    };
    let now = lines[4].replace("\"returned\":", "\"returned\":1");
    let other_hash = lines[4].replace("\"hash\":\"", "\"hash\":\"0");
    let other_type = lines[4].replace("0.2.3/now", "0.2.3/then");
    let unsorted = lines[4].replace(r#""input":[],"#, "").replace("}}}}}", r#"},"input":[]}}}}"#);
    let count = lines[8].replace("\",6,\"", "\",5,\"");
    let events = lines[8].replace("\"events\":6", "\"events\":7");
    let before = sandbox.take("it.take").chains[0].events[4].hash.to_string();
    let head = format!("{},\"{before}\"]]}}}}}}", lines[8].rsplit_once(',').expect("a head").0);
    let kind = lines[8].replace("complete", "perfect");
    let id = lines[1].replace("\"id\":\"", "\"id\":\"x");
    let rows: &[(String, &[&str])] = &[
        (with(5, &now), &["line 5: event 2 (index 2 of chain 0", "monotonic-clock", "was altered"]),
        (with(5, &other_type), &["line 5: event 2", "/then", "was altered"]),
        (with(5, &other_hash), &["line 5 is not a line of a take", "is not a SHA-256"]),
        (with(5, &unsorted), &["line 5: event 2", "was altered"]),
        (with(5, lines[5]), &["line 5: ", "expected event 2, found event 3"]),
        (with(5, "{}"), &["line 5 is not JSON at byte 2"]),
        (with(5, "nonsense"), &["line 5 is not JSON at byte 1"]),
        (with(5, lines[0]), &["line 5 is a header"]),
        (with(2, &id), &["line 2 is not a line of a take", "is not an actor id"]),
        (with(9, &count), &["line 9: the seal says that chain 0 has 5 events, but it has 6"]),
        (with(9, &events), &["line 9: the seal says that the take has 7 events", "has 6"]),
        (with(9, &head), &["line 9: the seal says that the head of chain 0 is", &before]),
        (with(9, &kind), &["line 9", "perfect"]),
        (format!("{text}{}", lines[8]), &["line 10 follows the `end` line"]),
    ];
    for (changed, words) in rows {
        assert_ne!(*changed, text);
        assert_refused(&sandbox, changed, 3, &[words, &["`new.take` was not written"][..]].concat());
    }
}

#[test]
fn a_truncated_file_is_refused() {
    let (sandbox, text) = hello();
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    for (lines, end) in (1..).zip(&ends[..ends.len() - 1]) {
        assert_refused(&sandbox, &text[..*end], 3, &[&format!("after line {lines} without an `end` line")]);
        let cut = format!("line {} is cut short", lines + 1);
        assert_refused(&sandbox, &text[..end + 20], 3, &[&cut]);
    }
    assert_refused(&sandbox, "", 4, &["the file is empty"]);
    assert_refused(&sandbox, &text[..5], 4, &["line 1 is not a header"]);
}

#[test]
fn what_is_no_take_in_lines_could_not_be_checked() {
    let (sandbox, text) = hello();
    assert_refused(
        &sandbox,
        &text.replacen("[1,0]", "[2,0]", 1),
        4,
        &["format 2.0", "this program reads 1.0"],
    );
    assert_refused(&sandbox, "Dear reader,\n", 4, &["line 1 is not a header of a take in JSON lines"]);
    sandbox.retake(["import", "missing.jsonl", "-o", "new.take"]).expect(4).says(&["`missing.jsonl`"]);
    sandbox.retake(["import", "it.take", "-o", "new.take"]).expect(4).says(&["line 1 is not a header"]);
    assert_eq!(sandbox.names(), ["it.jsonl", "it.take", "wrong.jsonl"]);
}

#[test]
fn an_existing_file_is_replaced_by_force_only_and_only_by_a_whole_take() {
    let (sandbox, text) = hello();
    sandbox.write("new.take", "precious");
    sandbox.write("cut.jsonl", &text[..text.len() / 2]);
    let import = |args: &[&str]| sandbox.retake(["import"].iter().chain(args));

    import(&["it.jsonl", "-o", "new.take"]).expect(4).says(&["`new.take`", "exists already", "--force"]);
    import(&["cut.jsonl", "-o", "new.take", "--force"]).expect(3);
    assert_eq!(sandbox.read("new.take"), b"precious");
    assert_eq!(sandbox.names(), ["cut.jsonl", "it.jsonl", "it.take", "new.take"]);

    import(&["it.jsonl", "-o", "new.take", "--force"]).expect(0);
    sandbox.assert_intact_and_identical("new.take");
}

#[test]
fn a_link_stays_and_what_is_no_file_is_never_replaced() {
    let (sandbox, _) = hello();
    sandbox.create_folder("folder");
    sandbox.write("target.take", "precious");
    std::os::unix::fs::symlink("target.take", sandbox.path("link.take")).expect("a link");
    let import = |output: &str, force: &[&str]| {
        sandbox.retake(["import", "it.jsonl", "-o", output].iter().chain(force))
    };

    import("link.take", &[]).expect(4).says(&["exists already"]);
    import("link.take", &["--force"]).expect(0);
    assert!(std::fs::symlink_metadata(sandbox.path("link.take")).expect("it is there").is_symlink());
    sandbox.assert_intact_and_identical("target.take");
    for output in ["folder", "/dev/null", "missing/new.take", "it.jsonl/new.take", ".."] {
        import(output, &["--force"]).expect(4).says(&[output, "cannot be created"]);
    }
}

#[test]
fn a_new_take_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (sandbox, _) = hello();
    let import = sandbox.command_behind("umask 022", ["import", "it.jsonl", "-o", "new.take"]).output();
    assert!(import.expect("the binary starts").status.success());
    let mode = std::fs::metadata(sandbox.path("new.take")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn lines_can_come_from_stdin_and_the_answer_can_be_json() {
    let (sandbox, text) = hello();

    let report =
        sandbox.retake_with_stdin(["import", "-", "-o", "new.take", "--json"], &text).expect(0).json();
    assert_eq!(
        (&report["take"], &report["exit"], &report["events"]),
        (&"new.take".into(), &0.into(), &6.into())
    );
    assert_eq!(report["bytes"], sandbox.read("new.take").len());

    let cut = &text[..text.len() / 2];
    let refused =
        sandbox.retake_with_stdin(["import", "-", "-o", "other.take", "--json"], cut).expect(3).json();
    assert_eq!((&refused["take"], &refused["exit"]), (&"other.take".into(), &3.into()));
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("cut short")), "{refused}");
}
