//! The chain of Retake: what an actor did, as hashed events, and the log file that keeps them.
//!
//! - [`Value`], the shape of a component value, and its canonical MessagePack;
//! - [`ChainEvent`] and [`ChainEventPayload`], the events, and [`event_hash`], the formula that links them;
//! - [`Grammar`], which event may follow which;
//! - [`ChainHead`], which makes each next event of a chain;
//! - [`StateChain`], which many tasks append to, and which delivers events to subscribers;
//! - [`log`], the writer and reader of `.take` files;
//! - [`jsonl`], a take as JSON lines, there and back.
//!
//! Neither an engine nor a network is needed to build or use this crate.

mod best_effort;
mod count;
mod encoding;
mod event;
mod file_kind;
mod grammar;
mod hash;
mod head;
mod history;
mod http_replay;
mod ids;
pub mod jsonl;
pub mod log;
mod message_protocol;
mod pack;
mod payload;
mod payload_codec;
mod payload_decode;
mod printable;
mod session;
mod state_chain;
mod trap;
mod unpack;
mod value;
mod value_decode;
mod value_display;
mod value_serde;

#[cfg(test)]
mod tests;

pub use best_effort::BestEffortSubscriber;
pub use encoding::{DecodeError, EncodeError, MAX_DECODE_DEPTH, from_canonical_slice, to_canonical_vec};
pub use event::{ChainEvent, ChainEventData};
pub use file_kind::{BYTE_ORDER_MARK, FileKind, Wanted};
pub use grammar::{EventKind, Grammar, GrammarFault, Origin};
pub use hash::{ContentHasher, ContentRef, EVENT_HASH_DOMAIN, EventHash, ParseDigestError, event_hash};
pub use head::{AppendFault, ChainError, ChainHead};
pub use history::{BrokenChain, EventWindow, History};
pub use http_replay::{HttpReplayChain, is_http_incoming};
pub use ids::{ParseIdError, TheaterId};
pub use log::{
    ChainNumber, FormatVersion, IndexedLog, LogReader, LogWriter, MAX_EVENT, MAX_EVENT_TYPE, ReadError,
    Record, Seal, SealKind, SealSummary, Storage, TakeState, WriteError,
};
pub use message_protocol::{ActorMessage, NoResponse, response_in};
pub use payload::{
    ChainEventPayload, HostFunctionCall, LogLevel, Outcome, REPLAY_SUMMARY, ReplaySummary, SESSION, SHUTDOWN,
    TheaterRuntimeEventData, WASM_CALL, WASM_ERROR, WASM_RESULT, WasmEventData, host_event_type, is_message,
};
pub use printable::{Printable, PrintableLines, is_hidden};
pub use session::{ActorSource, EngineProfile, InstanceMode, SessionKind, SessionStart};
pub use state_chain::{EventSender, StateChain};
pub use trap::{TrapKind, WasmErrorKind};
pub use value::{HANDLE_EXTENSION, MAX_VALUE_DEPTH, MAX_VALUES, Value};
