//! What the recording boundary costs per call: direct, recorded and replayed side by side, and the recorded cost taken
//! apart, each part with its floor.
//!
//! `cargo bench --bench boundary` prints criterion's lines as it goes, and one table at the end. Every figure of a table
//! is the median over short batches of one run; the figures mean something on a machine that does nothing else. Nothing
//! here fails for being slow.

mod support;

use support::caller::{Call, Caller, Stage};
use support::exchange::{DirectExchanges, RecordedExchanges};
use support::measure::Bench;
use support::parts::{self, Reading};
use support::replayed::Replayed;
use support::table;

fn main() {
    let mut bench = Bench::from_arguments();
    for call in Call::ALL {
        calls(&mut bench, call);
    }
    exchanges(&mut bench);
    for call in [Call::Now, Call::Write] {
        recorded_parts(&mut bench, call);
    }
    replayed_parts(&mut bench, Call::Now);
    table::print(&bench.finish());
}

/// One host call, in each of the three ways.
fn calls(bench: &mut Bench, call: Call) {
    for (name, stage) in [("direct", Stage::Direct), ("recorded", Stage::Recorded)] {
        let mut caller = Caller::new(call, stage);
        bench.calls(call.group(), name, call.batch(), |calls| caller.time(calls));
    }
    let replayed = Replayed::call(call);
    bench.calls(call.group(), "replayed", 1, |calls| replayed.time(calls));
}

/// One whole HTTP exchange, in each of the three ways.
fn exchanges(bench: &mut Bench) {
    let direct = DirectExchanges::new();
    bench.calls(table::EXCHANGE, "direct", 32, |calls| direct.time(calls));
    let recorded = RecordedExchanges::start();
    bench.calls(table::EXCHANGE, "recorded", 32, |calls| recorded.time(calls));
    let replayed = Replayed::exchange();
    bench.calls(table::EXCHANGE, "replayed", 1, |calls| replayed.time(calls));
}

/// The recorded call up to each stage, and each part alone with the least that it could cost.
fn recorded_parts(bench: &mut Bench, call: Call) {
    let group = &format!("{} apart", call.group());
    for (name, stage) in [("empty", Stage::Empty), ("tap", Stage::Tap), ("chain", Stage::Chain)] {
        let mut caller = Caller::new(call, stage);
        bench.calls(group, name, call.batch(), |calls| caller.time(calls));
    }
    let event = parts::recorded_event(call);
    let batch = call.batch();
    bench.calls(group, "encoding", batch, parts::encoding(&event));
    bench.calls(group, "encoding floor", batch, parts::copy_of(event.data.len()));
    bench.calls(group, "hash", batch, parts::hash(&event));
    bench.calls(group, "hash floor", batch, parts::sha256_of(parts::hashed_bytes(&event)));
    bench.calls(group, "copy floor", batch, parts::copy_of(call.payload()));
    bench.calls(group, "hand-over floor", batch, parts::channel(&event));
}

/// What the two threads of a replay do per call.
fn replayed_parts(bench: &mut Bench, call: Call) {
    let group = &format!("{} replayed apart", call.group());
    let mut caller = Caller::new(call, Stage::StandIn);
    bench.calls(group, "stand-in", call.batch(), |calls| caller.time(calls));
    let event = parts::recorded_event(call);
    bench.calls(group, "recomputed", call.batch(), parts::append(&event));
    let replayed = Replayed::call(call);
    for (name, reading) in
        [("reading", Reading::Records), ("checking", Reading::Checked), ("decoding", Reading::Decoded)]
    {
        bench.calls(group, name, 1, |calls| parts::read(replayed.take(), reading, calls));
    }
}
