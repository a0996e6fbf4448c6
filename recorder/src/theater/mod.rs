//! The host interfaces of the Theater system, for actors in any host: `theater:simple/runtime` and
//! `theater:simple/message-server-host`, as in `wit/theater.wit`. They are linked beside the actor's other
//! imports, and recorded by the same tap.

mod messages;
mod runtime;

use retake_actor::HasActor;
use wasmtime::Result;
use wasmtime::component::Linker;

pub use runtime::ShutdownRequested;
pub(crate) use runtime::{GET_CHAIN, RUNTIME};

/// An interface with only types, which is imported all the same.
const TYPES: &str = "theater:simple/types";

/// Provides the Theater interfaces in a linker.
///
/// # Errors
/// The linker's error, if it has one of them already.
pub fn add_to_linker<T: HasActor>(linker: &mut Linker<T>) -> Result<()> {
    linker.instance(TYPES)?;
    runtime::add_to_linker(linker)?;
    messages::add_to_linker(linker)
}
