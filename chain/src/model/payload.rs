//! Owns what an event says: the payloads and outcomes. Their bytes are `codec`'s; the names of event types
//! are `event_type.rs`'s.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeStructVariant;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::event_type::{
    ACTOR_STARTED, LOG, MESSAGE, MESSAGE_DROPPED, REPLAY_SUMMARY, SESSION, SHUTDOWN, SHUTDOWN_REQUESTED,
    WASM_CALL, WASM_ERROR, WASM_RESULT, host_event_type,
};
use crate::model::ids::TheaterId;
use crate::model::session::SessionStart;
use crate::model::trap::{TrapKind, WasmErrorKind};
use crate::model::value::Value;

/// What an event says. Serializes for people (`--json`); the bytes in a take are
/// [`ChainEventPayload::encode`]'s.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ChainEventPayload {
    /// The genesis: what ran, and how.
    Session(Box<SessionStart>),
    /// A call of the actor to its host, with its outcome.
    HostFunction(HostFunctionCall),
    /// A call of the host to the actor.
    Wasm(WasmEventData),
    /// Something the runtime did on its own account.
    TheaterRuntime(TheaterRuntimeEventData),
    /// The end of a chain that ended cleanly.
    Shutdown,
    /// What a replay found.
    ReplaySummary(ReplaySummary),
}

/// A call of the actor to its host. Interface and function are carried by the event's type alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostFunctionCall {
    /// The imported interface, such as `wasi:clocks/wall-clock@0.2.3`.
    pub interface: Arc<str>,
    /// The function in it, without any `/`.
    pub function: Arc<str>,
    /// The arguments.
    pub input: Vec<Value>,
    /// How the call ended.
    pub output: Outcome,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned, with a value if the function has a result.
    Returned(Option<Value>),
    /// The guest ended itself with this exit code.
    Exited(i32),
    /// It trapped, or a fault of the canonical ABI ended it.
    Trapped {
        /// By which it is compared.
        kind: TrapKind,
        /// The engine's words, for people.
        message: String,
    },
    /// The host failed, with the message.
    Failed(String),
    /// It was cut short.
    Cancelled,
}

/// A call of the host to the actor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum WasmEventData {
    /// An export is called.
    WasmCall {
        /// The export, with its interface: `wasi:cli/run@0.2.3/run`.
        function_name: String,
        /// The arguments.
        params: Vec<Value>,
    },
    /// The export returned or the guest exited.
    WasmResult {
        /// The export.
        function_name: String,
        /// The actor's new state, if it has one. `nil` or a list of the one value.
        #[serde(serialize_with = "option_as_list")]
        state: Option<Value>,
        /// [`Outcome::Returned`] or [`Outcome::Exited`].
        response: Outcome,
    },
    /// The export trapped, a host function failed, or the call was given up.
    WasmError {
        /// The export.
        function_name: String,
        /// Which of these, and which trap.
        kind: WasmErrorKind,
        /// The words for it, for people.
        message: String,
    },
    /// No instance could be made.
    WasmComponentCreationError {
        /// The reason, for people.
        error: String,
    },
}

/// Something the runtime did on its own account. The guest has no part in it, so a replay copies these
/// events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TheaterRuntimeEventData {
    /// A line for the log.
    Log {
        /// How severe it is.
        level: LogLevel,
        /// The text that was logged.
        message: String,
    },
    /// The actor is there and takes calls.
    ActorStarted,
    /// Somebody asked the actor to end.
    ShutdownRequested,
    /// A message from another actor of the session comes next.
    Message {
        /// The sender.
        from: TheaterId,
        /// The message's number among all that the sender sent or tried to send, from 0.
        number: u64,
    },
    /// A message was in the mailbox of an actor that had to end.
    MessageDropped {
        /// The sender.
        from: TheaterId,
        /// The message's number, as in `Message`.
        number: u64,
    },
}

/// How severe a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something looks wrong.
    Warn,
    /// Something worth knowing happened.
    Info,
    /// For those who debug.
    Debug,
    /// Everything.
    Trace,
}

/// What a replay found, as Theater keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaySummary {
    /// Events of the recording.
    pub total_events: u64,
    /// Events that were re-run.
    pub events_replayed: u64,
    /// Events that differed.
    pub mismatches: u64,
    /// Whether all were identical.
    pub success: bool,
    /// What went wrong otherwise.
    pub error: Option<String>,
}

impl ChainEventPayload {
    /// The type of the event that carries this payload. Allocates for host calls only.
    pub fn event_type(&self) -> Arc<str> {
        match self {
            ChainEventPayload::HostFunction(call) => call.event_type(),
            fixed => Arc::from(fixed.fixed_type().unwrap_or_default()),
        }
    }

    /// Whether an event of this type may carry this payload.
    pub fn fits(&self, event_type: &str) -> bool {
        match self {
            ChainEventPayload::HostFunction(call) => call.fits(event_type),
            fixed => fixed.fixed_type() == Some(event_type),
        }
    }

    /// The type of every payload but a host call, whose type is its own name.
    fn fixed_type(&self) -> Option<&'static str> {
        Some(match self {
            ChainEventPayload::HostFunction(_) => return None,
            ChainEventPayload::Session(_) => SESSION,
            ChainEventPayload::Wasm(WasmEventData::WasmCall { .. }) => WASM_CALL,
            ChainEventPayload::Wasm(WasmEventData::WasmResult { .. }) => WASM_RESULT,
            ChainEventPayload::Wasm(
                WasmEventData::WasmError { .. } | WasmEventData::WasmComponentCreationError { .. },
            ) => WASM_ERROR,
            ChainEventPayload::TheaterRuntime(TheaterRuntimeEventData::Log { .. }) => LOG,
            ChainEventPayload::TheaterRuntime(TheaterRuntimeEventData::ActorStarted) => ACTOR_STARTED,
            ChainEventPayload::TheaterRuntime(TheaterRuntimeEventData::ShutdownRequested) => {
                SHUTDOWN_REQUESTED
            }
            ChainEventPayload::TheaterRuntime(TheaterRuntimeEventData::Message { .. }) => MESSAGE,
            ChainEventPayload::TheaterRuntime(TheaterRuntimeEventData::MessageDropped { .. }) => {
                MESSAGE_DROPPED
            }
            ChainEventPayload::Shutdown => SHUTDOWN,
            ChainEventPayload::ReplaySummary(_) => REPLAY_SUMMARY,
        })
    }
}

/// Declares the name of each payload, so that a payload without one does not compile.
macro_rules! payload_names {
    ($($payload:pat => $name:literal,)*) => {
        impl ChainEventPayload {
            /// The names of all payloads.
            pub(crate) const NAMES: &[&str] = &[$($name,)*];

            /// The payload's name, as its bytes begin with it.
            pub fn name(&self) -> &'static str {
                match self {
                    $($payload => $name,)*
                }
            }
        }
    };
}

payload_names! {
    ChainEventPayload::Session(_) => "Session",
    ChainEventPayload::HostFunction(_) => "HostFunction",
    ChainEventPayload::Wasm(_) => "Wasm",
    ChainEventPayload::TheaterRuntime(_) => "TheaterRuntime",
    ChainEventPayload::Shutdown => "Shutdown",
    ChainEventPayload::ReplaySummary(_) => "ReplaySummary",
}

impl WasmEventData {
    /// The end of an export call: a result if it returned or exited, else an error. `state` is the new
    /// state, of a function that has one.
    pub fn ended(function_name: String, state: Option<Value>, outcome: Outcome) -> Self {
        let (kind, message) = match outcome {
            Outcome::Returned(_) | Outcome::Exited(_) => {
                return WasmEventData::WasmResult { function_name, state, response: outcome };
            }
            Outcome::Trapped { kind, message } => (WasmErrorKind::Trapped(kind), message),
            Outcome::Failed(message) => (WasmErrorKind::HostFailure, message),
            Outcome::Cancelled => (WasmErrorKind::Cancelled, outcome.name().into()),
        };
        WasmEventData::WasmError { function_name, kind, message }
    }
}

impl HostFunctionCall {
    /// `<interface>/<function>`. Callers that make many such calls keep it beside the names.
    pub fn event_type(&self) -> Arc<str> {
        host_event_type(&self.interface, &self.function)
    }

    fn fits(&self, event_type: &str) -> bool {
        event_type.strip_prefix(&*self.interface).and_then(|rest| rest.strip_prefix('/'))
            == Some(&*self.function)
            && !self.function.contains('/')
    }
}

impl Outcome {
    /// The word that the bytes use for it.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Returned(_) => "returned",
            Outcome::Exited(_) => "exited",
            Outcome::Trapped { .. } => "trapped",
            Outcome::Failed(_) => "failed",
            Outcome::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Returned(None) => f.write_str("returned"),
            Outcome::Returned(Some(value)) => write!(f, "returned {value}"),
            Outcome::Exited(code) => write!(f, "exited with {code}"),
            Outcome::Trapped { kind, message } => write!(f, "trapped: {message:?} ({kind})"),
            Outcome::Failed(message) => write!(f, "failed: {message:?}"),
            Outcome::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// An optional value as a component's option is written: nil, or a list of the one value. A plain serde
/// option could not tell no value from the value nil.
fn option_as_list<S: Serializer>(state: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    state.as_ref().map(std::slice::from_ref).serialize(serializer)
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.name();
        match self {
            Outcome::Returned(None) => serializer.serialize_unit_variant("Outcome", 0, name),
            Outcome::Returned(Some(value)) => serializer.serialize_newtype_variant("Outcome", 0, name, value),
            Outcome::Exited(code) => serializer.serialize_newtype_variant("Outcome", 1, name, code),
            Outcome::Trapped { kind, message } => {
                let mut fields = serializer.serialize_struct_variant("Outcome", 2, name, 2)?;
                fields.serialize_field("kind", kind)?;
                fields.serialize_field("message", message)?;
                fields.end()
            }
            Outcome::Failed(message) => serializer.serialize_newtype_variant("Outcome", 3, name, message),
            Outcome::Cancelled => serializer.serialize_unit_variant("Outcome", 4, name),
        }
    }
}
