//! Owns [`Actor`]: a component or a WASI 0.1 module as it was given, its digest, and the component that runs.

use retake_chain::ContentRef;
use thiserror::Error;
use wasmtime::component::Component;
use wasmtime::{Engine, Result};

use crate::adapt::{AdaptError, adapt, is_module};
use crate::boundary::{InstrumentError, expect_component};
use crate::code_cache::CodeCache;
use crate::shared_memory::{self, SharedMemory};

/// A component, or a core module of WASI 0.1, as it was given.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The bytes that were given; text has been turned into binary.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: ContentRef,
    /// What a core module was turned into, and the digest of that.
    adapted: Option<(Vec<u8>, ContentRef)>,
}

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
    /// The engine does not compile it.
    #[error("the component does not compile: {reason}")]
    Compile {
        /// What the engine says.
        reason: String,
    },
}

impl Actor {
    /// Takes a component, or a core module of WASI 0.1 that it turns into one, as binary or as text; refuses anything else.
    pub fn new(bytes: &[u8]) -> Result<Actor, LoadError> {
        let bytes = wat::parse_bytes(bytes).map_err(|error| {
            // The first line says what is wrong, the rest shows where in the text.
            let message = error.to_string();
            InstrumentError::NotWasm { reason: message.lines().next().unwrap_or_default().to_string() }
        })?;
        shared_memory::refuse(&bytes)?;
        let adapted = if is_module(&bytes) {
            let component = adapt(&bytes)?;
            let digest = ContentRef::of(&component);
            Some((component, digest))
        } else {
            expect_component(&bytes)?;
            None
        };
        Ok(Actor { digest: ContentRef::of(&bytes), bytes: bytes.into_owned(), adapted })
    }

    /// The component that runs: what was given, or what a core module was turned into.
    pub fn component(&self) -> &[u8] {
        self.adapted.as_ref().map_or(&self.bytes, |(component, _)| component)
    }

    /// SHA-256 of [`component`](Self::component).
    pub fn component_digest(&self) -> ContentRef {
        self.adapted.as_ref().map_or(self.digest, |(_, digest)| *digest)
    }

    /// Compiles the component as it is.
    ///
    /// # Errors
    /// [`LoadError::Compile`].
    pub fn compile(&self, engine: &Engine, cache: Option<&CodeCache>) -> Result<Component, LoadError> {
        match cache {
            Some(cache) => cache.compile(engine, self.component(), self.component_digest()),
            None => compile(engine, self.component()),
        }
    }
}

/// Compiles a component, original or instrumented, and keeps nothing of it.
pub fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, LoadError> {
    Component::from_binary(engine, bytes).map_err(|error| LoadError::Compile { reason: format!("{error:#}") })
}
