//! Owns [`instrument`]: component in, recordable component out.

use std::ops::Range;

use retake_chain::{ContentHasher, ContentRef, SessionKind};
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

/// A component that reports every host call to the tap.
#[derive(Clone, Debug)]
pub struct Instrumented {
    /// The outer component, binary. It exports what the original exports, and imports what the original
    /// imports and the interfaces of the tap.
    pub component: Vec<u8>,
    /// The imported functions, in the order of the tap's functions.
    pub functions: Vec<FunctionName>,
    /// How its export is driven that a session drives by itself, if it has one.
    pub entry: Option<SessionKind>,
    /// The resource types that it imports, in the order of the tap's.
    pub(super) resources: Vec<ImportedResource>,
    /// The bytes of the original in the component.
    original: Range<usize>,
}

impl Instrumented {
    /// The names of the drops of its resources, in the order of the tap's types.
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
        // The original has a digest already; only the small parts around it are hashed.
        let mut identity = ContentHasher::new();
        identity.update(&self.component[..self.original.start]);
        identity.update(original.as_ref());
        identity.update(&self.component[self.original.end..]);
        cache.compile(engine, &self.component, identity.finish()).map_err(ours)
    }
}

/// The original is valid, so an invalid result is a fault of Retake.
fn ours(error: LoadError) -> LoadError {
    match error {
        LoadError::Instrument(InstrumentError::Invalid { reason }) => {
            InstrumentError::build("whole", reason).into()
        }
        other => other,
    }
}

/// Wraps a component so that every call it makes to an imported function is reported to the tap, whatever
/// linker provides the function.
///
/// A component without imported functions is returned unchanged. Refuses, by name, what cannot be recorded:
/// types at the root of the world, async functions, and later additions to the component model.
pub fn instrument(component: &[u8]) -> Result<Instrumented, InstrumentError> {
    let world = World::decode(component)?;
    let functions: Vec<FunctionName> = world
        .functions
        .iter()
        .map(|(interface, function)| FunctionName::new(interface, &function.name))
        .collect();
    let entry = world.entry();
    if !world.reaches_a_host() {
        let (component, original) = (component.to_vec(), 0..component.len());
        return Ok(Instrumented { component, functions, entry, resources: Vec::new(), original });
    }
    let shim = shim::build(world.clone())?;
    let Built { component, original, resources } = outer::build(&world, &shim, component)?;
    Ok(Instrumented { component, functions, entry, resources, original })
}
