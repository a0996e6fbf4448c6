//! The part of Retake that knows wasmtime: the recording boundary, the values that cross it, and the engine
//! settings that make a component behave the same each time.
//!
//! - [`instrument`] and [`Tap`]: record every host call of a component, whatever linker provides it.
//! - [`link_stand_in`] and [`StandIn`]: run the original component without a real host.
//! - [`abi`]: the dynamic ABI that both use.
//! - [`profile`]: the engine settings that replay depends on.
//! - [`Actor`]: a loaded component, or a WASI 0.1 module turned into one, with its digest.
//! - [`Exports`]: the functions that can be called in it.
//! - [`ExportCall`]: one call of an export, in a recording and in a replay.
//! - [`CodeCache`]: compiled components on disk.
//! - [`ActorStore`], [`ActorHandle`]: an actor of the Theater system, and the handle that calls it.

#![deny(unsafe_code)]

pub mod abi;
mod actor;
mod adapt;
mod boundary;
mod code_cache;
mod exports;
mod features;
mod instance_pool;
mod interrupt;
mod limits;
mod load;
mod outcome;
pub mod profile;
mod quiet;
mod shared_memory;
mod theater;
mod ticker;
mod trap_table;

pub use actor::Actor;
pub use adapt::AdaptError;
pub use boundary::{
    FunctionName, HandleIds, InstrumentError, Instrumented, StandIn, StandInResources, Tap, TapError,
    instrument, link_stand_in,
};
pub use code_cache::{CacheError, CodeCache};
pub use exports::{
    ArgumentError, Export, ExportCall, Exports, INLINE_STATE, NotCallable, ResolveError, StatefulCall,
    UnknownExport,
};
pub use interrupt::GuestPlace;
pub use limits::{Limits, MemoryUse};
pub use load::{LoadError, compile};
pub use outcome::{RaisedIn, RaisedOutcome, Shortage, outcome_of};
pub use shared_memory::SharedMemory;
pub use theater::{
    ActorContext, ActorError, ActorHandle, ActorOperation, ActorStore, Extensions, HasActor, Mailbox,
    MessageError, Messenger, NotDelivered, OperationReply, Presence, SaveError, TheaterCommand,
};
pub use ticker::Ticker;
pub use trap_table::{ArisesIn, EngineMessage, TRAP_TABLE, TrapRow};
