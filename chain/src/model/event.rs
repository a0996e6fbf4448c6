//! Owns [`ChainEvent`], the immutable link of a chain, [`EventRef`], the same where it lies in a buffer, and
//! [`ChainEventData`], an event before it is linked.
//! What an event says is in `payload.rs`; its bytes and its hash are `codec/event.rs`'s.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;

use crate::model::hash::EventHash;
use crate::model::payload::{
    ChainEventPayload, HostFunctionCall, ReplaySummary, TheaterRuntimeEventData, WasmEventData,
};
use crate::model::session::SessionStart;

/// One event of a chain. Cheap to clone; equal to another when the hashes are.
#[derive(Clone)]
pub struct ChainEvent {
    /// SHA-256 over the other three fields.
    pub hash: EventHash,
    /// Hash of the event before, or `None` in a chain's first event.
    pub parent_hash: Option<EventHash>,
    /// What kind of event it is.
    pub event_type: Arc<str>,
    /// The canonical MessagePack of the payload.
    pub data: Bytes,
}

impl PartialEq for ChainEvent {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for ChainEvent {}

impl Hash for ChainEvent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl fmt::Display for ChainEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.hash.short(), self.event_type, self.data.len())
    }
}

impl fmt::Debug for ChainEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainEvent")
            .field("hash", &self.hash.short())
            .field("parent_hash", &self.parent_hash.map(|hash| hash.short()))
            .field("event_type", &self.event_type)
            .field("data_len", &self.data.len())
            .finish()
    }
}

/// An event of a chain, lent by who made it or keeps it.
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'a> {
    /// As [`ChainEvent::hash`].
    pub hash: EventHash,
    /// As [`ChainEvent::parent_hash`].
    pub parent_hash: Option<EventHash>,
    /// As [`ChainEvent::event_type`].
    pub event_type: &'a Arc<str>,
    /// As [`ChainEvent::data`].
    pub data: &'a [u8],
}

impl EventRef<'_> {
    /// An event of one's own, with a copy of the data.
    pub fn to_event(&self) -> ChainEvent {
        ChainEvent {
            hash: self.hash,
            parent_hash: self.parent_hash,
            event_type: self.event_type.clone(),
            data: Bytes::copy_from_slice(self.data),
        }
    }
}

impl<'a> From<&'a ChainEvent> for EventRef<'a> {
    fn from(event: &'a ChainEvent) -> Self {
        let ChainEvent { hash, parent_hash, event_type, data } = event;
        EventRef { hash: *hash, parent_hash: *parent_hash, event_type, data }
    }
}

/// An event that is not linked yet. The constructors see to it that the type fits the payload; a chain
/// refuses one where it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainEventData {
    /// What kind of event it is.
    pub event_type: Arc<str>,
    /// What it says.
    pub data: ChainEventPayload,
}

impl ChainEventData {
    /// The genesis of a chain.
    pub fn session(start: SessionStart) -> Self {
        ChainEventPayload::Session(Box::new(start)).into()
    }

    /// A call of the actor to its host.
    pub fn host_function(call: HostFunctionCall) -> Self {
        ChainEventPayload::HostFunction(call).into()
    }

    /// A call of the actor to its host, whose type the caller keeps ready. A type that does not fit is
    /// replaced by the one that does.
    pub fn host_function_as(event_type: Arc<str>, call: HostFunctionCall) -> Self {
        let data = ChainEventPayload::HostFunction(call);
        if data.fits(&event_type) { Self { event_type, data } } else { data.into() }
    }

    /// A step of a call of the host to the actor.
    pub fn wasm(data: WasmEventData) -> Self {
        ChainEventPayload::Wasm(data).into()
    }

    /// Something the runtime did.
    pub fn theater_runtime(data: TheaterRuntimeEventData) -> Self {
        ChainEventPayload::TheaterRuntime(data).into()
    }

    /// The clean end of a chain.
    pub fn shutdown() -> Self {
        ChainEventPayload::Shutdown.into()
    }

    /// What a replay found.
    pub fn replay_summary(summary: ReplaySummary) -> Self {
        ChainEventPayload::ReplaySummary(summary).into()
    }
}

impl From<ChainEventPayload> for ChainEventData {
    fn from(data: ChainEventPayload) -> Self {
        Self { event_type: data.event_type(), data }
    }
}
