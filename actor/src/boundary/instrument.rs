//! Owns [`instrument`]: component in, recordable component out.

use std::ops::Range;

use retake_chain::{ContentHasher, ContentRef};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::error::InstrumentError;
use super::function_name::FunctionName;
use super::outer::Built;
use super::owner::ImportedResource;
use super::world::World;
use super::{outer, shim};
use crate::code_cache::CodeCache;
use crate::load::{LoadError, compile};

/// A component in which every host call passes the tap.
#[derive(Clone, Debug)]
pub struct Instrumented {
    /// The outer component, binary. It exports what the original exports, and imports what the original imports and
    /// the interfaces of the tap.
    pub component: Vec<u8>,
    /// The imported functions, in the order of the tap's functions.
    pub functions: Vec<FunctionName>,
    /// The resource types that it imports, in the order of the tap's.
    pub(super) resources: Vec<ImportedResource>,
    /// Where the original is in the component.
    original: Range<usize>,
}

impl Instrumented {
    /// What the drops of its resources are called, in the order of the tap's types.
    pub(super) fn drops(&self) -> impl Iterator<Item = FunctionName> {
        self.resources.iter().map(|resource| FunctionName::drop_of(&resource.interface, &resource.name))
    }

    /// Compiles it; `original` is the digest of the component that was instrumented.
    ///
    /// # Errors
    /// [`LoadError::Compile`].
    pub fn compile(
        &self,
        engine: &Engine,
        original: ContentRef,
        cache: Option<&CodeCache>,
    ) -> Result<Component, LoadError> {
        let Some(cache) = cache else {
            return compile(engine, &self.component).map_err(ours);
        };
        // What is around the original is small, so it need not be hashed a second time as a whole.
        let mut identity = ContentHasher::new();
        identity.update(&self.component[..self.original.start]);
        identity.update(original.as_ref());
        identity.update(&self.component[self.original.end..]);
        cache.compile(engine, &self.component, identity.finish()).map_err(ours)
    }
}

/// What was instrumented is valid, so it is Retake's fault if the result is not.
fn ours(error: LoadError) -> LoadError {
    match error {
        LoadError::Instrument(InstrumentError::Invalid { reason }) => {
            InstrumentError::build("whole", reason).into()
        }
        other => other,
    }
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
    if !world.reaches_a_host() {
        let (component, original) = (component.to_vec(), 0..component.len());
        return Ok(Instrumented { component, functions, resources: Vec::new(), original });
    }
    let shim = shim::build(world.clone())?;
    let Built { component, original, resources } = outer::build(&world, &shim, component)?;
    Ok(Instrumented { component, functions, resources, original })
}
