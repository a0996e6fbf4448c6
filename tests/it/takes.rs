//! Every fault of the table has a take in `fixtures/takes`, and `verify` says of each exactly what is wrong,
//! and where.
//!
//! `RETAKE_BLESS=1 cargo test --test takes` writes the files whose recipes make others; without it they are
//! read only.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use crate::recipes::pairs::{AT_ONE_PLACE, AT_TWO_PLACES, Pair};
use crate::recipes::{ROWS, Row, folder};
use crate::support::{Ended, Sandbox};
use retake_verifier::{FaultKind, verify};
use serde_json::Value;

/// The takes that are whole: one of each version that was released.
const RELEASED: &[&str] = &["1.0"];

/// Whether the files are there: with `RETAKE_BLESS` they are made first.
static BLESSED: LazyLock<()> = LazyLock::new(|| {
    if std::env::var_os("RETAKE_BLESS").is_none() {
        return;
    }
    if !folder().join("1.0.take").exists() {
        record_the_couriers();
    }
    for row in kept() {
        let (path, made) = (folder().join(format!("{}.take", row.fault)), (row.recipe)());
        if fs::read(&path).ok().as_ref() != Some(&made) {
            fs::write(&path, made).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
});

/// Records the take of this version: two actors that message each other, from the folder of the takes, so
/// that the path to the component is the same for everybody.
fn record_the_couriers() {
    let calls = [
        "#0 post(\"#1\", \"one\")",
        "#0 ask(\"#1\", \"two\")",
        "#1 post(\"#0\", \"three\")",
        "#1 received()",
    ];
    let calls = calls.iter().flat_map(|call| ["--invoke", call]);
    let fixed = ["record", "../actors/courier.wasm", "-o", "1.0.take", "--embed", "--actors", "2"];
    let mut command = Sandbox::new().command(fixed.into_iter().chain(calls));
    Ended::of(command.current_dir(folder()).output().expect("the binary starts")).expect(0);
}

fn kept() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(|row| row.not_kept.is_none())
}

/// A take of the table, in a folder of its own.
fn placed(sandbox: &Sandbox, row: &Row) -> Vec<u8> {
    LazyLock::force(&BLESSED);
    let take = match row.not_kept {
        None => read(&folder().join(format!("{}.take", row.fault))),
        Some(_) => (row.recipe)(),
    };
    sandbox.write("it.take", &take);
    take
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| {
        panic!("{}: {error}; make it with `RETAKE_BLESS=1 cargo test --test takes`", path.display())
    })
}

#[test]
fn verify_names_each_fault_with_its_place_and_exit_code() {
    let sandbox = Sandbox::new();
    let mut wrong = Vec::new();
    for row in ROWS {
        let take = placed(&sandbox, row);
        let json = sandbox.retake(["verify", "--json", "it.take"]);
        let said = json.json();
        let found =
            (said["fault"].clone(), said["offset"].clone(), said["event"].clone(), json.status.code());
        let expected =
            (Value::from(row.fault), Value::from(row.offset), Value::from(row.event), Some(row.exit.into()));
        if found != expected {
            wrong.push(format!("{}: {found:?} instead of {expected:?}", row.fault));
        }
        let text = sandbox.retake(["verify", "it.take"]).expect(row.exit.into());
        text.says(&[&format!("[{}]", row.fault)]);
        assert!(sandbox.read("it.take") == take, "{}: verify changes the file", row.fault);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn replay_takes_none_of_them_for_good() {
    let sandbox = Sandbox::new();
    for row in ROWS {
        let take = placed(&sandbox, row);
        let replayed = sandbox.retake(["replay", "it.take"]);
        assert!(replayed.status.code().is_some_and(|code| code != 0), "{}: {replayed:?}", row.fault);
        assert!(sandbox.read("it.take") == take, "{}: replay changes the file", row.fault);
    }
}

#[test]
fn what_the_faults_are_put_into_is_whole_and_replays() {
    LazyLock::force(&BLESSED);
    let sandbox = Sandbox::new();
    for session in [
        crate::recipes::session::command(),
        crate::recipes::session::couriers(),
        crate::recipes::session::exchange(),
    ] {
        sandbox.write("it.take", session.sealed());
        sandbox.assert_intact_and_identical("it.take");
    }
}

#[test]
fn the_take_of_each_released_version_verifies_and_replays() {
    LazyLock::force(&BLESSED);
    let sandbox = Sandbox::new();
    for version in RELEASED {
        sandbox.write("it.take", read(&folder().join(format!("{version}.take"))));
        sandbox.assert_intact_and_identical("it.take");
    }
}

/// What a reader says of a take: the fault, with its place.
fn fault(take: impl std::io::Read + Send) -> (&'static str, Option<u64>, u64) {
    match verify(take) {
        Ok(report) => (report.fault().map_or("none", FaultKind::name), report.offset(), report.events),
        Err(error) => (error.kind().name(), error.offset(), error.event()),
    }
}

#[test]
fn of_two_faults_at_one_place_the_first_of_the_table_is_told() {
    for pair in AT_ONE_PLACE {
        assert_first_is_told(pair);
        let place = |name| FaultKind::ALL.iter().position(|fault| fault.name() == name);
        assert!(place(pair.first) < place(pair.second), "{} is before {}", pair.first, pair.second);
    }
}

#[test]
fn of_two_faults_at_two_places_the_first_of_the_file_is_told() {
    AT_TWO_PLACES.iter().for_each(assert_first_is_told);
}

fn assert_first_is_told(pair: &Pair) {
    let found = |first, second| fault(&(pair.recipe)(first, second)[..]).0;
    let Pair { first, second, .. } = pair;
    let all = [found(false, false), found(true, false), found(false, true), found(true, true)];
    assert_eq!(all, ["none", first, second, first], "without, each alone, both");
}

/// Gives one byte at a time, as a pipe may.
struct Trickle<'a>(&'a [u8]);

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let one = self.0.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

#[test]
fn what_is_told_does_not_depend_on_how_the_bytes_arrive() {
    LazyLock::force(&BLESSED);
    for row in kept() {
        let take = read(&folder().join(format!("{}.take", row.fault)));
        assert_eq!(fault(Trickle(&take)), fault(&take[..]), "{}", row.fault);
    }
}

#[test]
fn every_fault_that_a_file_can_have_has_its_take() {
    let names: Vec<_> = FaultKind::ALL
        .iter()
        .filter(|fault| **fault != FaultKind::Unreadable)
        .map(|fault| fault.name())
        .collect();
    let rows: Vec<_> = ROWS.iter().map(|row| row.fault).collect();

    assert_eq!(rows, names, "the rows are the faults, in their order");
}

#[test]
fn the_page_of_the_format_has_the_table_of_faults() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/format.md")).expect("the page");
    let head = "| fault | meaning | exit |\n|---|---|---|\n";
    let (_, table) = page.split_once(head).expect("the table of faults");
    let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    let row = |fault: &FaultKind| {
        format!("| `{}` | {} | {} |", fault.name(), fault.meaning(), fault.exit_code().code())
    };
    let expected: Vec<String> = FaultKind::ALL.iter().map(row).collect();

    assert_eq!(rows, expected);
}

#[test]
fn every_file_has_its_row_and_none_is_large() {
    LazyLock::force(&BLESSED);
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder()).expect("the folder of the takes") {
        let entry = entry.expect("an entry");
        assert!(entry.metadata().expect("a file").len() <= 64 << 10, "{} is large", entry.path().display());
        files.insert(entry.file_name().into_string().expect("a name that is text"));
    }
    let names = RELEASED.iter().copied().chain(kept().map(|row| row.fault));
    let expected: BTreeSet<String> = names.map(|name| format!("{name}.take")).collect();

    assert_eq!(files, expected);
}
