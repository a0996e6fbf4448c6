//! Owns how an event is described to people, and in JSON.

use std::fmt;

use retake_chain::{
    ChainEvent, ChainEventPayload, HostFunctionCall, Outcome, Printable, Value, WasmErrorKind, WasmEventData,
};
use serde::Serialize;

/// An event with its payload, for printing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventDescription {
    /// The event's type.
    pub event_type: String,
    /// Its payload; `None` if its data does not decode.
    pub payload: Option<ChainEventPayload>,
}

impl EventDescription {
    /// Describes an event. An event whose data does not decode is described by its type alone.
    pub fn of(event: &ChainEvent) -> Self {
        Self { event_type: event.event_type.to_string(), payload: event.payload().ok() }
    }
}

impl From<ChainEventPayload> for EventDescription {
    fn from(payload: ChainEventPayload) -> Self {
        Self { event_type: payload.event_type().to_string(), payload: Some(payload) }
    }
}

impl fmt::Display for EventDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text comes from the take, so it may hold control characters.
        write!(f, "{}", Printable(Unescaped(self)))
    }
}

/// The description with the text as it is in the take.
struct Unescaped<'a>(&'a EventDescription);

impl fmt::Display for Unescaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EventDescription { event_type, payload } = self.0;
        match payload {
            Some(ChainEventPayload::HostFunction(HostFunctionCall {
                interface,
                function,
                input,
                output,
            })) => {
                write!(f, "{interface}/{function}{} ", ArgumentList(input))?;
                match output {
                    // A re-run is not answered where it calls something that was not recorded.
                    Outcome::Cancelled => f.write_str("was not answered"),
                    output => write!(f, "{output}"),
                }
            }
            Some(ChainEventPayload::Wasm(wasm)) => match wasm {
                WasmEventData::WasmCall { function_name, params } => {
                    write!(f, "call of {function_name}{}", ArgumentList(params))
                }
                WasmEventData::WasmResult { function_name, state, response } => {
                    write!(f, "{function_name} {response}")?;
                    state.as_ref().map_or(Ok(()), |state| write!(f, ", new state {state}"))
                }
                WasmEventData::WasmError { function_name, kind, message } => match kind {
                    WasmErrorKind::Trapped(kind) => {
                        write!(f, "{function_name} trapped: {message:?} ({kind})")
                    }
                    WasmErrorKind::HostFailure => write!(f, "{function_name} failed: {message:?}"),
                    WasmErrorKind::Cancelled => write!(f, "{function_name} was given up: {message:?}"),
                },
                WasmEventData::WasmComponentCreationError { error } => write!(f, "no instance: {error:?}"),
            },
            Some(ChainEventPayload::TheaterRuntime(data)) => write!(f, "{event_type}: {data:?}"),
            Some(ChainEventPayload::ReplaySummary(summary)) => write!(f, "{event_type}: {summary:?}"),
            Some(ChainEventPayload::Session(start)) => {
                write!(f, "{event_type} of actor {}, component {}", start.actor_id, start.actor.digest)
            }
            Some(ChainEventPayload::Shutdown) | None => f.write_str(event_type),
        }
    }
}

/// The arguments of a call, in parentheses.
pub(crate) struct ArgumentList<'a>(pub &'a [Value]);

impl fmt::Display for ArgumentList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, value) in self.0.iter().enumerate() {
            write!(f, "{}{value}", if i == 0 { "(" } else { ", " })?;
        }
        f.write_str(if self.0.is_empty() { "()" } else { ")" })
    }
}
