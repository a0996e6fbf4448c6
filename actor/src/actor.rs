//! Owns [`Actor`]: a component as it was given, and its digest.

use retake_chain::ContentRef;
use thiserror::Error;
use wasmtime::component::Component;
use wasmtime::{Engine, Result};

use crate::boundary::{InstrumentError, expect_component};
use crate::code_cache::CodeCache;

/// A component, binary, as it was given.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The component's bytes; text has been turned into binary.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: ContentRef,
}

/// Why a component cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It cannot be recorded.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// The engine does not compile it.
    #[error("the component does not compile: {reason}")]
    Compile {
        /// What the engine says.
        reason: String,
    },
}

impl Actor {
    /// Takes a component, as binary or as text; refuses anything else.
    pub fn new(bytes: &[u8]) -> Result<Actor, LoadError> {
        let bytes = wat::parse_bytes(bytes).map_err(|error| {
            // The first line says what is wrong, the rest shows where in the text.
            let message = error.to_string();
            InstrumentError::NotWasm { reason: message.lines().next().unwrap_or_default().to_string() }
        })?;
        expect_component(&bytes)?;
        Ok(Actor { digest: ContentRef::of(&bytes), bytes: bytes.into_owned() })
    }

    /// Compiles the component as it is.
    ///
    /// # Errors
    /// [`LoadError::Compile`].
    pub fn compile(&self, engine: &Engine, cache: Option<&CodeCache>) -> Result<Component, LoadError> {
        match cache {
            Some(cache) => cache.compile(engine, &self.bytes, self.digest),
            None => compile(engine, &self.bytes),
        }
    }
}

/// Compiles a component, original or instrumented, and keeps nothing of it.
pub fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, LoadError> {
    Component::from_binary(engine, bytes).map_err(|error| LoadError::Compile { reason: format!("{error:#}") })
}
