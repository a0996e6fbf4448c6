//! Owns [`HttpReplayChain`], the recorded events that a replay keeps in its store's extensions.
//! Filling and moving the window is the replayer's.

use crate::model::event::ChainEvent;
use crate::model::event_type::is_http_incoming;

/// Recorded events, in order. That a store has one is how a host knows that it is in replay mode: the
/// replayer keeps the window of the recording that it is in among the extensions of the actor's store.
///
/// # Examples
///
/// ```
/// use retake_chain::{ChainEvent, HttpReplayChain, WASM_CALL};
///
/// # let event = |event_type: &str| ChainEvent::link(None, event_type.into(), vec![].into());
/// let window = HttpReplayChain(vec![
///     event(WASM_CALL),
///     event("wasi:http/incoming-handler@0.2.12/handle"),
/// ]);
/// assert_eq!(window.events_by_type(WASM_CALL).len(), 1);
/// assert_eq!(window.http_incoming_events().len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpReplayChain(pub Vec<ChainEvent>);

impl HttpReplayChain {
    /// The events of exactly that type, in order.
    pub fn events_by_type(&self, event_type: &str) -> Vec<&ChainEvent> {
        self.0.iter().filter(|event| &*event.event_type == event_type).collect()
    }

    /// The HTTP requests that reached the actor: events of `wasi:http/incoming-handler@0.2.x/handle`,
    /// whatever the patch version.
    pub fn http_incoming_events(&self) -> Vec<&ChainEvent> {
        self.0.iter().filter(|event| is_http_incoming(&event.event_type)).collect()
    }
}
