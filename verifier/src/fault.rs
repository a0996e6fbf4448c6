//! Owns the table of faults: every way in which a take fails to be intact, in the order in which a reader looks, with its
//! name and the exit code. Which error is which fault is at the end; the messages are the errors' own.
//!
//! A take has one fault: the first by position in the file, and of one place the first in this table. `docs/format.md` has the
//! same table for those who write readers, and `fixtures/takes` a take for each row.

use retake_chain::log::{Damage, VersionError};
use retake_chain::{DecodeError, GrammarFault, ReadError, SealKind, TakeState};
use serde::{Serialize, Serializer};

use crate::exit::ExitCode;
use crate::integrity_error::{IntegrityError, IntegrityFault};
use crate::messages::MessageFault;
use crate::observation::ObservationFault;
use crate::report::Report;
use crate::verify::VerifyFault;

/// Declares the faults once, in order: variant, name, exit code, and what it means.
macro_rules! faults {
    ($($variant:ident $name:literal $exit:ident $meaning:literal)*) => {
        /// What is wrong with a take. The order is that in which a reader looks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fault {
            $(#[doc = $meaning] $variant,)*
        }

        impl Fault {
            /// All of them, in order.
            pub const ALL: &[Fault] = &[$(Fault::$variant,)*];

            /// The word for it, in `--json` and in the names of fixtures.
            pub fn name(self) -> &'static str {
                match self { $(Fault::$variant => $name,)* }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self { $(Fault::$variant => $meaning,)* }
            }

            /// How a command ends that was asked to check such a take.
            pub fn exit_code(self) -> ExitCode {
                match self { $(Fault::$variant => ExitCode::$exit,)* }
            }
        }
    };
}

faults! {
    // The file.
    Unreadable "unreadable" Unchecked "the input failed"
    Empty "empty" Unchecked "the file has no byte"
    WrongMagic "wrong-magic" Unchecked "the file does not begin with a zstd frame"
    ShortHeader "short-header" Damaged "the file ends within its header"
    NoHeader "no-header" Unchecked "the first frame is no header"
    // A frame.
    FrameMagic "frame-magic" Damaged "no zstd frame begins where one must"
    FrameSettings "frame-settings" Damaged "a frame has no checksum, a dictionary, or reserved bits"
    FrameData "frame-data" Damaged "a frame does not decompress"
    FrameTooLong "frame-too-long" Damaged "a record begins behind 1 MiB of its frame"
    // A record.
    RecordSyntax "record-syntax" Damaged "a record is not MessagePack, or has a field of another type"
    RecordNotCanonical "record-not-canonical" Damaged "an integer or length of a record is not in its shortest form"
    RecordTooLarge "record-too-large" Damaged "a length in a record is beyond its limit"
    RecordUnknown "record-unknown" Damaged "no record has this tag and number of fields"
    ActorIdForm "actor-id" Damaged "an actor id is no UUID in lower case with hyphens"
    RecordMisplaced "record-misplaced" Damaged "a record is where it may not be"
    EmbeddedPiece "embedded-piece" Damaged "a piece of the embedded component does not continue the one before"
    TooManyChains "too-many-chains" Damaged "more chains than a take may have"
    ChainOutOfTurn "chain-out-of-turn" Damaged "chains are not counted from 0"
    EmbeddedCut "embedded-cut" Damaged "the embedded component is not whole"
    ChainDoubled "chain-doubled" Damaged "two chains have one actor"
    UnknownChain "unknown-chain" Damaged "an event is of a chain that was not introduced"
    // An event.
    Hash "hash" Damaged "an event's hash is not that of its content"
    AfterShutdown "after-shutdown" Damaged "an event follows its chain's `shutdown`"
    Link "link" Damaged "an event's parent is not the event before it"
    TooManyValues "too-many-values" Damaged "an event's data holds more values than any may"
    PayloadCut "payload-cut" Damaged "an event's data ends within an object"
    PayloadSyntax "payload-syntax" Damaged "an event's data is not the MessagePack that must be there"
    PayloadTooDeep "payload-too-deep" Damaged "an event's data nests too deep"
    PayloadNotCanonical "payload-not-canonical" Damaged "an event's data is written otherwise than in the one form"
    DuplicateKey "duplicate-key" Damaged "a map in an event's data has a key twice"
    PayloadTrailing "payload-trailing" Damaged "bytes follow the payload in an event's data"
    UnknownKind "unknown-kind" Damaged "an event is of a kind that the format does not have"
    PayloadShape "payload-shape" Damaged "an event's data lacks a field, or has another in its place"
    EventType "event-type" Damaged "an event's type does not belong to its payload"
    WrongResponse "wrong-response" Damaged "a `wasm-result` ends as only a host call can"
    NoGenesis "no-genesis" Damaged "a chain does not begin with `retake/session`"
    SecondGenesis "second-genesis" Damaged "a chain has a second `retake/session`"
    GenesisActor "genesis-actor" Damaged "a genesis is of another actor than its chain"
    GenesisVersion "genesis-version" Damaged "a genesis is of a version that the take cannot have"
    GenesisComponent "genesis-component" Damaged "a genesis names another component than the embedded one, or than another chain"
    CallInCall "call-in-call" Damaged "a call starts before the call in progress ended"
    HostCallOutsideCall "host-call-outside-call" Damaged "a host call is outside a call of the actor"
    EndOutsideCall "end-outside-call" Damaged "a call ends that did not start"
    EndOfAnotherCall "end-of-another-call" Damaged "the end of a call names a function other than the one that was called"
    EventInsideCall "event-inside-call" Damaged "an event that stands between calls is inside one"
    ObservationMisplaced "observation-misplaced" Damaged "an observation of an HTTP exchange is not the last of its call, or not of its call"
    MessageNotTaken "message-not-taken" Damaged "the call behind a message does not take it"
    MessageReceiver "message-receiver" Damaged "a message was received by another chain than it was sent to"
    MessageContent "message-content" Damaged "a message was received with another content than it was sent with"
    MessageResponse "message-response" Damaged "a response got is not the one that was given"
    TooManyMessages "too-many-messages" Damaged "more messages are under way than a session allows"
    ObservationForm "observation-form" Damaged "an observation of an HTTP exchange lacks a field, or has another in its place"
    Observation "observation" Damaged "an observation of an HTTP exchange is not what the calls of the actor make of it"
    ObservationMissing "observation-missing" Damaged "a call that handled an HTTP exchange ends without its observation"
    // The end of a frame.
    FrameChecksum "frame-checksum" Damaged "a frame's checksum is not that of its content"
    HeaderSyntax "header-syntax" Damaged "the header does not decode"
    NewerMajor "newer-major" Unchecked "the header has a newer major version"
    OlderMajor "older-major" Unchecked "the header has an older major version"
    NewerMinor "newer-minor" Unchecked "the header has a newer minor version"
    IndexSyntax "index-syntax" Damaged "an index does not decode"
    IndexMismatch "index-mismatch" Damaged "an index does not name the frames before it as they are"
    FrameCutsRecord "frame-cuts-record" Damaged "a frame ends within a record"
    FrameEmpty "frame-empty" Damaged "a frame holds no record"
    IndexMissing "index-missing" Damaged "more frames than an index may name come without one"
    // The end of the file.
    SealTooLarge "seal-too-large" Damaged "the seal's frame claims a size beyond the limit"
    Torn "torn" Damaged "the file ends within a frame or a record"
    Unsealed "unsealed" Damaged "the file ends without a seal"
    TrailingBytes "trailing-bytes" Damaged "bytes follow the seal"
    SealEncoding "seal-encoding" Damaged "the seal's frame is not in its one encoding"
    SealSyntax "seal-syntax" Damaged "the seal does not decode"
    SealIndex "seal-index" Damaged "the seal does not name the last index, right before it"
    EventCount "event-count" Damaged "the seal counts other events than the take has"
    ChainCount "chain-count" Damaged "the seal counts other chains than the take has"
    SealActor "seal-actor" Damaged "the seal names another actor for a chain"
    Count "count" Damaged "the seal counts other events of a chain"
    Head "head" Damaged "the seal names another head of a chain"
    EmptyChain "empty-chain" Damaged "a chain of a complete take has no event"
    EndsInsideCall "ends-inside-call" Damaged "a chain of a complete take ends within a call"
    NoShutdown "no-shutdown" Damaged "a chain of a complete take has no `shutdown`"
    MessageOneSided "message-one-sided" Damaged "only one chain knows of a message"
    Repaired "repaired" Damaged "the take was repaired, and is not all that was recorded"
    NoCall "no-call" Nothing "the take is intact and sealed, and holds no call"
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl From<&VerifyFault> for Fault {
    fn from(fault: &VerifyFault) -> Self {
        match fault {
            VerifyFault::Read(error) => error.into(),
            VerifyFault::Integrity(error) => error.into(),
        }
    }
}

impl From<&ReadError> for Fault {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::Io { .. } | ReadError::Failed => Fault::Unreadable,
            ReadError::Empty => Fault::Empty,
            ReadError::NotATake { damage: Damage::NoFrame, .. } => Fault::WrongMagic,
            ReadError::NotATake { .. } => Fault::NoHeader,
            ReadError::Version(VersionError::NewerMajor { .. }) => Fault::NewerMajor,
            ReadError::Version(VersionError::OlderMajor { .. }) => Fault::OlderMajor,
            ReadError::Version(VersionError::NewerMinor { .. }) => Fault::NewerMinor,
            ReadError::Damaged { damage, .. } => damage.into(),
            ReadError::TrailingBytes { .. } => Fault::TrailingBytes,
        }
    }
}

impl From<&Damage> for Fault {
    fn from(damage: &Damage) -> Self {
        match damage {
            Damage::NoFrame => Fault::FrameMagic,
            Damage::FrameSettings { .. } => Fault::FrameSettings,
            Damage::Compression { .. } => Fault::FrameData,
            Damage::Checksum => Fault::FrameChecksum,
            Damage::LongFrame => Fault::FrameTooLong,
            Damage::Syntax { .. } => Fault::RecordSyntax,
            Damage::NotCanonical => Fault::RecordNotCanonical,
            Damage::UnknownRecord { .. } => Fault::RecordUnknown,
            Damage::ActorId => Fault::ActorIdForm,
            Damage::TooLarge { .. } => Fault::RecordTooLarge,
            Damage::SealTooLarge { .. } => Fault::SealTooLarge,
            Damage::Misplaced { .. } => Fault::RecordMisplaced,
            Damage::ActorPiece { .. } => Fault::EmbeddedPiece,
            Damage::ActorCut { .. } => Fault::EmbeddedCut,
            Damage::ChainOutOfTurn { .. } => Fault::ChainOutOfTurn,
            Damage::TooManyChains => Fault::TooManyChains,
            Damage::UnknownChain { .. } => Fault::UnknownChain,
            Damage::EmptyFrame => Fault::FrameEmpty,
            Damage::CrossesFrame => Fault::FrameCutsRecord,
            Damage::MissingIndex => Fault::IndexMissing,
            Damage::Header(_) => Fault::HeaderSyntax,
            Damage::Index(_) => Fault::IndexSyntax,
            Damage::Seal(_) => Fault::SealSyntax,
            Damage::IndexMismatch { .. } => Fault::IndexMismatch,
            Damage::SealMismatch { .. } => Fault::SealIndex,
            Damage::SealEncoding => Fault::SealEncoding,
        }
    }
}

impl From<&IntegrityError> for Fault {
    fn from(error: &IntegrityError) -> Self {
        match error {
            IntegrityError::Event { fault, .. } => (&**fault).into(),
            IntegrityError::Message(fault) => fault.into(),
            IntegrityError::DoubleChain { .. } => Fault::ChainDoubled,
            IntegrityError::ChainOutOfTurn { .. } => Fault::ChainOutOfTurn,
            IntegrityError::EmptyChain { .. } => Fault::EmptyChain,
            IntegrityError::EndsInsideCall { .. } => Fault::EndsInsideCall,
            IntegrityError::NoShutdown { .. } => Fault::NoShutdown,
            IntegrityError::EmbeddedIncomplete { .. } => Fault::EmbeddedCut,
            IntegrityError::SealedEvents { .. } => Fault::EventCount,
            IntegrityError::SealedChains { .. } => Fault::ChainCount,
            IntegrityError::SealedActor { .. } => Fault::SealActor,
            IntegrityError::SealedCount { .. } => Fault::Count,
            IntegrityError::SealedHead { .. } => Fault::Head,
        }
    }
}

impl From<&IntegrityFault> for Fault {
    fn from(fault: &IntegrityFault) -> Self {
        match fault {
            IntegrityFault::UnknownChain => Fault::UnknownChain,
            IntegrityFault::Hash { .. } => Fault::Hash,
            IntegrityFault::Parent { .. } => Fault::Link,
            IntegrityFault::Payload(error) => error.into(),
            IntegrityFault::Grammar(fault) => fault.into(),
            IntegrityFault::GenesisId { .. } => Fault::GenesisActor,
            IntegrityFault::GenesisVersion(_) => Fault::GenesisVersion,
            IntegrityFault::GenesisActor { .. } => Fault::GenesisComponent,
            IntegrityFault::Message(fault) => fault.into(),
            IntegrityFault::Observation(fault) => fault.into(),
        }
    }
}

impl From<&GrammarFault> for Fault {
    fn from(fault: &GrammarFault) -> Self {
        match fault {
            GrammarFault::NoGenesis => Fault::NoGenesis,
            GrammarFault::SecondGenesis => Fault::SecondGenesis,
            GrammarFault::CallInCall { .. } => Fault::CallInCall,
            GrammarFault::HostCallOutsideCall { .. } => Fault::HostCallOutsideCall,
            GrammarFault::EndOutsideCall { .. } => Fault::EndOutsideCall,
            GrammarFault::EndOfAnotherCall { .. } => Fault::EndOfAnotherCall,
            GrammarFault::InsideCall { .. } => Fault::EventInsideCall,
            GrammarFault::ObservationMisplaced => Fault::ObservationMisplaced,
            GrammarFault::MessageNotTaken => Fault::MessageNotTaken,
            GrammarFault::AfterShutdown => Fault::AfterShutdown,
        }
    }
}

impl From<&DecodeError> for Fault {
    fn from(error: &DecodeError) -> Self {
        match error {
            DecodeError::Truncated { .. } => Fault::PayloadCut,
            DecodeError::Syntax { .. } => Fault::PayloadSyntax,
            DecodeError::DuplicateKey { .. } => Fault::DuplicateKey,
            DecodeError::Shape { .. } => Fault::PayloadShape,
            DecodeError::UnknownKind { .. } => Fault::UnknownKind,
            DecodeError::TooDeep { .. } => Fault::PayloadTooDeep,
            DecodeError::TooManyValues { .. } => Fault::TooManyValues,
            DecodeError::NotCanonical { .. } => Fault::PayloadNotCanonical,
            DecodeError::Trailing { .. } => Fault::PayloadTrailing,
            DecodeError::WrongType { .. } => Fault::EventType,
            DecodeError::WrongResponse { .. } => Fault::WrongResponse,
        }
    }
}

impl From<&MessageFault> for Fault {
    fn from(fault: &MessageFault) -> Self {
        match fault {
            MessageFault::Content { .. } => Fault::MessageContent,
            MessageFault::Receiver { .. } => Fault::MessageReceiver,
            MessageFault::NotTaken { .. } => Fault::MessageNotTaken,
            MessageFault::Response { .. } => Fault::MessageResponse,
            MessageFault::OneSided { .. } => Fault::MessageOneSided,
            MessageFault::TooMany => Fault::TooManyMessages,
        }
    }
}

impl From<&ObservationFault> for Fault {
    fn from(fault: &ObservationFault) -> Self {
        match fault {
            ObservationFault::Form { .. } => Fault::ObservationForm,
            ObservationFault::Differs { .. }
            | ObservationFault::NoResponse { .. }
            | ObservationFault::Finished
            | ObservationFault::NotGivenUp => Fault::Observation,
            ObservationFault::Missing { .. } => Fault::ObservationMissing,
        }
    }
}

impl Fault {
    /// What a take that was read to its end without an error lacks, if anything.
    pub fn of_report(report: &Report) -> Option<Fault> {
        match (report.state, &report.seal) {
            (TakeState::Torn { offset: 0 }, _) => Some(Fault::ShortHeader),
            (TakeState::Torn { .. }, _) => Some(Fault::Torn),
            (TakeState::Unsealed, _) | (TakeState::Sealed, None) => Some(Fault::Unsealed),
            (TakeState::Sealed, Some(SealKind::Repaired { .. })) => Some(Fault::Repaired),
            (TakeState::Sealed, Some(SealKind::Complete)) if report.calls() == 0 => Some(Fault::NoCall),
            (TakeState::Sealed, Some(SealKind::Complete)) => None,
        }
    }
}
