//! Owns [`instrument`]: component in, recordable component out.

use super::world::{FunctionName, InstrumentError, World};
use super::{outer, shim};

/// A component in which every host call passes the tap.
#[derive(Clone, Debug)]
pub struct Instrumented {
    /// The outer component, binary. It exports what the original exports, and imports what the original imports and
    /// the tap.
    pub component: Vec<u8>,
    /// The imported functions, in the order of the tap's functions.
    pub functions: Vec<FunctionName>,
}

/// Wraps a component so that every call it makes to an imported function is reported to the tap, whatever linker
/// provides the function.
///
/// A component without imported functions comes back as it is. Refuses, by name, what cannot be recorded: imports at the
/// root of the world, async functions, and types of the component model's later additions.
pub fn instrument(component: &[u8]) -> Result<Instrumented, InstrumentError> {
    let world = World::decode(component)?;
    let functions: Vec<FunctionName> = world
        .functions
        .iter()
        .map(|(interface, function)| FunctionName::new(interface, &function.name))
        .collect();
    if functions.is_empty() {
        return Ok(Instrumented { component: component.to_vec(), functions });
    }
    let shim = shim::build(world.clone())?;
    Ok(Instrumented { component: outer::build(&world, &shim, component)?, functions })
}
