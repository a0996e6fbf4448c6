//! Owns the tables at the end of a run.

use super::caller::Call;
use super::measure::Medians;

/// The group of the HTTP exchanges.
pub const EXCHANGE: &str = "HTTP exchange";

pub fn print(medians: &Medians) {
    let of = |group: &str, name: &str| medians.get(&(group.to_string(), name.to_string())).copied();
    println!("\nPer call, median of short batches:\n");
    println!(
        "| {:16} | {:>10} | {:>10} | {:>8} | {:>10} | {:>8} |",
        "call", "direct", "recorded", "x direct", "replayed", "x direct"
    );
    println!("|{:-<18}|{:->12}|{:->12}|{:->10}|{:->12}|{:->10}|", "", ":", ":", ":", ":", ":");
    let groups = Call::ALL.map(Call::group).into_iter().chain([EXCHANGE]);
    for group in groups {
        let direct = of(group, "direct");
        let (recorded, replayed) = (of(group, "recorded"), of(group, "replayed"));
        println!(
            "| {:16} | {:>10} | {:>10} | {:>8} | {:>10} | {:>8} |",
            group,
            time(direct),
            time(recorded),
            ratio(recorded, direct),
            time(replayed),
            ratio(replayed, direct),
        );
    }
    for call in [Call::Now, Call::Write] {
        recorded_apart(call, &of);
    }
    replayed_apart(Call::Now, &of);
}

fn recorded_apart(call: Call, of: &impl Fn(&str, &str) -> Option<f64>) {
    let group = &format!("{} apart", call.group());
    let part = |name| of(group, name);
    let (direct, recorded) = (of(call.group(), "direct"), of(call.group(), "recorded"));
    let (tap, chain, empty) = (part("tap"), part("chain"), part("empty"));
    let (encoding, hash) = (part("encoding"), part("hash"));
    let twice_empty = empty.map(|empty| 2.0 * empty);
    let tap_floor = match call {
        Call::Now => twice_empty,
        _ => part("copy floor").map(|copy| 2.0 * copy),
    };
    let tap_floor_is = match call {
        Call::Now => "two host calls that do nothing",
        _ => "two copies of the bytes: into the shim, and into the event",
    };
    let rest = minus(minus(minus(chain, tap), encoding), hash);
    println!("\nRecorded `{}` taken apart:\n", call.group());
    header();
    row("direct call", direct, None, "");
    row("tap: shim, lifting", minus(tap, direct), tap_floor, tap_floor_is);
    row("encoding", encoding, part("encoding floor"), "a copy of the encoded bytes");
    row("hash", hash, part("hash floor"), "SHA-256 of as many bytes in one piece");
    row("append: event, locks, link", rest, None, "");
    row(
        "hand-over to the recorder",
        minus(recorded, chain),
        part("hand-over floor"),
        "a tokio channel with nobody to wake",
    );
    row("recorded call", recorded, None, "");
}

fn replayed_apart(call: Call, of: &impl Fn(&str, &str) -> Option<f64>) {
    let group = &format!("{} replayed apart", call.group());
    let part = |name| of(group, name);
    let (reading, checking, decoding) = (part("reading"), part("checking"), part("decoding"));
    println!("\nReplayed `{}` taken apart; the two threads work beside each other:\n", call.group());
    header();
    row("re-run: stand-in", part("stand-in"), of(call.group(), "direct"), "the direct call");
    row("re-run: recomputed event", part("recomputed"), None, "encoding, hash, append");
    row("reader: decompress, parse", reading, None, "");
    row("reader: check hash, link", minus(checking, reading), None, "");
    row("reader: decode payload", minus(decoding, checking), None, "");
    row("replayed call", of(call.group(), "replayed"), None, "");
}

fn header() {
    println!("| {:26} | {:>10} | {:>10} | {:58} |", "part", "time", "floor", "the floor is");
    println!("|{:-<28}|{:->12}|{:->12}|{:-<60}|", "", ":", ":", "");
}

fn row(name: &str, value: Option<f64>, floor: Option<f64>, floor_is: &str) {
    let floor = floor.map_or(String::new(), |floor| time(Some(floor)));
    println!("| {name:26} | {:>10} | {floor:>10} | {floor_is:58} |", time(value));
}

fn minus(from: Option<f64>, what: Option<f64>) -> Option<f64> {
    Some(from? - what?)
}

fn time(nanoseconds: Option<f64>) -> String {
    match nanoseconds {
        None => "-".into(),
        Some(ns) if ns.abs() < 10_000.0 => format!("{ns:.0} ns"),
        Some(ns) => format!("{:.1} us", ns / 1000.0),
    }
}

fn ratio(value: Option<f64>, direct: Option<f64>) -> String {
    match (value, direct) {
        (Some(value), Some(direct)) => format!("{:.1}", value / direct),
        _ => "-".into(),
    }
}
