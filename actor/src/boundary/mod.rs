//! The recording boundary: how every host call of a component is seen, and how it is answered without a host.
//!
//! [`instrument`] nests the original component, untouched, in an outer one with a generated shim between it and its
//! imports. For each imported function the shim reports the arguments to the *tap*, calls the real host function,
//! reports the result, drops the borrows it was lent and returns. [`Tap`] is the host's side of those reports, and hears of
//! each handle that is dropped, as the outer component's resource types are its own.
//! [`link_stand_in`] is the other answer to the same question: a linker made from the import types of the original
//! component alone, in which every function asks a [`StandIn`].
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
