//! Owns what reader and writer agree on: limits, tags, and the records of a `.take`. The version is
//! `model/version.rs`'s. How records become frames is left to `frame.rs`, `sink.rs` and `source.rs`.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::model::event::ChainEvent;
use crate::model::hash::EventHash;
use crate::model::ids::TheaterId;

use crate::model::version::FormatVersion;

/// Largest embedded component, in bytes.
pub const MAX_ACTOR: u64 = 1 << 30;
/// Most bytes of an embedded component in one frame.
pub const ACTOR_CHUNK: usize = 1 << 20;
/// Most chains in one take.
pub const MAX_CHAINS: usize = 1 << 16;
/// A data frame closes when it holds this many bytes before compression: no record starts after them.
pub const FRAME_RAW_BYTES: u64 = 1 << 20;
/// Most frames that one index names, the index before it included.
pub const MAX_FRAMES_PER_INDEX: usize = 256;
/// Largest seal, in bytes of its MessagePack.
pub const MAX_SEAL: usize = 1 << 23;
/// zstd level of data frames.
pub const COMPRESSION_LEVEL: i32 = 3;
/// zstd window of data frames, as a power of two.
pub const WINDOW_LOG: u32 = 21;
/// Largest zstd window that is read, as a power of two.
pub const WINDOW_LOG_MAX: u32 = 23;

/// Largest header, in bytes of its MessagePack.
pub(super) const MAX_HEADER: usize = 1 << 12;
/// Largest index, in bytes of its MessagePack.
pub(super) const MAX_INDEX: usize = 1 << 14;

pub(super) const TAG_HEADER: &str = "retake";
pub(super) const TAG_ACTOR: &str = "actor";
pub(super) const TAG_CHAIN: &str = "chain";
pub(super) const TAG_EVENT: &str = "event";
pub(super) const TAG_INDEX: &str = "index";
pub(super) const TAG_SEAL: &str = "seal";

/// The number of a chain within its take, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChainNumber(pub u32);

impl fmt::Display for ChainNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a reader hands out. Index blocks and the seal it keeps to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A piece of the embedded component. The pieces follow each other without a gap, before any chain.
    Actor {
        /// Where the piece begins in the component.
        offset: u64,
        /// Bytes of the whole component.
        total: u64,
        /// The piece.
        bytes: Bytes,
    },
    /// A chain begins.
    Chain {
        /// Its number: one more than the last.
        number: ChainNumber,
        /// Its actor.
        id: TheaterId,
    },
    /// An event of a chain.
    Event {
        /// Event number: counts the events of all chains, from 0.
        number: u64,
        /// Its chain.
        chain: ChainNumber,
        /// The event; its hash is as recorded, not checked.
        event: ChainEvent,
        /// Where the zstd frame that holds it begins in the file.
        offset: u64,
    },
}

/// How a take ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TakeState {
    /// With a seal, and every checksum before it agrees.
    Sealed,
    /// With whole objects, but no seal: the recorder did not finish.
    Unsealed,
    /// In the middle of a frame or an object.
    Torn {
        /// Where the torn frame begins in the file.
        offset: u64,
    },
}

/// A compressed frame: where it is, how long, and the CRC-32C of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRef {
    /// Position of its first byte in the file.
    pub offset: u64,
    /// Compressed bytes.
    pub length: u64,
    /// CRC-32C of the compressed bytes.
    pub crc32c: u32,
}

/// A frame in an index, written as `[offset, length, crc32c, first_event]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u32, u64)", into = "(u64, u64, u32, u64)")]
pub struct FrameEntry {
    /// The frame.
    pub frame: FrameRef,
    /// How many events come before the frame: the number of the first event in it, if it has one.
    pub first_event: u64,
}

impl From<(u64, u64, u32, u64)> for FrameEntry {
    fn from((offset, length, crc32c, first_event): (u64, u64, u32, u64)) -> Self {
        Self { frame: FrameRef { offset, length, crc32c }, first_event }
    }
}

impl From<FrameEntry> for (u64, u64, u32, u64) {
    fn from(entry: FrameEntry) -> Self {
        (entry.frame.offset, entry.frame.length, entry.frame.crc32c, entry.first_event)
    }
}

/// The last frame of a take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Who sealed it.
    pub kind: SealKind,
    /// Events of all chains.
    pub events: u64,
    /// The chains, by number.
    pub chains: Vec<SealedChain>,
    /// The last index, which covers everything before itself.
    pub index: FrameRef,
}

/// Who sealed a take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SealKind {
    /// The recorder, at the end of the session.
    Complete,
    /// A repair: the take is what could be saved of another, and not all that was recorded.
    Repaired {
        /// What was wrong with the original.
        reason: String,
        /// Events that could be read, and were left out: their call does not end, or they come after
        /// what was wrong.
        cut_events: u64,
        /// Bytes of the original file.
        original_bytes: u64,
    },
}

/// A chain in a seal, written as `[id, count, head]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(TheaterId, u64, Option<EventHash>)", into = "(TheaterId, u64, Option<EventHash>)")]
pub struct SealedChain {
    /// Its actor.
    pub id: TheaterId,
    /// How many events it has.
    pub count: u64,
    /// Hash of its last event.
    pub head: Option<EventHash>,
}

impl From<(TheaterId, u64, Option<EventHash>)> for SealedChain {
    fn from((id, count, head): (TheaterId, u64, Option<EventHash>)) -> Self {
        Self { id, count, head }
    }
}

impl From<SealedChain> for (TheaterId, u64, Option<EventHash>) {
    fn from(chain: SealedChain) -> Self {
        (chain.id, chain.count, chain.head)
    }
}

/// The first object of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) version: FormatVersion,
}

/// An index block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexBody {
    /// Every frame since the previous index, which is the first entry.
    pub(super) frames: Vec<FrameEntry>,
    /// Events so far.
    pub(super) events: u64,
    /// Where the previous index begins.
    pub(super) previous: Option<u64>,
}
