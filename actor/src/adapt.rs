//! Owns how a core module of WASI 0.1 becomes a component: with wasmtime's own adapter under it, the one for commands if it
//! exports `_start`. What is recorded then are the calls of the adapter, which are WASI 0.2.
//!
//! The adapter is of the engine's version, so that the engine profile of a take names both.

use std::panic::catch_unwind;

use thiserror::Error;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as WASI_0_1, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

/// The export that makes a module a command.
const START: &str = "_start";
/// What the name of a custom section begins with that says what component a module makes; `wit-bindgen` writes them.
const COMPONENT_TYPE: &str = "component-type";

/// Why a core module cannot be turned into a component.
#[derive(Debug, Error)]
pub enum AdaptError {
    /// It does not say how it is to be driven.
    #[error(
        "this is a core module and no program: it neither exports `_start`, as a command of WASI 0.1 does, nor says what \
         component it makes; turn it into a component with `wasm-tools component new`"
    )]
    NoProgram,
    /// It is no valid module, or imports what WASI 0.1 does not have.
    #[error(
        "this is a core module, and no component can be made of it with WASI 0.1 (`{WASI_0_1}`): {reason}; turn it into a \
         component with `wasm-tools component new`"
    )]
    Unadaptable {
        /// What the validator or the encoder says.
        reason: String,
    },
}

/// Whether the bytes begin as a core module does.
pub(crate) fn is_module(bytes: &[u8]) -> bool {
    let first = Parser::new(0).parse_all(bytes).next();
    matches!(first, Some(Ok(Payload::Version { encoding: Encoding::Module, .. })))
}

/// Turns a core module into a component.
pub(crate) fn adapt(module: &[u8]) -> Result<Vec<u8>, AdaptError> {
    let unadaptable =
        |reason: String| AdaptError::Unadaptable { reason: reason.lines().collect::<Vec<_>>().join(", ") };
    // The encoder takes it for granted that the module is valid.
    wasmparser::validate(module).map_err(|error| unadaptable(error.to_string()))?;
    let adapter = match says_of_itself(module) {
        Said { is_command: true, .. } => COMMAND,
        Said { names_component: true, .. } => REACTOR,
        Said { .. } => return Err(AdaptError::NoProgram),
    };
    let encode = || {
        let encoder = ComponentEncoder::default().module(module)?.adapter(WASI_0_1, adapter)?;
        encoder.validate(true).encode()
    };
    match catch_unwind(encode) {
        Ok(encoded) => encoded.map_err(|error| unadaptable(format!("{error:#}"))),
        Err(_) => Err(unadaptable("the encoder cannot handle it".into())),
    }
}

/// What a module says of how it is to be driven.
#[derive(Default)]
struct Said {
    is_command: bool,
    names_component: bool,
}

/// Looks through a module that is valid.
fn says_of_itself(module: &[u8]) -> Said {
    let mut said = Said::default();
    for payload in Parser::new(0).parse_all(module).flatten() {
        match payload {
            Payload::ExportSection(exports) => {
                said.is_command = exports.into_iter().flatten().any(|export| export.name == START);
            }
            Payload::CustomSection(section) => {
                said.names_component |= section.name().starts_with(COMPONENT_TYPE);
            }
            _ => {}
        }
    }
    said
}
