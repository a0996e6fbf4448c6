//! The part of Retake that knows wasmtime: the recording boundary, the values that cross it, and the engine that makes a
//! component behave the same each time.
//!
//! - [`instrument`] and [`Tap`]: record every host call of a component, whatever linker provides it.
//! - [`link_stand_in`] and [`StandIn`]: run the original component with nothing real behind its imports.
//! - [`abi`]: the dynamic ABI that both use.
//! - [`profile`]: the engine settings that replay depends on.
//! - [`Actor`]: a loaded component with its digest and the exports that a session can drive.

pub mod abi;
mod actor;
mod boundary;
mod outcome;
pub mod profile;

pub use actor::{Actor, ActorError, Entry, EntryKind, compile};
pub use boundary::{
    FunctionName, HandleIds, InstrumentError, Instrumented, StandIn, StandInResources, Tap, TapError,
    instrument, link_stand_in,
};
pub use outcome::{RaisedOutcome, outcome_of};
