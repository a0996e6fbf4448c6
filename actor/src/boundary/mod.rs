//! The recording boundary: it sees every host call of a component, and can answer each without a host.
//!
//! [`instrument`](instrument()) nests the original component, untouched, in an outer one with a generated
//! shim between it and its imports. For each imported function the shim reports the arguments to the *tap*,
//! calls the real host function, reports the result, drops the borrows it was lent and returns. [`Tap`] is
//! the host's side of those reports. The outer component owns the resource types, so each drop of a handle
//! reaches the tap too. [`link_stand_in`] makes the linker of a replay from the import types of the original
//! component alone; every function in it asks a [`StandIn`].
//!
//! This folder knows the component format and wasmtime's linker; what a value looks like is [`crate::abi`]'s.

mod dropper;
mod drops;
mod error;
mod function_name;
mod ids;
mod instrument;
mod link_tap;
mod names;
mod outer;
mod owner;
mod prefix;
mod reexport;
mod refusals;
mod renumber;
mod shim;
mod stand_in;
mod tap;
mod tap_functions;
mod tap_types;
mod wit_types;
mod world;

pub use error::InstrumentError;
pub use function_name::FunctionName;
pub use ids::HandleIds;
pub use instrument::{Instrumented, instrument};
pub(crate) use refusals::expect_component;
pub use stand_in::{StandIn, StandInResources, link_stand_in};
pub use tap::{Tap, TapError};
