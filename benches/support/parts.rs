//! Owns the parts of a recorded and of a replayed call, each alone, and the least that each could cost.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use retake_chain::log::LogWriter;
use retake_chain::{ChainEvent, ChainEventData, LogReader, Record, StateChain, TheaterId, event_hash};
use retake_verifier::{IntegrityChecker, RecordCheck};
use ring::digest::{SHA256, digest};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::caller::{Call, Caller};
use super::memory::Nowhere;

/// An event as the call leaves it on the chain.
pub fn recorded_event(call: Call) -> ChainEvent {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let chain = Arc::new(StateChain::new(TheaterId::generate()));
    let (sender, mut events) = mpsc::channel(8);
    chain.add_subscriber(sender);
    let mut caller = Caller::recorded_by(call, runtime, chain);
    caller.time(1);
    let mut last = None;
    while let Ok((_, event)) = events.try_recv() {
        last = Some(event);
    }
    last.expect("the call is recorded")
}

/// The bytes that the hash of the event is over.
pub fn hashed_bytes(event: &ChainEvent) -> usize {
    // Domain, array header, the parent's 32 bytes and their header, the headers of type and data.
    let headers = 16 + 1 + 34 + 2 + if event.data.len() < 256 { 2 } else { 5 };
    headers + event.event_type.len() + event.data.len()
}

fn times(calls: u64, mut part: impl FnMut()) -> Duration {
    let begin = Instant::now();
    for _ in 0..calls {
        part();
    }
    begin.elapsed()
}

/// The payload to its canonical bytes.
pub fn encoding(event: &ChainEvent) -> impl FnMut(u64) -> Duration {
    let payload = event.payload().expect("a whole event");
    move |calls| times(calls, || drop(black_box(black_box(&payload).encode())))
}

/// So many bytes into a new vector.
pub fn copy_of(len: usize) -> impl FnMut(u64) -> Duration {
    let bytes = vec![7u8; len];
    move |calls| times(calls, || drop(black_box(black_box(&bytes).clone())))
}

/// The hash of an event, by its formula.
pub fn hash(event: &ChainEvent) -> impl FnMut(u64) -> Duration {
    let event = event.clone();
    move |calls| {
        times(calls, || {
            let event = black_box(&event);
            black_box(event_hash(event.parent_hash.as_ref(), &event.event_type, &event.data));
        })
    }
}

/// SHA-256 of so many bytes in one piece, as the chain computes it.
pub fn ring_of(len: usize) -> impl FnMut(u64) -> Duration {
    let bytes = vec![7u8; len];
    move |calls| {
        times(calls, || {
            black_box(digest(&SHA256, black_box(&bytes)));
        })
    }
}

/// SHA-256 of so many bytes in one piece, by the sha2 crate with its assembler.
pub fn sha2_of(len: usize) -> impl FnMut(u64) -> Duration {
    let bytes = vec![7u8; len];
    move |calls| {
        times(calls, || {
            black_box(Sha256::digest(black_box(&bytes)));
        })
    }
}

/// The event through a channel, with nobody to wake.
pub fn channel(event: &ChainEvent) -> impl FnMut(u64) -> Duration {
    let (sender, mut receiver) = mpsc::channel::<(TheaterId, ChainEvent)>(8);
    let (id, event) = (TheaterId::generate(), event.clone());
    move |calls| {
        times(calls, || {
            sender.try_send((id, event.clone())).expect("there is room");
            black_box(receiver.try_recv().expect("it was sent just now"));
        })
    }
}

/// The event written to a log that goes nowhere: what the recorder's thread does for it.
pub fn written(event: &ChainEvent) -> impl FnMut(u64) -> Duration {
    let mut writer = LogWriter::create(Nowhere).expect("nowhere takes everything");
    let chain = writer.add_chain(TheaterId::generate()).expect("the log takes a chain");
    let (event_type, data) = (event.event_type.clone(), event.data.clone());
    let mut parent = None;
    move |calls| {
        // The hashes must follow each other, and look like hashes to the compressor.
        let mut link = || {
            let event = ChainEvent::link(parent, event_type.clone(), data.clone());
            parent = Some(event.hash);
            event
        };
        let events: Vec<_> = (0..calls).map(|_| link()).collect();
        let mut events = events.iter();
        times(calls, || {
            let event = events.next().expect("one for each call");
            writer.append(chain, event).expect("the log takes the event");
        })
    }
}

/// The event appended to a chain that nobody listens to: encoded, hashed, linked.
pub fn append(event: &ChainEvent) -> impl FnMut(u64) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let chain = StateChain::new(TheaterId::generate());
    let (event_type, payload) = (event.event_type.clone(), event.payload().expect("a whole event"));
    move |calls| {
        runtime.block_on(async {
            let begin = Instant::now();
            for _ in 0..calls {
                let data = ChainEventData { event_type: event_type.clone(), data: payload.clone() };
                black_box(chain.add_typed_event(data).await.expect("the chain takes the event"));
            }
            begin.elapsed()
        })
    }
}

/// How far the reading side of a replay goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Decompressed and parsed.
    Records,
    /// With links checked and payloads decoded: all that is left to the reader.
    Checked,
}

/// What reading costs for so many events.
pub fn read(take: &[u8], reading: Reading, calls: u64) -> Duration {
    let begin = Instant::now();
    let mut reader = LogReader::open(take).expect("a take");
    let mut checker = IntegrityChecker::new();
    let mut events = 0;
    while let Some(record) = reader.next_record().expect("the take is whole") {
        events += u32::from(matches!(record, Record::Event { .. }));
        if reading == Reading::Checked {
            black_box(
                checker.record_with(&record, RecordCheck::unhashed(&record)).expect("the take is intact"),
            );
        }
        black_box(record);
    }
    begin.elapsed().mul_f64(calls as f64 / f64::from(events))
}
