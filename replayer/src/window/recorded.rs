//! Owns [`RecordedEvent`], an event of the recording, and [`Position`], where it is in the take.

use retake_chain::{
    ChainEvent, ChainEventPayload, EventKind, Outcome, TrapKind, WasmErrorKind, WasmEventData,
};

/// Where an event is in the take.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    /// Its number, over all chains.
    pub number: u64,
    /// Where its frame starts.
    pub offset: u64,
}

/// An event of the recording, as the cursor shows it.
pub(crate) struct RecordedEvent<'a> {
    pub event: &'a ChainEvent,
    pub payload: &'a ChainEventPayload,
    /// Index in the chain.
    pub index: u64,
    pub position: Position,
}

impl RecordedEvent<'_> {
    /// The outcome of the call that this event ends, if the guest's stack was exhausted.
    pub fn exhaustion(&self) -> Option<Outcome> {
        match self.payload {
            ChainEventPayload::Wasm(WasmEventData::WasmError {
                kind: WasmErrorKind::Trapped(kind @ TrapKind::StackExhausted),
                message,
                ..
            }) => Some(Outcome::Trapped { kind: *kind, message: message.clone() }),
            _ => None,
        }
    }

    /// Whether this is the host's own note of an HTTP exchange.
    pub fn is_observation(&self) -> bool {
        self.payload.kind() == EventKind::Observation
    }

    /// Whether this may come between the guest's last action in a call and the end of the call.
    pub fn is_of_the_host(&self) -> bool {
        matches!(self.payload.kind(), EventKind::Observation | EventKind::Runtime)
    }
}
