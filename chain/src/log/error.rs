//! Owns the faults of a log: what a writer refuses, and what a reader finds.
//! What is wrong with hashes and links is the verifier's to say.

use std::io;

use super::format::{
    ACTOR_CHUNK, ChainNumber, FRAME_RAW_BYTES, MAX_ACTOR, MAX_CHAINS, MAX_FRAMES_PER_INDEX, MAX_SEAL,
};
use crate::codec::encoding::DecodeError;
use crate::file_kind::{FileKind, Wanted};
use crate::model::hash::EventHash;
use crate::model::limits::{MAX_EVENT, MAX_EVENT_TYPE};
use crate::model::version::VersionError;

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
    #[error("not a take: {}", not_a_take(*kind, damage))]
    NotATake {
        /// What kind of file it seems to be.
        kind: FileKind,
        /// What is there instead of a take's header.
        damage: Damage,
    },
    /// A take, but of a version that this program cannot answer for.
    #[error(transparent)]
    Version(#[from] VersionError),
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

/// A file that begins as takes do is told by what is wrong with its first frame, any other by its kind.
fn not_a_take(kind: FileKind, damage: &Damage) -> String {
    match kind {
        FileKind::Zstd => format!("its first frame is not a take's header ({damage})"),
        kind => kind.told(Wanted::Take),
    }
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
    /// A frame's content is not what its checksum says.
    #[error("the frame's checksum is not that of its content")]
    Checksum,
    /// Decompressed bytes that are no MessagePack, or another object than the one that must be there.
    #[error("not a record: something else is there than {expected}")]
    Syntax {
        /// What must be there.
        expected: &'static str,
    },
    /// An integer or a length in a record has a shorter form.
    #[error("not a record: an integer or a length is not in its shortest form")]
    NotCanonical,
    /// An array that begins as no record of this format does.
    #[error("not a record: no record has the tag `{tag}` and {fields} fields")]
    UnknownRecord {
        /// Its first field.
        tag: String,
        /// How many it has.
        fields: usize,
    },
    /// A chain's actor id is no UUID, or not in the one form.
    #[error("not a record: an actor id that is no UUID in lower case with hyphens")]
    ActorId,
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
    /// A record where it may not be.
    #[error("a record `{record}` {place}")]
    Misplaced {
        /// The record's tag.
        record: &'static str,
        /// Why it may not be there.
        place: &'static str,
    },
    /// A record that begins where its frame should have ended.
    #[error("a record begins behind {FRAME_RAW_BYTES} bytes of its frame, where the frame must end")]
    LongFrame,
    /// A piece of the embedded component that does not follow the one before.
    #[error(
        "a piece of the embedded component at {offset} of {total} bytes does not continue the one before"
    )]
    ActorPiece {
        /// Where it says that it begins.
        offset: u64,
        /// What it says of the size of the whole.
        total: u64,
    },
    /// A chain begins, or the take is sealed, before the embedded component is whole.
    #[error("the embedded component is not whole: {seen} of {total} bytes are there")]
    ActorCut {
        /// Bytes that are there.
        seen: u64,
        /// Bytes of the whole.
        total: u64,
    },
    /// Chains are not counted from 0.
    #[error("chain {found} is introduced where chain {expected} must be")]
    ChainOutOfTurn {
        /// The number that must come.
        expected: u32,
        /// The number that came.
        found: u64,
    },
    /// More chains than a take may have.
    #[error("more than {MAX_CHAINS} chains")]
    TooManyChains,
    /// An event of a chain that was not introduced.
    #[error("an event of chain {chain}, which was not introduced")]
    UnknownChain {
        /// The number.
        chain: u64,
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
    /// A header that does not decode.
    #[error("the header does not decode: {0}")]
    Header(DecodeError),
    /// An index that does not decode.
    #[error("the index does not decode: {0}")]
    Index(DecodeError),
    /// A seal that does not decode.
    #[error("the seal does not decode: {0}")]
    Seal(DecodeError),
    /// A seal with a size that none has.
    #[error("a seal of {len} bytes, 1 to {MAX_SEAL} are allowed")]
    SealTooLarge {
        /// The size that its frame claims.
        len: u64,
    },
    /// An index that names another frame than the one that is there.
    #[error("the index does not match the frames before it: {reason}")]
    IndexMismatch {
        /// Where they differ.
        reason: String,
    },
    /// A seal that names another index than the one that is there, or that comes too early.
    #[error("the seal does not match the frames before it: {reason}")]
    SealMismatch {
        /// Where they differ.
        reason: &'static str,
    },
    /// A seal that is encoded otherwise.
    #[error("the seal's frame is not in its one encoding")]
    SealEncoding,
}
