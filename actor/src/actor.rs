//! Owns [`Actor`]: the given component or WASI 0.1 module, its digest, and the component that runs.

use std::borrow::Cow;

use retake_chain::{BYTE_ORDER_MARK, ContentRef, FileKind, Wanted};
use wasmtime::component::Component;
use wasmtime::{Engine, Result};

use crate::adapt::{adapt, is_module};
use crate::boundary::{InstrumentError, expect_component};
use crate::code_cache::CodeCache;
use crate::load::{LoadError, compile};
use crate::shared_memory;

/// A component, or a core module of WASI 0.1, as it was given.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The bytes that were given; text has been turned into binary.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: ContentRef,
    /// The component made from a core module, and its digest.
    adapted: Option<(Vec<u8>, ContentRef)>,
}

impl Actor {
    /// Takes a component, or a core module of WASI 0.1 that it turns into one, as binary or as text.
    ///
    /// # Errors
    /// [`LoadError`] for anything else.
    pub fn new(bytes: &[u8]) -> Result<Actor, LoadError> {
        let bytes = binary(bytes)?;
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

    /// The component that runs: the given one, or the one made from a core module.
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

/// Turns component or module text into binary; refuses what is neither text nor binary.
fn binary(bytes: &[u8]) -> Result<Cow<'_, [u8]>, InstrumentError> {
    let kind = FileKind::of(bytes);
    match kind {
        FileKind::Component | FileKind::Module => return Ok(bytes.into()),
        FileKind::ComponentText => {}
        kind => return Err(InstrumentError::NotWasm { reason: kind.describe(Wanted::Component) }),
    }
    let text = bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(bytes);
    wat::parse_bytes(text).map_err(|error| {
        // The first line says what is wrong, the second where; the rest shows the text.
        let message = error.to_string();
        let mut lines = message.lines();
        let reason = lines.next().unwrap_or_default().to_string();
        let place = lines.next().and_then(|line| line.trim().strip_prefix("--> <anon>:")).unwrap_or("?");
        InstrumentError::BadText { place: place.into(), reason }
    })
}
