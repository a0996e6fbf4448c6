//! Owns the names of the groups, and the tables at the end of a run.

use super::caller::Call;
use super::measure::Figures;

/// The group of the HTTP exchanges.
pub const EXCHANGE: &str = "HTTP exchange";

/// The lengths of which SHA-256 is measured by itself: a small event and a large one.
pub const HASHED: [usize; 2] = [230, 64 << 10];

pub fn recorded(call: Call) -> String {
    format!("recorded {}", call.group())
}

pub fn replayed(call: Call) -> String {
    format!("replayed {}", call.group())
}

pub fn hashing(len: usize) -> String {
    format!("SHA-256 of {len} bytes")
}

pub fn print(figures: &Figures) {
    let of = |group: &str, name: &str| figures.get(&(group.to_string(), name.to_string())).copied();
    three_ways(&of);
    for call in Call::TAKEN_APART {
        recorded_apart(call, &of);
    }
    for call in Call::TAKEN_APART {
        replayed_apart(call, &of);
    }
    println!("\nSHA-256 on this machine:\n");
    println!("| {:>8} | {:>10} | {:>10} |", "bytes", "ring", "sha2");
    println!("|{:->10}|{:->12}|{:->12}|", ":", ":", ":");
    for len in HASHED {
        let by = |name| time(of(&hashing(len), name));
        println!("| {len:>8} | {:>10} | {:>10} |", by("ring"), by("sha2"));
    }
}

fn three_ways(of: &impl Fn(&str, &str) -> Option<f64>) {
    println!("\nPer call:\n");
    println!(
        "| {:16} | {:>10} | {:>10} | {:>8} | {:>10} | {:>8} |",
        "call", "direct", "recorded", "x direct", "replayed", "x direct"
    );
    println!("|{:-<18}|{:->12}|{:->12}|{:->10}|{:->12}|{:->10}|", "", ":", ":", ":", ":", ":");
    for group in Call::ALL.map(Call::group).into_iter().chain([EXCHANGE]) {
        let [direct, recorded, replayed] = ["direct", "recorded", "replayed"].map(|way| of(group, way));
        println!(
            "| {group:16} | {:>10} | {:>10} | {:>8} | {:>10} | {:>8} |",
            time(direct),
            time(recorded),
            ratio(recorded, direct),
            time(replayed),
            ratio(replayed, direct),
        );
    }
}

fn recorded_apart(call: Call, of: &impl Fn(&str, &str) -> Option<f64>) {
    let group = &recorded(call);
    let part = |name| of(group, name);
    let (direct, whole) = (of(call.group(), "direct"), of(call.group(), "recorded"));
    let (tap, chain, encoding, hash) = (part("tap"), part("chain"), part("encoding"), part("hash"));
    let (tap_floor, tap_floor_is) = match call {
        Call::Now => (part("empty").map(|empty| 2.0 * empty), "two host calls that do nothing"),
        Call::Write | Call::Drop => {
            (part("encoding floor").map(|copy| 2.0 * copy), "the bytes copied twice: to the shim, to the tap")
        }
        Call::Read => (
            part("encoding floor").map(|copy| 2.0 * copy),
            "the bytes copied twice: to the tap, to the actor",
        ),
    };
    println!("\nRecorded `{}`, taken apart:\n", call.group());
    header();
    row("direct call", direct, None, "");
    row("tap: shim, lifting", minus(tap, direct), tap_floor, tap_floor_is);
    row("encoding", encoding, part("encoding floor"), "the encoded bytes copied");
    row("hash", hash, part("hash floor"), "SHA-256 of as many bytes in one piece");
    row("append: event, locks, link", minus(minus(minus(chain, tap), encoding), hash), None, "");
    row("hand-over", minus(whole, chain), part("hand-over floor"), "a tokio channel with nobody to wake");
    row("recorded call", whole, None, "");
    row("(recorder's thread: write)", part("written"), None, "");
}

fn replayed_apart(call: Call, of: &impl Fn(&str, &str) -> Option<f64>) {
    let group = &replayed(call);
    let part = |name| of(group, name);
    let (reading, checking) = (part("reading"), part("checking"));
    println!("\nReplayed `{}`, taken apart; re-run and reader are two threads:\n", call.group());
    header();
    row("re-run: stand-in", part("stand-in"), of(call.group(), "direct"), "the direct call");
    row("re-run: recomputed event", part("recomputed"), of(&recorded(call), "hash"), "the hash");
    row("reader: decompress, parse", reading, None, "");
    row("reader: decode, check links", minus(checking, reading), None, "");
    row("replayed call", of(call.group(), "replayed"), None, "");
}

fn header() {
    println!("| {:26} | {:>10} | {:>10} | {:48} |", "part", "time", "floor", "the floor is");
    println!("|{:-<28}|{:->12}|{:->12}|{:-<50}|", "", ":", ":", "");
}

fn row(name: &str, value: Option<f64>, floor: Option<f64>, floor_is: &str) {
    let floor = floor.map_or(String::new(), |floor| time(Some(floor)));
    println!("| {name:26} | {:>10} | {floor:>10} | {floor_is:48} |", time(value));
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
