//! Owns the ways in which a take's own bytes contradict themselves. `integrity.rs` finds them.

use std::fmt;

use retake_chain::log::VersionError;
use retake_chain::{ChainNumber, ContentRef, DecodeError, EventHash, GrammarFault, LinkFault, TheaterId};

use crate::fault::FaultKind;
use crate::message_fault::MessageFault;
use crate::observation::ObservationFault;

/// Where an event is in a take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLocation {
    /// Number of the event in the take, over all chains, from 0.
    pub event: u64,
    /// Byte of the file at which the zstd frame that holds the event starts.
    pub offset: u64,
    /// Number of the chain.
    pub chain: ChainNumber,
    /// The chain's actor, if the chain was introduced.
    pub id: Option<TheaterId>,
    /// Index of the event in its chain, from 0.
    pub index: u64,
    /// The event's type.
    pub event_type: String,
}

impl EventLocation {
    /// The error for a fault of this event.
    pub fn with(self, fault: EventFault) -> IntegrityError {
        IntegrityError::Event { location: Box::new(self), fault: Box::new(fault) }
    }
}

impl fmt::Display for EventLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EventLocation { event, offset, index, chain, event_type, .. } = self;
        write!(f, "event {event} (index {index} of chain {chain}")?;
        if let Some(id) = &self.id {
            write!(f, ", actor {id}")?;
        }
        write!(f, ", type `{event_type}`, in the frame at byte {offset})")
    }
}

/// The first fault of a take that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum IntegrityError {
    /// An event has a fault.
    #[error("{location}: {fault}")]
    Event { location: Box<EventLocation>, fault: Box<EventFault> },
    /// At the end of the take, only one of two chains has a message.
    #[error(transparent)]
    Message(#[from] MessageFault),
    /// Two chains of the take have the same actor.
    #[error("chain {chain} has actor {id}, but another chain of the take has the same actor")]
    DuplicateChain { chain: ChainNumber, id: TheaterId },
    /// Chain numbers do not count up from 0.
    #[error("expected chain {expected} to be introduced next, found chain {found}")]
    ChainOutOfTurn { expected: ChainNumber, found: ChainNumber },
    /// A chain of a complete take has no events.
    #[error("chain {chain} (actor {id}) has no events, not even its genesis")]
    EmptyChain { chain: ChainNumber, id: TheaterId },
    /// A chain of a complete take ends inside a call.
    #[error("chain {chain} (actor {id}) ends inside an export call, after {events} events, in a sealed take")]
    EndsInsideCall { chain: ChainNumber, id: TheaterId, events: u64 },
    /// A chain of a complete take has no end.
    #[error(
        "chain {chain} (actor {id}) ends without `shutdown`, after {events} events, in a sealed take; its end was removed"
    )]
    NoShutdown { chain: ChainNumber, id: TheaterId, events: u64 },
    /// The embedded component has a gap or is cut off.
    #[error("the embedded component is incomplete: found {seen} of {total} bytes")]
    EmbeddedIncomplete { seen: u64, total: u64 },
    /// The number of events in the seal is not that of the take.
    #[error("the seal says that the take has {sealed} events, but it has {found}")]
    SealedEvents { sealed: u64, found: u64 },
    /// The number of chains in the seal is not that of the take.
    #[error("the seal says that the take has {sealed} chains, but it has {found}")]
    SealedChains { sealed: usize, found: usize },
    /// The seal and a chain name different actors.
    #[error("the seal says that chain {chain} has actor {sealed}, but its actor is {found}")]
    SealedActor { chain: ChainNumber, sealed: TheaterId, found: TheaterId },
    /// The number of events in the seal is not that of the chain.
    #[error(
        "the seal says that chain {chain} has {sealed} events, but it has {found}; events were removed from its end or added"
    )]
    SealedCount { chain: ChainNumber, sealed: u64, found: u64 },
    /// The head in the seal is not that of the chain.
    #[error("the seal says that the head of chain {chain} is {}, but it is {}", hash_or_none(.sealed), hash_or_none(.found))]
    SealedHead { chain: ChainNumber, sealed: Option<EventHash>, found: Option<EventHash> },
}

fn hash_or_none(hash: &Option<EventHash>) -> String {
    hash.map_or("none".to_owned(), |hash| hash.to_string())
}

/// What is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum EventFault {
    /// The chain was not introduced.
    #[error("its chain was not introduced")]
    UnknownChain,
    /// Its hash or its link to the event before is wrong.
    #[error(transparent)]
    Link(#[from] LinkFault),
    /// The data cannot be decoded.
    #[error("cannot decode its data: {0}")]
    Payload(#[from] DecodeError),
    /// The event is not allowed at this place of its chain.
    #[error(transparent)]
    Grammar(#[from] GrammarFault),
    /// The genesis names an actor that is not the actor of its chain.
    #[error("the genesis names actor {found}, but the chain has actor {chain}")]
    GenesisActor { chain: TheaterId, found: TheaterId },
    /// The genesis has a version that this take cannot have.
    #[error("the genesis has a version that the take cannot have: {0}")]
    GenesisVersion(VersionError),
    /// The genesis names a component that differs from the embedded one, or from that of another chain.
    #[error("the genesis names component {found}, but {whose} is {expected}")]
    GenesisComponent { whose: &'static str, expected: ContentRef, found: ContentRef },
    /// Two chains contradict each other about a message.
    #[error(transparent)]
    Message(#[from] MessageFault),
    /// The observation of an HTTP exchange differs from what the actor's calls say.
    #[error(transparent)]
    Observation(#[from] ObservationFault),
}

impl From<&IntegrityError> for FaultKind {
    fn from(error: &IntegrityError) -> Self {
        match error {
            IntegrityError::Event { fault, .. } => (&**fault).into(),
            IntegrityError::Message(fault) => fault.into(),
            IntegrityError::DuplicateChain { .. } => FaultKind::DuplicateChain,
            IntegrityError::ChainOutOfTurn { .. } => FaultKind::ChainOutOfTurn,
            IntegrityError::EmptyChain { .. } => FaultKind::EmptyChain,
            IntegrityError::EndsInsideCall { .. } => FaultKind::EndsInsideCall,
            IntegrityError::NoShutdown { .. } => FaultKind::NoShutdown,
            IntegrityError::EmbeddedIncomplete { .. } => FaultKind::EmbeddedCut,
            IntegrityError::SealedEvents { .. } => FaultKind::EventCount,
            IntegrityError::SealedChains { .. } => FaultKind::ChainCount,
            IntegrityError::SealedActor { .. } => FaultKind::SealActor,
            IntegrityError::SealedCount { .. } => FaultKind::Count,
            IntegrityError::SealedHead { .. } => FaultKind::Head,
        }
    }
}

impl From<&EventFault> for FaultKind {
    fn from(fault: &EventFault) -> Self {
        match fault {
            EventFault::UnknownChain => FaultKind::UnknownChain,
            EventFault::Link(fault) => fault.into(),
            EventFault::Payload(error) => error.into(),
            EventFault::Grammar(fault) => fault.into(),
            EventFault::GenesisActor { .. } => FaultKind::GenesisActor,
            EventFault::GenesisVersion(_) => FaultKind::GenesisVersion,
            EventFault::GenesisComponent { .. } => FaultKind::GenesisComponent,
            EventFault::Message(fault) => fault.into(),
            EventFault::Observation(fault) => fault.into(),
        }
    }
}
