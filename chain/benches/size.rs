//! How many bytes a take needs, next to JSON lines of the same events: `cargo bench -p retake-chain`.
//!
//! Nothing is timed. The contents are made by a generator with a fixed seed, so the figures are the same
//! everywhere, but for the version of zstd.

use std::io::BufReader;

use retake_chain::jsonl::{ExportedEnd, JsonlWriter};
use retake_chain::log::FORMAT_VERSION;
use retake_chain::{
    ChainEvent, ChainEventData, ChainNumber, HostFunctionCall, LogReader, LogWriter, Outcome, Record,
    TheaterId, Value,
};

/// Calls after which the take is flushed, as a session does at the end of a request.
const FLUSH: usize = 20;

fn main() {
    println!(
        "| events                  |  count | payload bytes | take: per event | per payload byte | JSON lines: per event | with zstd |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    print("clock calls", (0..20_000).map(|n| clock(n, &mut random)));
    print("JSON bodies of 2 KiB", (0..5_000).map(|n| json_body(n, &mut random)));
    print("random bytes of 64 KiB", (0..500).map(|_| bytes(64 << 10, &mut random)));
}

fn print(name: &str, calls: impl Iterator<Item = HostFunctionCall>) {
    let id = TheaterId::parse("0f7a82b4-b32d-49e4-a7e3-d66ee8f781d2").expect("a UUID");
    let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
    let chain = writer.add_chain(id).expect("the first chain");
    let (mut parent, mut count, mut payload) = (None, 0, 0);
    for call in calls {
        let event: ChainEvent = ChainEventData::host_function(call).to_chain_event(parent);
        parent = Some(event.hash);
        writer.append(chain, &event).expect("memory takes every write");
        payload += event.data.len();
        count += 1;
        if count % FLUSH == 0 {
            writer.flush().expect("memory takes every write");
        }
    }
    let take = writer.seal().expect("memory takes every write").0;
    let lines = json_lines(&take);
    let squeezed = zstd::encode_all(&lines[..], 3).expect("zstd").len();
    let per = |bytes: usize| bytes as f64 / f64::from(count as u32);
    println!(
        "| {name:23} | {count:6} | {payload:13} | {:15.1} | {:16.2} | {:21.1} | {:9.1} |",
        per(take.len()),
        take.len() as f64 / payload as f64,
        per(lines.len()),
        per(squeezed),
    );
}

fn json_lines(take: &[u8]) -> Vec<u8> {
    let mut reader = LogReader::open(BufReader::new(take)).expect("a take");
    let mut lines = JsonlWriter::create(Vec::new(), FORMAT_VERSION).expect("memory takes every write");
    while let Some(record) = reader.next_record().expect("an intact take") {
        assert!(matches!(&record, Record::Chain { number: ChainNumber(0), .. } | Record::Event { .. }));
        lines.record(&record).expect("memory takes every write");
    }
    let seal = reader.seal().expect("a sealed take");
    lines.end(ExportedEnd::Sealed(seal.into())).expect("memory takes every write")
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn call(interface: &str, function: &str, input: Vec<Value>, answer: Value) -> HostFunctionCall {
    HostFunctionCall {
        interface: interface.into(),
        function: function.into(),
        input,
        output: Outcome::Returned(Some(answer)),
    }
}

/// A clock that goes on by about a millisecond.
fn clock(n: u64, random: &mut Random) -> HostFunctionCall {
    let now = 1_700_000_000_000_000_000 + n * 1_000_000 + random.next() % 500_000;
    let fields = [("seconds", (now / 1_000_000_000).into()), ("nanoseconds", (now % 1_000_000_000).into())];
    call("wasi:clocks/wall-clock@0.2.3", "now", vec![], Value::record(fields))
}

/// A page of a list of orders, with the names and numbers that such a body has.
fn json_body(n: u64, random: &mut Random) -> HostFunctionCall {
    let mut text = format!("{{\"page\":{n},\"orders\":[");
    while text.len() < 2000 {
        let (id, cents, customer) = (random.next(), random.next() % 100_000, random.next() % 5_000);
        text += &format!(
            "{{\"id\":\"{id:016x}\",\"customer\":\"customer-{customer:05}\",\"total\":{}.{:02},\"paid\":{}}},",
            cents / 100,
            cents % 100,
            id % 2 == 0,
        );
    }
    text += "null]}";
    let answer = Value::case("ok", Some(Value::from(text.into_bytes())));
    call(
        "wasi:io/streams@0.2.3",
        "[method]input-stream.read",
        vec![Value::Handle(1), 65_536u64.into()],
        answer,
    )
}

fn bytes(len: usize, random: &mut Random) -> HostFunctionCall {
    let bytes: Vec<u8> = (0..len / 8).flat_map(|_| random.next().to_le_bytes()).collect();
    let answer = Value::case("ok", Some(Value::from(bytes)));
    call(
        "wasi:io/streams@0.2.3",
        "[method]input-stream.read",
        vec![Value::Handle(1), 65_536u64.into()],
        answer,
    )
}
