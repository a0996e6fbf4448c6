//! The dynamic ABI: how values of any component type cross between a guest and [`Value`], without generated code.
//!
//! Lifting and lowering work on wasmtime's own lift and lower contexts: as generic as
//! `Linker::func_new`, but `list<u8>` is one copy and handles are plain representations. [`val`] is the same mapping
//! over wasmtime's public `Val`; it carries the arguments of exports, and is the reference that a property test holds the
//! fast path equal to.
//!
//! Nothing here knows what an event is.

mod func;
mod lift;
mod lower;
pub mod val;

pub use func::{Done, define, define_async};
pub use lift::{Arguments, LiftedHandle};
pub(crate) use lower::Lowered;
pub use lower::UnfitValue;

use retake_chain::Value;

/// Replaces every handle inside a value, in the order in which lifting met them.
pub fn map_handles<E>(value: &mut Value, map: &mut impl FnMut(u32) -> Result<u32, E>) -> Result<(), E> {
    match value {
        Value::Handle(handle) => *handle = map(*handle)?,
        Value::List(values) => {
            for value in values {
                map_handles(value, map)?;
            }
        }
        Value::Record(fields) => {
            for (_, value) in fields {
                map_handles(value, map)?;
            }
        }
        _ => {}
    }
    Ok(())
}
