//! The chain of Retake: what an actor did, as hashed events, and the log file that keeps them.
//!
//! - [`Value`], the shape of a component value, and its canonical MessagePack;
//! - [`ChainEvent`] and [`ChainEventPayload`], the events, and [`event_hash`], the formula that links them;
//! - [`Grammar`], which event may follow which;
//! - [`ChainHead`], which makes each next event of a chain;
//! - `StateChain`, with the feature `live` (on by default): a chain that many tasks append to, and that
//!   delivers its events to subscribers;
//! - [`log`], the writer and reader of `.take` files;
//! - [`jsonl`], a take as JSON lines, there and back.
//!
//! Each module uses only those before it: `model`, `codec`, [`ChainHead`], then `live` and [`log`], then
//! [`jsonl`]. Neither an engine nor a network is needed to build or use this crate, and no async runtime
//! without `live`.

#![forbid(unsafe_code)]

mod codec;
mod file_kind;
mod head;
mod http_replay;
pub mod jsonl;
#[cfg(feature = "live")]
mod live;
pub mod log;
mod model;

#[cfg(test)]
mod tests;

pub use codec::encoding::{DecodeError, EncodeError, from_canonical_slice, to_canonical_vec};
pub use codec::event::{EVENT_HASH_DOMAIN, EventHasher, LinkFault, event_hash};
pub use file_kind::{BYTE_ORDER_MARK, FileKind, Wanted};
pub use head::{AppendFault, ChainError, ChainHead};
pub use http_replay::HttpReplayChain;
#[cfg(feature = "live")]
pub use live::best_effort::BestEffortSubscriber;
#[cfg(feature = "live")]
pub use live::history::{BrokenChain, EventWindow, History};
#[cfg(feature = "live")]
pub use live::journal::Journal;
#[cfg(feature = "live")]
pub use live::state_chain::{EventSender, StateChain};
pub use log::{
    ChainNumber, IndexedLog, LogReader, LogWriter, ReadError, Record, Seal, SealKind, SealSummary, Storage,
    TakeState, WriteError,
};
pub use model::event::{ChainEvent, ChainEventData, EventRef};
pub use model::event_type::{
    REPLAY_SUMMARY, SESSION, SHUTDOWN, WASM_CALL, WASM_ERROR, WASM_RESULT, host_event_type, is_http_incoming,
    is_message,
};
pub use model::grammar::{EventKind, Grammar, GrammarFault, Origin};
pub use model::hash::{ContentHasher, ContentRef, EventHash, ParseDigestError};
pub use model::ids::{ParseIdError, TheaterId};
pub use model::limits::{MAX_DECODE_DEPTH, MAX_EVENT, MAX_EVENT_TYPE, MAX_VALUE_DEPTH, MAX_VALUES};
pub use model::message_protocol::{ActorMessage, NoResponse, response_in};
pub use model::payload::{
    ChainEventPayload, HostFunctionCall, LogLevel, Outcome, ReplaySummary, TheaterRuntimeEventData,
    WasmEventData,
};
pub use model::printable::{Printable, PrintableLines, is_hidden};
pub use model::session::{ActorSource, EngineProfile, InstanceMode, SessionKind, SessionStart};
pub use model::trap::{TrapKind, WasmErrorKind};
pub use model::value::{HANDLE_EXTENSION, Value};
pub use model::version::FormatVersion;
