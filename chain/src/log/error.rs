//! Owns the faults of a log: what a writer refuses, and what a reader finds.
//! What is wrong with hashes and links is the verifier's to say.

use std::io;

use super::format::{
    ACTOR_CHUNK, ChainNumber, FormatVersion, MAX_ACTOR, MAX_CHAINS, MAX_EVENT, MAX_EVENT_TYPE,
    MAX_FRAMES_PER_INDEX,
};
use crate::encoding::DecodeError;
use crate::hash::EventHash;

/// What a writer refuses, or could not do.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The storage failed. The writer is of no further use; what was written before can be read.
    #[error("cannot write at byte {offset}: {source}")]
    Io {
        /// Position in the file.
        offset: u64,
        /// What the storage said.
        source: io::Error,
    },
    /// The compressor failed.
    #[error("zstd failed at byte {offset}: {reason}")]
    Compression {
        /// Position in the file.
        offset: u64,
        /// What zstd said.
        reason: &'static str,
    },
    /// An earlier write failed.
    #[error("an earlier write failed, so the file may end anywhere; read it as torn, and start another")]
    Poisoned,
    /// The event does not continue its chain.
    #[error(
        "event {index} of chain {chain} names the parent {found:?}, the chain's head is {head:?}; an event was lost or doubled"
    )]
    BrokenChain {
        /// The chain.
        chain: ChainNumber,
        /// Index the event would have had in the chain.
        index: u64,
        /// Hash of the chain's last event.
        head: Option<EventHash>,
        /// The parent that the event names.
        found: Option<EventHash>,
    },
    /// No chain has this number.
    #[error("no chain has the number {chain}; add it first")]
    UnknownChain {
        /// The number given.
        chain: ChainNumber,
    },
    /// A take has only so many chains.
    #[error("a take holds at most {MAX_CHAINS} chains; start another take")]
    TooManyChains,
    /// The event is larger than a reader accepts.
    #[error("event {index} of chain {chain}: {len} bytes of data, at most {MAX_EVENT} fit; split the call")]
    EventTooLarge {
        /// The chain.
        chain: ChainNumber,
        /// Index the event would have had in the chain.
        index: u64,
        /// Its bytes.
        len: usize,
    },
    /// The event's type is longer than a reader accepts.
    #[error(
        "event {index} of chain {chain}: a type of {len} bytes, at most {MAX_EVENT_TYPE} fit; shorten the name"
    )]
    TypeTooLong {
        /// The chain.
        chain: ChainNumber,
        /// Index the event would have had in the chain.
        index: u64,
        /// Its bytes.
        len: usize,
    },
    /// The component is larger than a reader accepts, or empty.
    #[error(
        "a component of {len} bytes cannot be embedded, it must have 1 to {MAX_ACTOR}; record without embedding"
    )]
    ActorSize {
        /// Its bytes.
        len: u64,
    },
    /// A component is embedded once, before everything else.
    #[error("a component is embedded once and before the first chain; embed it right after creating the log")]
    ActorTooLate,
    /// A piece of a component that does not continue the one before it.
    #[error(
        "a piece of {len} bytes of the component at {offset}, where one of 1 to {ACTOR_CHUNK} bytes must come at {expected} of {total}; give the pieces in order"
    )]
    ActorPiece {
        /// Where the piece begins in the component.
        offset: u64,
        /// Its bytes.
        len: usize,
        /// Where the next piece begins.
        expected: u64,
        /// Bytes of the whole component.
        total: u64,
    },
    /// The pieces of the component are not all there.
    #[error("{seen} of {total} bytes of the component are embedded; embed the rest first")]
    ActorNotWhole {
        /// Bytes that are there.
        seen: u64,
        /// Bytes of the whole component.
        total: u64,
    },
}

/// What a reader finds.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input failed.
    #[error("cannot read at byte {offset}: {source}")]
    Io {
        /// Position in the file.
        offset: u64,
        /// What the input said.
        source: io::Error,
    },
    /// Nothing is there.
    #[error("the file is empty; the recorder ended before its first write")]
    Empty,
    /// Another kind of file.
    #[error("not a take: {reason}")]
    NotATake {
        /// What is there instead of a take's header.
        reason: String,
    },
    /// A take, but written by a later version of this program.
    #[error("written in format {found}, this program reads up to {supported}; use a newer one")]
    NewerVersion {
        /// The file's version.
        found: FormatVersion,
        /// The newest that is supported.
        supported: FormatVersion,
    },
    /// Bytes are not what was written.
    #[error("damaged at byte {offset}, after {event} events: {damage}")]
    Damaged {
        /// Position in the file: of the fault, or of the frame that has it.
        offset: u64,
        /// Number of the event that would have come next.
        event: u64,
        /// What is wrong.
        damage: Damage,
    },
    /// Something follows the seal.
    #[error(
        "bytes follow the seal at byte {offset}, where the take must end; cut them off if they are known"
    )]
    TrailingBytes {
        /// Where the seal ends.
        offset: u64,
    },
    /// An earlier call failed.
    #[error("reading failed before; open the take again")]
    Failed,
}

/// What is wrong with bytes that were read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// No zstd frame begins where one must.
    #[error("no zstd frame begins here")]
    NoFrame,
    /// A zstd frame with other settings than the format's.
    #[error("a zstd frame with settings that no take has (descriptor {descriptor:#04x})")]
    FrameSettings {
        /// The frame header descriptor.
        descriptor: u8,
    },
    /// zstd cannot decompress.
    #[error("zstd: {reason}")]
    Compression {
        /// What zstd said.
        reason: String,
    },
    /// Decompressed bytes that are no record.
    #[error("not a record: {reason}")]
    Record {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A length beyond the format's limit.
    #[error("{what} of {len} bytes, at most {limit} are allowed")]
    TooLarge {
        /// What has the length.
        what: &'static str,
        /// The length.
        len: u64,
        /// The limit.
        limit: u64,
    },
    /// A header, index or seal that does not decode.
    #[error("the {what} does not decode: {source}")]
    Decode {
        /// Which.
        what: &'static str,
        /// Why.
        source: DecodeError,
    },
    /// A record where it may not be.
    #[error("a record `{record}` {place}")]
    Misplaced {
        /// The record's tag.
        record: &'static str,
        /// Why it may not be there.
        place: &'static str,
    },
    /// A frame without a record.
    #[error("a frame without a record")]
    EmptyFrame,
    /// A record that its frame cuts off.
    #[error("a record is cut off by the end of its frame")]
    CrossesFrame,
    /// More frames than an index may name.
    #[error("more than {MAX_FRAMES_PER_INDEX} frames without an index")]
    MissingIndex,
    /// An index, or the seal, that names another frame than the one that is there.
    #[error("the {what} does not match the frames before it: {reason}")]
    Mismatch {
        /// Which.
        what: &'static str,
        /// Where they differ.
        reason: String,
    },
    /// A seal that is encoded otherwise.
    #[error("the seal's frame is not in its one encoding")]
    SealEncoding,
}
