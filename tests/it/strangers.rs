//! A reader that was made from the page of the format alone, `docs/verify.py`, says the same as `retake
//! verify` of every take: good ones, faulty ones, and those that somebody tampered with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::recipes::ROWS;
use crate::recipes::session::{Said, Session, command, couriers, exchange};
use crate::support::{Ended, Sandbox, actor};
use retake_chain::{ChainEventData, Outcome, TheaterRuntimeEventData, WasmEventData};

/// Runs the script on takes; one line tells of each.
fn strangers_answers(sandbox: &Sandbox, takes: &[String]) -> BTreeMap<String, bool> {
    let remedy = "these tests need `python3` with the modules `msgpack` and `zstandard`: \
        python3 -m venv FOLDER && FOLDER/bin/pip install msgpack zstandard && PATH=FOLDER/bin:$PATH";
    let modules = Command::new("python3").args(["-c", "import msgpack, zstandard"]).output();
    assert!(modules.is_ok_and(|output| output.status.success()), "{remedy}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify.py");
    let mut python = Command::new("python3");
    python.arg(script).args(takes).current_dir(sandbox.path(""));
    let ended = Ended::of(python.output().expect("python3 starts"));
    let answers: BTreeMap<_, _> = ended.stdout.lines().map(answer).collect();
    assert_eq!(answers.len(), takes.len(), "a line for each take\n{}{}", ended.stdout, ended.stderr);
    let all_good = answers.values().all(|good| *good);
    assert_eq!(ended.status.code(), Some(i32::from(!all_good)), "the exit code is that of all");
    answers
}

fn answer(line: &str) -> (String, bool) {
    let (take, said) = line.split_once(": ").unwrap_or_else(|| panic!("no answer: {line}"));
    (take.into(), said.starts_with("intact and complete"))
}

fn our_answers(sandbox: &Sandbox, takes: &[String]) -> BTreeMap<String, bool> {
    let ended =
        sandbox.retake(["verify", "--json"].iter().map(|arg| arg.to_string()).chain(takes.iter().cloned()));
    let lines = ended.json_lines();
    lines.iter().map(|line| (line["take"].as_str().expect("a name").into(), line["exit"] == 0)).collect()
}

/// Asks both about takes of these names and contents; returns how many they call good.
#[track_caller]
fn both_agree(takes: impl IntoIterator<Item = (String, Vec<u8>)>) -> (usize, usize) {
    let sandbox = Sandbox::new();
    let mut names = Vec::new();
    for (name, content) in takes {
        sandbox.write(&name, content);
        names.push(name);
    }
    let (ours, theirs) = (our_answers(&sandbox, &names), strangers_answers(&sandbox, &names));
    let differing: Vec<_> = ours.iter().filter(|(name, good)| theirs[*name] != **good).collect();
    assert!(
        differing.is_empty(),
        "verify calls these good or not, and the script says otherwise: {differing:?}"
    );
    let good = ours.values().filter(|good| **good).count();
    (good, ours.len() - good)
}

fn fixtures() -> Vec<PathBuf> {
    let files = std::fs::read_dir(crate::recipes::folder()).expect("the folder of the takes");
    files.map(|file| file.expect("an entry").path()).collect()
}

#[test]
fn a_stranger_finds_every_fault_and_calls_good_takes_good() {
    let name = |path: &Path| path.file_name().expect("a file").to_string_lossy().into_owned();
    let kept = fixtures().into_iter().map(|path| (name(&path), std::fs::read(&path).expect("a take")));
    let made = ROWS.iter().filter(|row| row.not_kept.is_some());
    let made = made.map(|row| (format!("{}.take", row.fault), (row.recipe)()));

    assert_eq!(both_agree(kept.chain(made)), (1, ROWS.len()));
}

/// Exchanges of all kinds.
const EXCHANGES: &[&str] = &[
    "--request",
    "POST /echo hello",
    "--request",
    "HEAD /stream/2",
    "--request",
    "GET /late",
    "--request",
    "PROPFIND /exact",
    "--request",
    "GET /refuse",
    "--request",
    "PUT /silent text",
    "--request",
    "GET /",
];

#[test]
fn a_stranger_calls_the_recordings_of_other_actors_good() {
    let sandbox = Sandbox::new();
    sandbox.write("input.txt", "some\nlines\n");
    let recordings: [(&str, &[&str]); 7] = [
        ("http-edge.wasm", EXCHANGES),
        ("http-c.wasm", EXCHANGES),
        ("wasi-http.wasm", EXCHANGES),
        ("agent.wasm", &["--request", "GET /", "--request", "GET /nowhere", "--embed"]),
        ("command.wasm", &["--dir", ".::/data", "--", "--dir", "/data", "--time", "--random"]),
        ("counter.wasm", &["--invoke", "fill(5000)", "--invoke", "boom()", "--invoke", "get()"]),
        ("trap.wat", &[]),
    ];
    let take = |(number, (name, args)): (usize, &(&str, &[&str]))| {
        let (name, take) = (actor(name), format!("{number}.take"));
        let fixed = ["record", &name, "-o", &take];
        sandbox.retake(fixed.iter().chain(args.iter())).expect(0);
        (take.clone(), sandbox.read(&take))
    };

    assert_eq!(both_agree(recordings.iter().enumerate().map(take)), (7, 0));
}

#[test]
fn a_stranger_finds_changed_cut_and_appended_bytes() {
    let take = couriers().sealed();
    let mut random = Random(1);
    let flipped = (0..300).map(|_| {
        let (at, bit) = (random.below(take.len()), random.below(8));
        let mut flipped = take.clone();
        flipped[at] ^= 1 << bit;
        (format!("{at}-{bit}.take"), flipped)
    });
    let flipped: Vec<_> = flipped.collect();
    let cut =
        (0..60).map(|_| random.below(take.len())).map(|at| (format!("cut-{at}.take"), take[..at].to_vec()));
    let tails: [&[u8]; 4] = [&[0], b"\n", &[0; 5000], &take];
    let longer = tails
        .iter()
        .enumerate()
        .map(|(number, tail)| (format!("and-{number}.take"), [&take, *tail].concat()));
    let (good, bad) = both_agree(flipped.into_iter().chain(cut).chain(longer));

    assert!(good == 0 && bad > 300, "{good} good, {bad} bad");
}

#[test]
fn a_stranger_judges_takes_alike_whose_events_were_removed_doubled_or_moved_and_hashed_anew() {
    let mut takes = Vec::new();
    for (session, whose) in [(couriers(), "couriers"), (command(), "command"), (exchange(), "exchange")] {
        for at in 0..session.events.len() {
            let one = session.events[at].clone();
            takes.push((format!("{whose}-without-{at}.take"), session.clone().without(at..at + 1).sealed()));
            takes.push((
                format!("{whose}-doubled-{at}.take"),
                session.clone().with_more(at, one.clone()).sealed(),
            ));
            for to in [at + 1, at + 2].into_iter().filter(|to| *to < session.events.len()) {
                let moved = session.clone().without(at..at + 1).with_more(to, one.clone());
                takes.push((format!("{whose}-{at}-to-{to}.take"), moved.sealed()));
            }
        }
    }
    let (good, bad) = both_agree(takes);

    assert!(good > 10 && bad > 50, "{good} good, {bad} bad");
}

#[test]
fn a_stranger_judges_takes_alike_whose_data_was_changed_and_hashed_anew() {
    let mut random = Random(2);
    let mut takes = Vec::new();
    for (session, whose) in [(couriers(), "couriers"), (command(), "command"), (exchange(), "exchange")] {
        for at in 0..session.events.len() {
            let mut add =
                |name, session: Session| takes.push((format!("{whose}-{at}-{name}.take"), session.sealed()));
            (0..40).for_each(|number| add(number, with_other_data(&session, at, &mut random)));
            // What the data begins with says how the rest is read, so each byte of it is left out once.
            for byte in 0..16.min(session.events[at].data.len()) {
                let mut data = session.events[at].data.clone();
                data.remove(byte);
                add(100 + byte, session.clone().with_data(at, &data));
            }
        }
    }
    let (good, bad) = both_agree(takes);

    assert!(good > 10 && bad > 300, "{good} good, {bad} bad");
}

/// The session with a byte of an event's data changed, taken out or put in.
fn with_other_data(session: &Session, event: usize, random: &mut Random) -> Session {
    let mut data = session.events[event].data.clone();
    let (at, byte) = (random.below(data.len()), random.below(256) as u8);
    match random.below(4) {
        0 => data = [&data[..at], &data[at + 1..]].concat(),
        1 => data.insert(at, byte),
        2 => data[at] ^= 1 << (byte % 8),
        _ => data[at] = byte,
    }
    session.clone().with_data(event, &data)
}

/// Numbers that are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % bound as u64) as usize
    }
}

/// Events of every part in any order: of most of these takes nothing is right but the hashes, of some all is.
#[test]
fn a_stranger_has_the_same_grammar() {
    let whole = command();
    let runtime = |data| Said::new(ChainEventData::theater_runtime(data));
    let message = TheaterRuntimeEventData::Message { from: whole.chains[0], number: 0 };
    let parts = [
        whole.events[0].clone(),
        whole.events[1].clone(),
        whole.events[2].clone(),
        whole.events[4].clone(),
        whole.events[5].clone(),
        runtime(TheaterRuntimeEventData::ActorStarted),
        runtime(message),
        Said::new(ChainEventData::wasm(WasmEventData::WasmComponentCreationError { error: "none".into() })),
        Said::new(ChainEventData::wasm(WasmEventData::ended("stop".into(), None, Outcome::Cancelled))),
    ];
    let mut takes = Vec::new();
    for (first, one) in parts.iter().enumerate() {
        for (second, other) in parts.iter().enumerate() {
            for at in [1, 3, 5] {
                let session = whole.clone().with_more(at, other.clone()).with_more(at, one.clone());
                takes.push((format!("{first}-{second}-{at}.take"), session.sealed()));
            }
        }
    }
    let (good, bad) = both_agree(takes);
    assert!(good >= 12 && bad >= 100, "{good} good, {bad} bad");
}
