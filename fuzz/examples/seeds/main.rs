//! Makes `seeds/` again, from the takes and the component texts in the folders that it is given, and from what
//! it knows of the formats itself. The name of each seed begins with what becomes of it, `accepted` or
//! `refused`.
//!
//! `seeds.sh` records the takes and runs this.

mod components;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use retake_chain::log::Record;
use retake_chain::*;
use retake_fuzz::promises::{TARGETS, pieces};

type Seeds = Vec<(String, Vec<u8>)>;

fn main() {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let [Some(takes), Some(texts)] = [args.next(), args.next()] else {
        panic!("give two folders: takes, texts")
    };
    let takes: Vec<(String, Vec<u8>)> = files(&takes, "take");
    for (name, property) in TARGETS {
        let seeds = match name {
            "log_reader" => files_of_takes(&takes),
            "log_records" => pieces_of_takes(&takes),
            "value_decoder" => payloads(&takes),
            _ => components::seeds(files(&texts, "wat")),
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        fs::create_dir_all(&folder).expect("the folder can be made");
        for (seed, bytes) in seeds {
            let outcome = if property(&bytes) { "accepted" } else { "refused" };
            fs::write(folder.join(format!("{outcome}-{seed}")), bytes).expect("the seed can be written");
        }
    }
}

/// Name without the ending, and content, of the files that end so.
fn files(folder: &Path, end: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension() == Some(OsStr::new(end))).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).expect("a file"))).collect()
}

/// Each take whole, cut and damaged.
fn files_of_takes(takes: &[(String, Vec<u8>)]) -> Seeds {
    let mut seeds = takes.to_vec();
    let (_, take) = &takes[0];
    let places = [3, 20, take.len() / 2, take.len() - 200, take.len() - 1];
    for (at, number) in places.into_iter().zip(0..) {
        let mut flipped = take.clone();
        flipped[at] ^= 4;
        seeds.push((format!("flipped-{number}"), flipped));
        seeds.push((format!("cut-{number}"), take[..at].to_vec()));
    }
    seeds.push(("nothing".into(), vec![]));
    seeds.push(("trailing".into(), [take, &b"more"[..]].concat()));
    seeds.push(("open".into(), pieces::pack(&piece(b"cid", b""))));
    seeds.push(("flushed".into(), flushed(take)));
    seeds
}

/// What is in the file when the recorder is killed after a flush.
fn flushed(take: &[u8]) -> Vec<u8> {
    let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
    for record in records(take) {
        match record {
            Record::Actor { .. } => {}
            Record::Chain { id, .. } => drop(writer.add_chain(id).expect("few chains")),
            Record::Event { chain, event, .. } => writer.append(chain, &event).expect("it was read"),
        }
    }
    writer.flush().expect("memory takes every write");
    let length = writer.bytes() as usize;
    writer.seal().expect("memory takes every write").0[..length].to_vec()
}

fn records(take: &[u8]) -> Vec<Record> {
    let mut reader = LogReader::open(take).expect("a take");
    std::iter::from_fn(|| reader.next_record().expect("a whole take")).collect()
}

/// The pieces of each take, and of some that no recorder writes.
fn pieces_of_takes(takes: &[(String, Vec<u8>)]) -> Seeds {
    let mut seeds: Seeds = takes
        .iter()
        .map(|(name, take)| (name.clone(), [unsealed(take), piece(b"s", b"")].concat()))
        .collect();
    let base = unsealed(&takes[0].1);
    let raw_chain = b"\x93\xa5chain\x01\xd9\x2401010101-0101-0101-0101-010101010101";
    for (name, end) in [
        ("unsealed", vec![]),
        ("repaired", piece(b"p", b"")),
        ("cut", [piece(b"s", b""), piece(b"t", &[0, 9])].concat()),
        ("raw", [piece(b"r", raw_chain), piece(b"s", b"")].concat()),
        ("raw-half", [piece(b"r", &raw_chain[..9]), piece(b"f", b"")].concat()),
        ("indexes", [piece(b"i", b""), piece(b"i", b""), piece(b"s", b"")].concat()),
        ("frames", [piece(b"f", b""), piece(b"c", &[7; 16]), piece(b"f", b""), piece(b"p", b"")].concat()),
        ("seal", [piece(b"i", b""), piece(b"S", b"\x92\xa4seal\x80")].concat()),
        ("trailing", [piece(b"s", b""), piece(b"x", b"more")].concat()),
        ("late-component", piece(b"a", b"component")),
        ("after-shutdown", piece(b"e", b"\0shutdown\0\xa8Shutdown")),
        ("unknown-chain", piece(b"e", b"\x09shutdown\0\xa8Shutdown")),
    ] {
        seeds.push((name.into(), [&base[..], &end].concat()));
    }
    let open = base.split_at(base.len() - piece(b"e", b"\0shutdown\0\xa8Shutdown").len()).0;
    seeds.push(("long".into(), [open, &piece(b"l", &[0, 0x11, 0, 0]), &piece(b"p", b"")].concat()));
    seeds
}

fn unsealed(take: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    for record in records(take) {
        all.extend(match record {
            Record::Actor { bytes, .. } => piece(b"a", &bytes),
            Record::Chain { id, .. } => piece(b"c", id.as_uuid().as_bytes()),
            Record::Event { chain, event, .. } => {
                piece(b"e", &[&[chain.0 as u8], event.event_type.as_bytes(), b"\0", &event.data].concat())
            }
        });
    }
    all
}

fn piece(kind: &[u8], rest: &[u8]) -> Vec<u8> {
    let divided = rest.windows(pieces::DIVIDER.len()).any(|window| window == pieces::DIVIDER);
    assert!(!divided, "the divider is in a piece by chance; record the takes again");
    [kind, rest, &pieces::DIVIDER].concat()
}

/// One payload for each type of event in the takes, and those that are in none of them.
fn payloads(takes: &[(String, Vec<u8>)]) -> Seeds {
    let mut seeds = Seeds::new();
    let mut seen = BTreeSet::new();
    let mut add = |event_type: &str, data: &[u8]| {
        let number = seeds.len();
        seeds.push((format!("{number:03}"), [event_type.as_bytes(), b"\0", data].concat()));
    };
    for record in takes.iter().flat_map(|(_, take)| records(take)) {
        if let Record::Event { event, .. } = record
            && seen.insert(event.event_type.clone())
        {
            add(&event.event_type, &event.data);
        }
    }
    let every = Value::record([
        ("none", Value::None),
        ("floats", Value::from(vec![Value::F32(0x7fa0_0001), Value::from(0.5f64), Value::F64(u64::MAX)])),
        ("integers", Value::from(vec![Value::from(u64::MAX), Value::from(i64::MIN), Value::from(-1i8)])),
        ("text", Value::from("é".repeat(80))),
        ("bytes", Value::from(vec![0xff; 300])),
        ("list", Value::from(vec![Value::from(true); 30])),
        ("handle", Value::Handle(70_000)),
    ]);
    let call = |output| HostFunctionCall {
        interface: "acme:a/b@1.0.0".into(),
        function: "f".into(),
        input: vec![every.clone()],
        output,
    };
    let outcomes = [
        Outcome::Returned(None),
        Outcome::Returned(Some(every.clone())),
        Outcome::Exited(-1),
        Outcome::Trapped { kind: TrapKind::Unreachable, message: "trap".into() },
        Outcome::Failed("fault".into()),
        Outcome::Cancelled,
    ];
    let host_calls = outcomes.map(|output| ChainEventData::host_function(call(output)));
    let error = |error: Option<String>| ReplaySummary {
        total_events: 1,
        events_replayed: 1,
        mismatches: 0,
        success: error.is_none(),
        error,
    };
    let rare = [
        ChainEventData::wasm(WasmEventData::WasmComponentCreationError { error: "no memory".into() }),
        ChainEventData::theater_runtime(TheaterRuntimeEventData::ActorStarted),
        ChainEventData::theater_runtime(TheaterRuntimeEventData::Log {
            level: LogLevel::Warn,
            message: "it is late".into(),
        }),
        ChainEventData::replay_summary(error(None)),
        ChainEventData::replay_summary(error(Some("diverged".into()))),
    ];
    for event in host_calls.into_iter().chain(rare) {
        add(&event.event_type, &event.data.encode());
    }
    let whole = ChainEventData::host_function(call(Outcome::Cancelled)).data.encode();
    for (event_type, data) in [
        ("acme:a/b@1.0.0/f", &whole[..whole.len() / 2]),
        ("acme:a/b@1.0.0/f", &[&whole[..], b"\0"].concat()),
        ("no-name", &whole),
        ("shutdown", b"\xd9\x08Shutdown"),
        ("deep", &[0x91; 300]),
        ("", b"\xd4\x02\x00"),
        ("", b"\xdd\xff\xff\xff\xff\xc0"),
    ] {
        add(event_type, data);
    }
    seeds
}
