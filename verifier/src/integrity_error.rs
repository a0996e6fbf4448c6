//! Owns the ways in which a take's own bytes contradict themselves. Finding them is `integrity.rs`'s.

use std::fmt;

use retake_chain::log::VersionError;
use retake_chain::{ChainNumber, ContentRef, DecodeError, EventHash, GrammarFault, TheaterId};

use crate::messages::MessageFault;
use crate::observation::ObservationFault;

/// An event's place in a take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Index over all chains, from 0.
    pub event: u64,
    /// Where the zstd frame that holds it begins in the file.
    pub offset: u64,
    /// Number of the chain.
    pub chain: ChainNumber,
    /// The chain's actor, if the chain was introduced.
    pub id: Option<TheaterId>,
    /// Index within the chain, from 0.
    pub index: u64,
    /// The event's type.
    pub event_type: String,
}

impl Place {
    /// The error of this event's fault.
    pub fn with(self, fault: IntegrityFault) -> IntegrityError {
        IntegrityError::Event { place: Box::new(self), fault: Box::new(fault) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { event, offset, index, chain, event_type, .. } = self;
        write!(f, "event {event} (event {index} of chain {chain}")?;
        if let Some(id) = &self.id {
            write!(f, ", actor {id}")?;
        }
        write!(f, ", type `{event_type}`, behind byte {offset})")
    }
}

/// The first thing in a take that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntegrityError {
    /// An event is bad.
    #[error("{place}: {fault}")]
    Event {
        /// Which.
        place: Box<Place>,
        /// Why.
        fault: Box<IntegrityFault>,
    },
    /// At the end of the take, only one of two chains knows of a message.
    #[error(transparent)]
    Message(#[from] MessageFault),
    /// Two chains of one take have the same actor.
    #[error("chain {chain} has the actor {id}, which another chain of the take has already")]
    DoubleChain {
        /// The second chain.
        chain: ChainNumber,
        /// The actor of both.
        id: TheaterId,
    },
    /// Chains are not counted from 0.
    #[error("chain {found} is introduced where chain {expected} must be")]
    ChainOutOfTurn {
        /// The number that must come.
        expected: ChainNumber,
        /// The number that came.
        found: ChainNumber,
    },
    /// A sealed take has a chain without an event.
    #[error("chain {chain} (actor {id}) has no event, not even its genesis")]
    EmptyChain {
        /// The chain.
        chain: ChainNumber,
        /// Its actor.
        id: TheaterId,
    },
    /// A sealed chain ends in the middle of a call.
    #[error("chain {chain} (actor {id}) ends after {events} events inside an export call, in a sealed take")]
    EndsInsideCall {
        /// The chain.
        chain: ChainNumber,
        /// Its actor.
        id: TheaterId,
        /// Its events.
        events: u64,
    },
    /// A sealed chain lacks its end.
    #[error(
        "chain {chain} (actor {id}) ends after {events} events without `shutdown`, in a sealed take; its end was removed"
    )]
    NoShutdown {
        /// The chain.
        chain: ChainNumber,
        /// Its actor.
        id: TheaterId,
        /// Its events.
        events: u64,
    },
    /// The embedded component has gaps or is not whole.
    #[error("the embedded component is not whole: {seen} of {total} bytes")]
    EmbeddedIncomplete {
        /// Bytes that are there.
        seen: u64,
        /// Bytes that must be there.
        total: u64,
    },
    /// The seal counts other events than the take has.
    #[error("the seal says that the number of events is {sealed}, the take has {found}")]
    SealedEvents {
        /// The seal's answer.
        sealed: u64,
        /// What was found.
        found: u64,
    },
    /// The seal counts other chains than the take has.
    #[error("the seal says that the number of chains is {sealed}, the take has {found}")]
    SealedChains {
        /// The seal's answer.
        sealed: usize,
        /// What was found.
        found: usize,
    },
    /// The seal names another actor for a chain.
    #[error("the seal says that chain {chain} is of actor {sealed}, the take says of {found}")]
    SealedActor {
        /// The chain.
        chain: ChainNumber,
        /// The seal's answer.
        sealed: TheaterId,
        /// What was found.
        found: TheaterId,
    },
    /// The seal counts other events of a chain.
    #[error(
        "the seal says that chain {chain} has {sealed} events, it has {found}; its end was removed, or more was added"
    )]
    SealedCount {
        /// The chain.
        chain: ChainNumber,
        /// The seal's answer.
        sealed: u64,
        /// What was found.
        found: u64,
    },
    /// The seal names another head of a chain.
    #[error("the seal says that the head of chain {chain} is {}, it is {}", show(.sealed), show(.found))]
    SealedHead {
        /// The chain.
        chain: ChainNumber,
        /// The seal's answer.
        sealed: Option<EventHash>,
        /// What was found.
        found: Option<EventHash>,
    },
}

fn show(head: &Option<EventHash>) -> String {
    head.map_or("none".to_owned(), |head| head.to_string())
}

/// Why an event cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntegrityFault {
    /// The chain was not introduced.
    #[error("its chain was not introduced")]
    UnknownChain,
    /// The hash is not the hash of the content.
    #[error("its hash is {actual}, but it names {expected}; the event was altered or damaged")]
    Hash {
        /// The hash that it names.
        expected: EventHash,
        /// The hash of its content.
        actual: EventHash,
    },
    /// The parent is not the event before.
    #[error(
        "its parent is {actual:?}, the event before is {expected:?}; an event was removed, added or moved"
    )]
    Parent {
        /// Hash of the event before.
        expected: Option<EventHash>,
        /// The parent it names.
        actual: Option<EventHash>,
    },
    /// The payload cannot be decoded.
    #[error("its data: {0}")]
    Payload(#[from] DecodeError),
    /// It may not stand where it does.
    #[error(transparent)]
    Grammar(#[from] GrammarFault),
    /// The genesis is of another actor.
    #[error("the genesis is of actor {found}, the chain of actor {chain}")]
    GenesisId {
        /// The chain's actor.
        chain: TheaterId,
        /// The genesis's actor.
        found: TheaterId,
    },
    /// The genesis is of a version that this take cannot have.
    #[error("the genesis is of another version: {0}")]
    GenesisVersion(VersionError),
    /// The genesis names another component than the one that is embedded, or than another genesis does.
    #[error("the genesis names the component {found}, {whose} is {expected}")]
    GenesisActor {
        /// Where the other digest comes from.
        whose: &'static str,
        /// The other digest.
        expected: ContentRef,
        /// The digest in the genesis.
        found: ContentRef,
    },
    /// Two chains tell a message differently.
    #[error(transparent)]
    Message(#[from] MessageFault),
    /// The observation of an exchange is not what the calls of the actor make of it.
    #[error(transparent)]
    Observation(#[from] ObservationFault),
}
