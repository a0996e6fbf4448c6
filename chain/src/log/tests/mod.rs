//! Tests of the log: `takes` for what is written and read back, `faults` for what is not a good take,
//! `seeking` for random access, `crashes` for what is left at every point where a recorder or its machine may
//! die, `zeros` for files that end in them. Here are the helpers of all.

mod crashes;
mod faults;
mod seeking;
mod session;
mod takes;
mod zeros;

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;

use super::frame::{FrameScanner, encode_seal};
use super::*;
use crate::tests::strategies::linked_events;
use crate::{ChainEvent, TheaterId};

pub(super) fn id(n: u8) -> TheaterId {
    TheaterId::from(uuid::Uuid::from_bytes([n; 16]))
}

pub(super) fn writer() -> LogWriter<Vec<u8>> {
    LogWriter::create(Vec::new()).unwrap()
}

/// A sealed take of one chain with these events.
pub(super) fn sealed(events: &[ChainEvent]) -> Vec<u8> {
    let mut writer = writer();
    let chain = writer.add_chain(id(1)).unwrap();
    for event in events {
        writer.append(chain, event).unwrap();
    }
    writer.seal().unwrap().0
}

/// Bytes that do not compress.
pub(super) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ (seed + 1);
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// All records, and the reader at the end.
pub(super) fn read(bytes: impl Read) -> Result<(Vec<Record>, TakeState, Option<Seal>), ReadError> {
    let mut reader = LogReader::open(bytes)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next_record()? {
        records.push(record);
    }
    Ok((records, reader.state(), reader.seal().cloned()))
}

pub(super) fn events_of(records: &[Record]) -> Vec<ChainEvent> {
    let event = |record: &Record| match record {
        Record::Event { event, .. } => Some(event.clone()),
        _ => None,
    };
    records.iter().filter_map(event).collect()
}

pub(super) fn assert_same(found: &[ChainEvent], written: &[ChainEvent]) {
    assert_eq!(found.len(), written.len());
    for (found, written) in found.iter().zip(written) {
        assert_eq!(
            (&found.hash, &found.parent_hash, &found.event_type, &found.data),
            (&written.hash, &written.parent_hash, &written.event_type, &written.data)
        );
    }
}

/// One frame as the writer would make it, of any decompressed bytes.
pub(super) fn frame(raw: &[u8]) -> Vec<u8> {
    let mut sink = sink::FrameSink::new(Vec::new()).unwrap();
    sink.write(raw).unwrap();
    sink.end_frame().unwrap();
    sink.close().unwrap()
}

pub(super) fn header() -> Vec<u8> {
    frame(b"\x92\xa6retake\x81\xa7version\x92\x01\x00")
}

pub(super) fn damage(bytes: &[u8]) -> Damage {
    match read(bytes).unwrap_err() {
        ReadError::Damaged { damage, .. } => damage,
        other => panic!("expected damage, found {other}"),
    }
}
