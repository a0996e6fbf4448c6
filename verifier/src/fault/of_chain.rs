//! Owns which kind of fault each error of reading, decoding and ordering is. The errors are `retake-chain`'s.

use retake_chain::log::{Damage, VersionError};
use retake_chain::{DecodeError, GrammarFault, LinkFault, ReadError};

use super::kind::FaultKind;

impl From<&ReadError> for FaultKind {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::Io { .. } | ReadError::Failed => FaultKind::Unreadable,
            ReadError::Empty => FaultKind::Empty,
            ReadError::NotATake { damage: Damage::NoFrame, .. } => FaultKind::WrongMagic,
            ReadError::NotATake { .. } => FaultKind::NoHeader,
            ReadError::Version(VersionError::NewerMajor { .. }) => FaultKind::NewerMajor,
            ReadError::Version(VersionError::OlderMajor { .. }) => FaultKind::OlderMajor,
            ReadError::Version(VersionError::NewerMinor { .. }) => FaultKind::NewerMinor,
            ReadError::Damaged { damage, .. } => damage.into(),
            ReadError::TrailingBytes { .. } => FaultKind::TrailingBytes,
        }
    }
}

impl From<&Damage> for FaultKind {
    fn from(damage: &Damage) -> Self {
        match damage {
            Damage::NoFrame => FaultKind::FrameMagic,
            Damage::FrameSettings { .. } => FaultKind::FrameSettings,
            Damage::Compression { .. } => FaultKind::FrameData,
            Damage::Checksum => FaultKind::FrameChecksum,
            Damage::LongFrame => FaultKind::FrameTooLong,
            Damage::Syntax { .. } => FaultKind::RecordSyntax,
            Damage::NotCanonical => FaultKind::RecordNotCanonical,
            Damage::UnknownRecord { .. } => FaultKind::RecordUnknown,
            Damage::ActorId => FaultKind::ActorIdForm,
            Damage::TooLarge { .. } => FaultKind::RecordTooLarge,
            Damage::SealTooLarge { .. } => FaultKind::SealTooLarge,
            Damage::Misplaced { .. } => FaultKind::RecordMisplaced,
            Damage::ActorPiece { .. } => FaultKind::EmbeddedPiece,
            Damage::ActorCut { .. } => FaultKind::EmbeddedCut,
            Damage::ChainOutOfTurn { .. } => FaultKind::ChainOutOfTurn,
            Damage::TooManyChains => FaultKind::TooManyChains,
            Damage::UnknownChain { .. } => FaultKind::UnknownChain,
            Damage::EmptyFrame => FaultKind::FrameEmpty,
            Damage::CrossesFrame => FaultKind::FrameCutsRecord,
            Damage::MissingIndex => FaultKind::IndexMissing,
            Damage::Header(_) => FaultKind::HeaderSyntax,
            Damage::Index(_) => FaultKind::IndexSyntax,
            Damage::Seal(_) => FaultKind::SealSyntax,
            Damage::IndexMismatch { .. } => FaultKind::IndexMismatch,
            Damage::SealMismatch { .. } => FaultKind::SealIndex,
            Damage::SealEncoding => FaultKind::SealEncoding,
        }
    }
}

impl From<&LinkFault> for FaultKind {
    fn from(fault: &LinkFault) -> Self {
        match fault {
            LinkFault::Hash { .. } => FaultKind::Hash,
            LinkFault::Link { .. } => FaultKind::Link,
        }
    }
}

impl From<&DecodeError> for FaultKind {
    fn from(error: &DecodeError) -> Self {
        match error {
            DecodeError::Truncated { .. } => FaultKind::PayloadCut,
            DecodeError::Syntax { .. } => FaultKind::PayloadSyntax,
            DecodeError::DuplicateKey { .. } => FaultKind::DuplicateKey,
            DecodeError::Shape { .. } => FaultKind::PayloadShape,
            DecodeError::UnknownKind { .. } => FaultKind::UnknownKind,
            DecodeError::TooDeep { .. } => FaultKind::PayloadTooDeep,
            DecodeError::TooManyValues { .. } => FaultKind::TooManyValues,
            DecodeError::NotCanonical { .. } => FaultKind::PayloadNotCanonical,
            DecodeError::Trailing { .. } => FaultKind::PayloadTrailing,
            DecodeError::WrongType { .. } => FaultKind::EventType,
            DecodeError::WrongResponse { .. } => FaultKind::WrongResponse,
        }
    }
}

impl From<&GrammarFault> for FaultKind {
    fn from(fault: &GrammarFault) -> Self {
        match fault {
            GrammarFault::NoGenesis => FaultKind::NoGenesis,
            GrammarFault::SecondGenesis => FaultKind::SecondGenesis,
            GrammarFault::CallInCall { .. } => FaultKind::CallInCall,
            GrammarFault::HostCallOutsideCall { .. } => FaultKind::HostCallOutsideCall,
            GrammarFault::EndOutsideCall { .. } => FaultKind::EndOutsideCall,
            GrammarFault::EndOfAnotherCall { .. } => FaultKind::EndOfAnotherCall,
            GrammarFault::InsideCall { .. } => FaultKind::EventInsideCall,
            GrammarFault::ObservationMisplaced => FaultKind::ObservationMisplaced,
            GrammarFault::MessageNotTaken => FaultKind::MessageNotTaken,
            GrammarFault::AfterShutdown => FaultKind::AfterShutdown,
        }
    }
}
