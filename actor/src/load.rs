//! Owns [`LoadError`], why given bytes cannot be an actor, and [`compile`].

use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::adapt::AdaptError;
use crate::boundary::InstrumentError;
use crate::features::{self, Feature, on_one_line};
use crate::shared_memory::SharedMemory;

/// Why a component cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It cannot be recorded.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// It is a core module that cannot be turned into a component.
    #[error(transparent)]
    Adapt(#[from] AdaptError),
    /// It has a shared memory.
    #[error(transparent)]
    SharedMemory(#[from] SharedMemory),
    /// It needs a feature that the engine does not have.
    #[error("the component uses {feature}, which cannot be recorded or replayed; {remedy}")]
    Feature {
        /// The feature.
        feature: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// It is valid, but the engine cannot compile it.
    #[error("the engine cannot compile the component, which is valid: {reason}")]
    Compile {
        /// What the engine says.
        reason: String,
    },
}

/// Compiles a component, original or instrumented, without a cache.
///
/// # Errors
/// [`LoadError`] if the component is not valid, or the engine cannot compile it.
pub fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, LoadError> {
    Component::from_binary(engine, bytes).map_err(|error| {
        if let Some(Feature { name, remedy }) = features::unsupported(bytes) {
            return LoadError::Feature { feature: name, remedy };
        }
        match features::invalid(bytes) {
            Some(reason) => InstrumentError::Invalid { reason }.into(),
            None => LoadError::Compile { reason: on_one_line(&error.root_cause().to_string()) },
        }
    })
}
