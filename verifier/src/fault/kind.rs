//! Owns the table of fault kinds: each way in which a take fails to be intact, with its name, exit code and
//! meaning. The errors carry the details; beside each error type stands which kind each of its variants is.
//!
//! A take has one fault: the first by position in the file, and at one place the first in this table.
//! `docs/format.md` has the same table for those who write readers. `fixtures/takes` has a take for each row.

use serde::{Serialize, Serializer};

use crate::exit::ExitCode;

/// Declares the kinds once, in order: variant, name, exit code, meaning.
macro_rules! fault_kinds {
    ($($variant:ident $name:literal $exit:ident $meaning:literal)*) => {
        /// What is wrong with a take. The order is the one in which a reader checks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FaultKind {
            $(#[doc = $meaning] $variant,)*
        }

        impl FaultKind {
            /// All kinds, in order.
            pub const ALL: &[FaultKind] = &[$(FaultKind::$variant,)*];

            /// Its name in JSON output and in the file names of the fixtures.
            pub fn name(self) -> &'static str {
                match self { $(FaultKind::$variant => $name,)* }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self { $(FaultKind::$variant => $meaning,)* }
            }

            /// The exit code of a command that checks such a take.
            pub fn exit_code(self) -> ExitCode {
                match self { $(FaultKind::$variant => ExitCode::$exit,)* }
            }
        }
    };
}

fault_kinds! {
    // The file.
    Unreadable "unreadable" Unchecked "the input cannot be read"
    Empty "empty" Unchecked "the file is empty"
    WrongMagic "wrong-magic" Unchecked "the file does not start with a zstd frame"
    ShortHeader "short-header" Damaged "the file ends inside its header"
    NoHeader "no-header" Unchecked "the first frame is not a header"
    // A frame.
    FrameMagic "frame-magic" Damaged "no zstd frame starts where one must"
    FrameSettings "frame-settings" Damaged "a frame has no checksum, or has a dictionary or reserved bits"
    FrameData "frame-data" Damaged "a frame does not decompress"
    FrameTooLong "frame-too-long" Damaged "a record starts after the first 1 MiB of its frame"
    // A record.
    RecordSyntax "record-syntax" Damaged "a record is not MessagePack, or a field has the wrong type"
    RecordNotCanonical "record-not-canonical" Damaged "an integer or length of a record is not in its shortest form"
    RecordTooLarge "record-too-large" Damaged "a length in a record is over its limit"
    RecordUnknown "record-unknown" Damaged "no record has this tag and this number of fields"
    ActorIdForm "actor-id" Damaged "an actor id is not a UUID in lower case with hyphens"
    RecordMisplaced "record-misplaced" Damaged "a record is not allowed at this place"
    EmbeddedPiece "embedded-piece" Damaged "a piece of the embedded component does not continue the piece before it"
    TooManyChains "too-many-chains" Damaged "there are more chains than a take may have"
    ChainOutOfTurn "chain-out-of-turn" Damaged "chain numbers do not count up from 0"
    EmbeddedCut "embedded-cut" Damaged "the embedded component is incomplete"
    DuplicateChain "chain-doubled" Damaged "two chains have the same actor"
    UnknownChain "unknown-chain" Damaged "an event names a chain that was not introduced"
    // An event.
    Hash "hash" Damaged "an event's hash does not match its content"
    AfterShutdown "after-shutdown" Damaged "an event follows the `shutdown` of its chain"
    Link "link" Damaged "an event's parent is not the event before it"
    TooManyValues "too-many-values" Damaged "an event's data holds more values than allowed"
    PayloadCut "payload-cut" Damaged "an event's data ends inside an object"
    PayloadSyntax "payload-syntax" Damaged "an event's data is not the MessagePack expected there"
    PayloadTooDeep "payload-too-deep" Damaged "an event's data is nested too deep"
    PayloadNotCanonical "payload-not-canonical" Damaged "an event's data is not in canonical form"
    DuplicateKey "duplicate-key" Damaged "a map in an event's data has the same key twice"
    PayloadTrailing "payload-trailing" Damaged "bytes follow the payload in an event's data"
    UnknownKind "unknown-kind" Damaged "an event's kind is not in the format"
    PayloadShape "payload-shape" Damaged "an event's data lacks a field, or has another field in its place"
    EventType "event-type" Damaged "an event's type does not match its payload"
    WrongResponse "wrong-response" Damaged "a `wasm-result` has an outcome that only a host call can have"
    NoGenesis "no-genesis" Damaged "a chain does not start with `retake/session`"
    SecondGenesis "second-genesis" Damaged "a chain has a second `retake/session`"
    GenesisActor "genesis-actor" Damaged "a genesis names an actor that is not the actor of its chain"
    GenesisVersion "genesis-version" Damaged "a genesis has a version that the take cannot have"
    GenesisComponent "genesis-component" Damaged "a genesis names a component that differs from the embedded one, or from that of another chain"
    CallInCall "call-in-call" Damaged "a call starts before the call in progress has ended"
    HostCallOutsideCall "host-call-outside-call" Damaged "a host call is outside a call of the actor"
    EndOutsideCall "end-outside-call" Damaged "a call ends that has not started"
    EndOfAnotherCall "end-of-another-call" Damaged "the end of a call names a function that is not the one called"
    EventInsideCall "event-inside-call" Damaged "an event that belongs between calls is inside a call"
    ObservationMisplaced "observation-misplaced" Damaged "an observation of an HTTP exchange is not after the last host call of its call, or not in a call of its function"
    MessageNotTaken "message-not-taken" Damaged "the call after a message does not take that message"
    MessageReceiver "message-receiver" Damaged "a message was received by a chain that it was not sent to"
    MessageContent "message-content" Damaged "the content of a message received differs from the content sent"
    MessageResponse "message-response" Damaged "the response received differs from the response given"
    TooManyMessages "too-many-messages" Damaged "more messages are in flight than a session allows"
    ObservationForm "observation-form" Damaged "an observation of an HTTP exchange lacks a field, or has another field in its place"
    Observation "observation" Damaged "an observation of an HTTP exchange differs from what the calls of the actor say"
    ObservationMissing "observation-missing" Damaged "a call that handled an HTTP exchange ends without an observation of it"
    // The end of a frame.
    FrameChecksum "frame-checksum" Damaged "a frame's checksum does not match its content"
    HeaderSyntax "header-syntax" Damaged "the header does not decode"
    NewerMajor "newer-major" Unchecked "the header has a newer major version"
    OlderMajor "older-major" Unchecked "the header has an older major version"
    NewerMinor "newer-minor" Unchecked "the header has a newer minor version"
    IndexSyntax "index-syntax" Damaged "an index does not decode"
    IndexMismatch "index-mismatch" Damaged "an index does not match the frames before it"
    FrameCutsRecord "frame-cuts-record" Damaged "a frame ends inside a record"
    FrameEmpty "frame-empty" Damaged "a frame holds no record"
    IndexMissing "index-missing" Damaged "more frames than an index may name come without an index"
    // The end of the file.
    SealTooLarge "seal-too-large" Damaged "the seal's frame claims a size over the limit"
    Torn "torn" Damaged "the file ends inside a frame or a record"
    Unsealed "unsealed" Damaged "the file ends without a seal"
    TrailingBytes "trailing-bytes" Damaged "bytes follow the seal"
    SealEncoding "seal-encoding" Damaged "the seal's frame is not in the one encoding allowed"
    SealSyntax "seal-syntax" Damaged "the seal does not decode"
    SealIndex "seal-index" Damaged "the seal does not name the index directly before it"
    EventCount "event-count" Damaged "the number of events in the seal is not that of the take"
    ChainCount "chain-count" Damaged "the number of chains in the seal is not that of the take"
    SealActor "seal-actor" Damaged "the seal and a chain name different actors"
    Count "count" Damaged "the number of events in the seal is not that of the chain"
    Head "head" Damaged "the head in the seal is not that of the chain"
    EmptyChain "empty-chain" Damaged "a chain of a complete take has no events"
    EndsInsideCall "ends-inside-call" Damaged "a chain of a complete take ends inside a call"
    NoShutdown "no-shutdown" Damaged "a chain of a complete take has no `shutdown`"
    MessageOneSided "message-one-sided" Damaged "only one of two chains has a message"
    Repaired "repaired" Damaged "the take was repaired, so it is not everything that was recorded"
    NoCall "no-call" Nothing "the take is intact and sealed, but holds no call"
}

impl Serialize for FaultKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
