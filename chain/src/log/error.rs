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
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum WriteError {
    /// The storage failed. The writer is of no further use; what was written before can be read.
    #[error("cannot write at byte {offset}: {source}")]
    Io {
        /// Position in the file.
        offset: u64,
        source: io::Error,
    },
    /// The compressor failed.
    #[error("zstd failed at byte {offset}: {reason}")]
    Compression {
        /// Position in the file.
        offset: u64,
        reason: &'static str,
    },
    /// An earlier write failed.
    #[error("an earlier write failed, so the file may end anywhere; read it as torn, and start another")]
    Poisoned,
    /// The event does not continue its chain.
    #[error(
        "the event at index {index} of chain {chain} names the parent {found:?}, the chain's head is {head:?}; an event was lost or doubled"
    )]
    BrokenChain {
        chain: ChainNumber,
        /// Index the event would have had in the chain.
        index: u64,
        head: Option<EventHash>,
        found: Option<EventHash>,
    },
    /// No chain has this number.
    #[error("no chain has the number {chain}; add it first")]
    UnknownChain { chain: ChainNumber },
    /// A take has at most [`MAX_CHAINS`] chains.
    #[error("a take holds at most {MAX_CHAINS} chains; start another take")]
    TooManyChains,
    /// The event is larger than a reader accepts.
    #[error(
        "the event at index {index} of chain {chain} has {len} bytes of data, at most {MAX_EVENT} fit; split the call"
    )]
    EventTooLarge {
        chain: ChainNumber,
        /// Index the event would have had in the chain.
        index: u64,
        len: usize,
    },
    /// The event's type is longer than a reader accepts.
    #[error(
        "the event at index {index} of chain {chain} has a type of {len} bytes, at most {MAX_EVENT_TYPE} fit; shorten the name"
    )]
    TypeTooLong {
        chain: ChainNumber,
        /// Index the event would have had in the chain.
        index: u64,
        len: usize,
    },
    /// The component is larger than a reader accepts, or empty.
    #[error(
        "a component of {len} bytes cannot be embedded, it must have 1 to {MAX_ACTOR}; record without embedding"
    )]
    ActorSize { len: u64 },
    /// A component is embedded once, before everything else.
    #[error("a component is embedded once and before the first chain; embed it right after creating the log")]
    ActorTooLate,
    /// A piece of a component that does not continue the one before it.
    #[error(
        "a piece of {len} bytes of the component at {offset}, where one of 1 to {ACTOR_CHUNK} bytes must come at {expected} of {total}; give the pieces in order"
    )]
    ActorPiece { offset: u64, len: usize, expected: u64, total: u64 },
    /// The pieces of the component are not all there.
    #[error("{seen} of {total} bytes of the component are embedded; embed the rest first")]
    ActorNotWhole { seen: u64, total: u64 },
}

/// What a reader finds.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ReadError {
    /// The input failed.
    #[error("cannot read at byte {offset}: {source}")]
    Io {
        /// Position in the file.
        offset: u64,
        source: io::Error,
    },
    /// Nothing is there.
    #[error("the file is empty; the recorder ended before its first write")]
    Empty,
    /// Another kind of file.
    #[error("not a take: {}", not_a_take(*kind, damage))]
    NotATake { kind: FileKind, damage: Damage },
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
        damage: Damage,
    },
    /// Something follows the seal.
    #[error(
        "bytes follow the seal at byte {offset}, where the take must end; cut them off if they are known"
    )]
    TrailingBytes { offset: u64 },
    /// An earlier call failed.
    #[error("reading failed before; open the take again")]
    Failed,
}

/// What is wrong with the first frame, for a file that starts as takes do; else what kind of file it is.
fn not_a_take(kind: FileKind, damage: &Damage) -> String {
    match kind {
        FileKind::Zstd => format!("its first frame is not a take's header ({damage})"),
        kind => kind.describe(Wanted::Take),
    }
}

/// What is wrong with bytes that were read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum Damage {
    /// No zstd frame begins where one must.
    #[error("no zstd frame begins here")]
    NoFrame,
    /// A zstd frame with other settings than the format's.
    #[error("a zstd frame with settings that no take has (descriptor {descriptor:#04x})")]
    FrameSettings { descriptor: u8 },
    /// zstd cannot decompress.
    #[error("zstd: {reason}")]
    Compression { reason: String },
    /// A frame's checksum is not that of its content.
    #[error("the frame's checksum is not that of its content")]
    Checksum,
    /// Decompressed bytes that are not MessagePack, or not the object that must be there.
    #[error("not a record: expected {expected}")]
    Syntax { expected: &'static str },
    /// An integer or a length in a record has a shorter form.
    #[error("not a record: an integer or a length is not in its shortest form")]
    NotCanonical,
    /// An array that is not a record of this format.
    #[error("not a record: unknown record `{tag}` of {fields} fields")]
    UnknownRecord { tag: String, fields: usize },
    /// A chain's actor id is not a UUID in its one form.
    #[error("not a record: an actor id must be a UUID in lower case with hyphens")]
    ActorId,
    /// A length beyond the format's limit.
    #[error("{what} of {len} bytes, at most {limit} are allowed")]
    TooLarge { what: &'static str, len: u64, limit: u64 },
    /// A record where it may not be.
    #[error("a record `{record}` {place}")]
    Misplaced { record: &'static str, place: &'static str },
    /// A record that begins where its frame should have ended.
    #[error("a record starts after {FRAME_RAW_BYTES} bytes of its frame, where the frame must end")]
    LongFrame,
    /// A piece of the embedded component that does not follow the one before.
    #[error(
        "a piece of the embedded component at {offset} of {total} bytes does not continue the one before"
    )]
    ActorPiece { offset: u64, total: u64 },
    /// A chain begins, or the take is sealed, before the embedded component is whole.
    #[error("the embedded component is not whole: {seen} of {total} bytes are there")]
    ActorCut { seen: u64, total: u64 },
    /// Chains are not counted from 0.
    #[error("expected chain {expected} to be introduced, found chain {found}")]
    ChainOutOfTurn { expected: u32, found: u64 },
    /// More chains than a take may have.
    #[error("more than {MAX_CHAINS} chains")]
    TooManyChains,
    /// An event of a chain that was not introduced.
    #[error("an event of chain {chain}, which was not introduced")]
    UnknownChain { chain: u64 },
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
    SealTooLarge { len: u64 },
    /// An index that does not name the frames that are there.
    #[error("the index does not match the frames before it: {reason}")]
    IndexMismatch { reason: String },
    /// A seal that does not name the last index, or that comes too early.
    #[error("the seal does not match the frames before it: {reason}")]
    SealMismatch { reason: &'static str },
    /// A seal that is not in its one encoding.
    #[error("the seal's frame is not in its one encoding")]
    SealEncoding,
}
