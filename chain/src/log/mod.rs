//! The log: one `.take` file, append-only, that holds the chains of one session.
//!
//! # States of a file
//!
//! | on disk | answer |
//! |---|---|
//! | complete, with its seal | [`TakeState::Sealed`] |
//! | the recorder was killed between two flushes; whole objects to the end | [`TakeState::Unsealed`] |
//! | the recorder was killed while writing, or the tail was lost; cut inside a frame or an object | [`TakeState::Torn`], after the whole events before the cut |
//! | the machine lost power: zeros from some point to the end | [`TakeState::Torn`], after the whole events before the zeros |
//! | bytes changed | [`ReadError::Damaged`] with byte offset and event number |
//! | bytes after the seal | [`ReadError::TrailingBytes`] |
//! | repaired from a torn one | [`TakeState::Sealed`], and the seal's kind is [`SealKind::Repaired`] |
//! | altered, and every checksum computed again | reads well; the verifier's hashes, or the replay, find it |
//! | written in another format | [`ReadError::Version`] |
//! | no bytes at all | [`ReadError::Empty`] |
//! | another kind of file | [`ReadError::NotATake`] |
//!
//! # Files of this module
//!
//! `format` has the constants and records; `frame` walks zstd frames and has the seal's fixed encoding;
//! `input` reads in bulk and counts the zeros at the end; `sink` and `source` compress and decompress;
//! `event_records` encodes events; `parse` takes records apart, `blocks` headers, indexes and seals; `writer`
//! and `reader` are the two ends, `seek` gets at single events.

mod blocks;
mod error;
mod event_records;
mod format;
mod frame;
mod input;
mod parse;
mod reader;
mod seek;
mod sink;
mod source;
mod writer;

#[cfg(test)]
mod tests;

pub use crate::model::limits::{MAX_EVENT, MAX_EVENT_TYPE};
pub use crate::model::version::{FORMAT_VERSION, FormatVersion, MajorVersion, MinorVersion, VersionError};
pub use error::{Damage, ReadError, WriteError};
pub use event_records::EventRecords;
pub use format::{
    ACTOR_CHUNK, COMPRESSION_LEVEL, ChainNumber, FRAME_RAW_BYTES, FrameEntry, FrameRef, MAX_ACTOR,
    MAX_CHAINS, MAX_FRAMES_PER_INDEX, MAX_SEAL, Record, Seal, SealKind, SealedChain, TakeState, WINDOW_LOG,
    WINDOW_LOG_MAX,
};
pub use reader::LogReader;
pub use seek::IndexedLog;
pub use sink::Storage;
pub use writer::{LogWriter, SealSummary};
