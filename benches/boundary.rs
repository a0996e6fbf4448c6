//! What the recording boundary costs per call: direct, recorded and replayed side by side, and the recorded
//! cost taken apart, each part with its floor.
//!
//! `cargo bench --bench boundary` prints criterion's lines as it goes, and tables at the end. Every figure of
//! a table is that of the fastest tenth of short batches of one run; the figures mean something on a machine
//! that does nothing else. Nothing here fails for being slow.

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
    for call in Call::TAKEN_APART {
        recorded_parts(&mut bench, call);
        replayed_parts(&mut bench, call);
    }
    for len in table::HASHED {
        let (group, batch) = (&table::hashing(len), if len > 1000 { 8 } else { 1000 });
        bench.calls(group, "ring", batch, || parts::ring_of(len));
        bench.calls(group, "sha2", batch, || parts::sha2_of(len));
    }
    table::print(&bench.finish());
}

/// One host call, in each of the three ways.
fn calls(bench: &mut Bench, call: Call) {
    for (name, stage) in [("direct", Stage::Direct), ("recorded", Stage::Recorded)] {
        bench.calls(call.group(), name, call.batch(), || stage_of(call, stage));
    }
    bench.calls(call.group(), "replayed", 1, || {
        let replayed = Replayed::call(call);
        move |calls| replayed.time(calls)
    });
}

/// One whole HTTP exchange, in each of the three ways.
fn exchanges(bench: &mut Bench) {
    bench.calls(table::EXCHANGE, "direct", 8, || {
        let direct = DirectExchanges::new();
        move |exchanges| direct.time(exchanges)
    });
    bench.calls(table::EXCHANGE, "recorded", 8, || {
        let recorded = RecordedExchanges::start();
        move |exchanges| recorded.time(exchanges)
    });
    bench.calls(table::EXCHANGE, "replayed", 1, || {
        let replayed = Replayed::exchange();
        move |exchanges| replayed.time(exchanges)
    });
}

/// The recorded call up to each stage, and each part alone with the least that it could cost.
fn recorded_parts(bench: &mut Bench, call: Call) {
    let (group, batch) = (&table::recorded(call), call.batch());
    for (name, stage) in [("empty", Stage::Empty), ("tap", Stage::Tap), ("chain", Stage::Chain)] {
        bench.calls(group, name, batch, || stage_of(call, stage));
    }
    let event = &parts::recorded_event(call);
    bench.calls(group, "encoding", batch, || parts::encoding(event));
    bench.calls(group, "encoding floor", batch, || parts::copy_of(event.data.len()));
    bench.calls(group, "hash", batch, || parts::hash(event));
    bench.calls(group, "hash floor", batch, || parts::ring_of(parts::hashed_bytes(event)));
    bench.calls(group, "hand-over floor", batch, || parts::channel(event));
    bench.calls(group, "written", batch, || parts::written(event));
}

/// What the two threads of a replay do per call.
fn replayed_parts(bench: &mut Bench, call: Call) {
    let (group, batch) = (&table::replayed(call), call.batch());
    bench.calls(group, "stand-in", batch, || stage_of(call, Stage::StandIn));
    let event = &parts::recorded_event(call);
    bench.calls(group, "recomputed", batch, || parts::append(event));
    for (name, reading) in [("reading", Reading::Records), ("checking", Reading::Checked)] {
        bench.calls(group, name, 1, || {
            let replayed = Replayed::call(call);
            move |calls| parts::read(replayed.take(), reading, calls)
        });
    }
}

fn stage_of(call: Call, stage: Stage) -> impl FnMut(u64) -> std::time::Duration {
    let mut caller = Caller::new(call, stage);
    move |calls| caller.time(calls)
}
