//! Owns the names of event types, and what a name alone says of an event.

use std::sync::Arc;

/// The event type of a chain's first event.
pub const SESSION: &str = "retake/session";
/// The event type of the start of an export call.
pub const WASM_CALL: &str = "wasm-call";
/// The event type of the end of an export call.
pub const WASM_RESULT: &str = "wasm-result";
/// The event type of a trap in an export call, and of a component that could not be made.
pub const WASM_ERROR: &str = "wasm-error";
/// The event type of a chain's last event.
pub const SHUTDOWN: &str = "shutdown";
/// The event type of a replay's summary.
pub const REPLAY_SUMMARY: &str = "replay-summary";

pub(crate) const LOG: &str = "theater-runtime/log";
pub(crate) const ACTOR_STARTED: &str = "theater-runtime/actor-started";
pub(crate) const SHUTDOWN_REQUESTED: &str = "theater-runtime/shutdown-requested";
pub(crate) const MESSAGE: &str = "theater-runtime/message";
pub(crate) const MESSAGE_DROPPED: &str = "theater-runtime/message-dropped";

/// The interface by which actors message each other.
const MESSAGE_HOST: &str = "theater:simple/message-server-host";
/// The interface by which HTTP requests reach an actor, up to its patch version.
const INCOMING_PREFIX: &str = "wasi:http/incoming-handler@0.2.";
const INCOMING_FUNCTION: &str = "handle";

/// The event type of a host call: `<interface>/<function>`.
pub fn host_event_type(interface: &str, function: &str) -> Arc<str> {
    let mut name = String::with_capacity(interface.len() + 1 + function.len());
    name.push_str(interface);
    name.push('/');
    name.push_str(function);
    Arc::from(name)
}

/// Whether an event of this type is a message to another actor of the session: a call of `send` or `request`.
/// Messages are numbered by these events, in the order of the sender's chain.
pub fn is_message(event_type: &str) -> bool {
    event_type.strip_prefix(MESSAGE_HOST).is_some_and(|function| matches!(function, "/send" | "/request"))
}

/// Whether the type is `wasi:http/incoming-handler@0.2.<patch>/handle`.
pub fn is_http_incoming(event_type: &str) -> bool {
    event_type
        .rsplit_once('/')
        .is_some_and(|(interface, function)| is_http_incoming_function(interface, function))
}

/// The same of the two parts of a type.
pub(crate) fn is_http_incoming_function(interface: &str, function: &str) -> bool {
    function == INCOMING_FUNCTION
        && interface
            .strip_prefix(INCOMING_PREFIX)
            .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()))
}
