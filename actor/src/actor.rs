//! Owns [`Actor`]: a component as it was given, its digest, and what a session can call in it.

use retake_chain::ContentRef;
use thiserror::Error;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex};
use wasmtime::{Engine, Result};

use crate::boundary::{InstrumentError, expect_component};

/// A component, binary, as it was given.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The component's bytes; text has been turned into binary.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: ContentRef,
}

/// Why an actor cannot be used.
#[derive(Debug, Error)]
pub enum ActorError {
    /// It cannot be recorded.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// The engine does not compile it.
    #[error("the component does not compile: {reason}")]
    Compile {
        /// What the engine says.
        reason: String,
    },
    /// It has no export that a session can drive.
    #[error(
        "the component has no export that can be driven: it exports {exports}; supported are \
         `wasi:http/incoming-handler@0.2.x` and `wasi:cli/run@0.2.x`"
    )]
    NoEntry {
        /// The exports, as a list for people.
        exports: String,
    },
}

/// Which kind of export a session drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// `wasi:http/incoming-handler`, function `handle`.
    Http,
    /// `wasi:cli/run`, function `run`.
    Command,
}

/// An exported function that a session calls.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The kind of export.
    pub kind: EntryKind,
    /// The exported interface with its version.
    pub interface: String,
    /// The function in it.
    pub function: &'static str,
    index: ComponentExportIndex,
}

impl EntryKind {
    const ALL: [EntryKind; 2] = [EntryKind::Http, EntryKind::Command];

    fn interface(self) -> &'static str {
        match self {
            EntryKind::Http => "wasi:http/incoming-handler@0.2.",
            EntryKind::Command => "wasi:cli/run@0.2.",
        }
    }

    fn function(self) -> &'static str {
        match self {
            EntryKind::Http => "handle",
            EntryKind::Command => "run",
        }
    }
}

impl Actor {
    /// Takes a component, as binary or as text; refuses anything else.
    pub fn new(bytes: &[u8]) -> Result<Actor, ActorError> {
        let bytes = wat::parse_bytes(bytes).map_err(|error| {
            // The first line says what is wrong, the rest shows where in the text.
            let message = error.to_string();
            InstrumentError::NotWasm { reason: message.lines().next().unwrap_or_default().to_string() }
        })?;
        expect_component(&bytes)?;
        Ok(Actor { digest: ContentRef::of(&bytes), bytes: bytes.into_owned() })
    }
}

/// Compiles a component, original or instrumented.
pub fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, ActorError> {
    Component::from_binary(engine, bytes)
        .map_err(|error| ActorError::Compile { reason: format!("{error:#}") })
}

impl Entry {
    /// Finds the export that a session drives: an HTTP handler before a command, where a component has both.
    pub fn find(engine: &Engine, component: &Component) -> Result<Entry, ActorError> {
        let ty = component.component_type();
        for kind in EntryKind::ALL {
            for (name, _) in ty.exports(engine) {
                if !name.starts_with(kind.interface()) {
                    continue;
                }
                if let Some(entry) = Entry::named(component, kind, name) {
                    return Ok(entry);
                }
            }
        }
        let exports: Vec<String> = ty
            .exports(engine)
            .map(|(name, export)| match export.ty {
                ComponentItem::ComponentInstance(_) => format!("the interface `{name}`"),
                ComponentItem::ComponentFunc(_) => format!("the function `{name}`"),
                _ => format!("`{name}`"),
            })
            .collect();
        let exports = match exports.is_empty() {
            true => "nothing".into(),
            false => exports.join(", "),
        };
        Err(ActorError::NoEntry { exports })
    }

    fn named(component: &Component, kind: EntryKind, interface: &str) -> Option<Entry> {
        let instance = component.get_export_index(None, interface)?;
        let index = component.get_export_index(Some(&instance), kind.function())?;
        Some(Entry { kind, interface: interface.to_string(), function: kind.function(), index })
    }

    /// The name that `wasm-call` events carry: interface and function.
    pub fn name(&self) -> String {
        format!("{}/{}", self.interface, self.function)
    }

    /// Where the function is in an instance of the component.
    pub fn index(&self) -> &ComponentExportIndex {
        &self.index
    }
}
