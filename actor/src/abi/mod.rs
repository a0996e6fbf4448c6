//! The dynamic ABI: how values of any component type cross between a guest and
//! [`Value`](retake_chain::Value), without generated code.
//!
//! Lifting and lowering use wasmtime's own contexts. They are as general as `Linker::func_new`, but a
//! `list<u8>` is one copy and handles are plain representations. [`val`] is the same mapping over wasmtime's
//! public `Val`: it carries the arguments of exports, and a property test compares this fast path with it.
//!
//! Nothing here knows what an event is.

mod func;
mod handles;
mod lift;
mod lower;
mod types;
mod unfit;
pub mod val;

pub use func::{Done, define, define_async};
pub use handles::map_handles;
pub(crate) use handles::{has_owned_handle, owned_handles};
pub use lift::{LiftedArguments, LiftedHandle};
pub(crate) use lower::Lowered;
pub use unfit::UnfitValue;
