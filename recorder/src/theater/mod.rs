//! The host interfaces of the Theater system, for actors in any host: `theater:simple/runtime` and
//! `theater:simple/message-server-host`, as `wit/theater.wit` has them. They are linked beside whatever else the actor
//! imports, and recorded by the same tap.

mod messages;
mod runtime;

use retake_actor::HasActor;
use wasmtime::Result;
use wasmtime::component::Linker;

pub use runtime::ShutdownRequested;
pub(crate) use runtime::{GET_CHAIN, RUNTIME};

/// What holds only types, and yet is imported.
const TYPES: &str = "theater:simple/types";

/// Provides the Theater interfaces in a linker.
pub fn add_to_linker<T: HasActor>(linker: &mut Linker<T>) -> Result<()> {
    linker.instance(TYPES)?;
    runtime::add_to_linker(linker)?;
    messages::add_to_linker(linker)
}
