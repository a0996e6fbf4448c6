//! Owns how a core module of WASI 0.1 becomes a component: with wasmtime's adapter, the one for commands if
//! the module exports `_start`. The recorded calls are those of the adapter, in WASI 0.2.
//!
//! The adapter has the engine's version, so the engine profile of a take names both.

use thiserror::Error;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as WASI_0_1, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wasmparser::{Encoding, ExternalKind, Parser, Payload, TypeRef};
use wit_component::{AdapterModuleDidNotExport, ComponentEncoder};

use crate::features::{self, Feature, on_one_line};
use crate::quiet;

/// The export that makes a module a command.
const START: &str = "_start";
/// The export that initializes a reactor; no caller uses it.
const INITIALIZE: &str = "_initialize";
/// The start of the name of custom sections with component types; `wit-bindgen` writes them.
const COMPONENT_TYPE: &str = "component-type";

/// The name under which a program of WASI 0.1 exports its memory.
const MEMORY: &str = "memory";

/// Why a core module cannot be turned into a component.
#[derive(Debug, Error)]
pub enum AdaptError {
    /// It is not a valid module.
    #[error("the core module is damaged or not valid: {reason}; build or copy it again")]
    Invalid {
        /// What the validator says.
        reason: String,
    },
    /// It needs a feature that the engine does not have.
    #[error("the core module uses {feature}, which cannot be recorded; {remedy}")]
    Feature {
        /// The feature.
        feature: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// It is not a command, and its exports have no component types.
    #[error(
        "this is a core module and not a program: it does not export `_start`, as a command of WASI 0.1 does, and its \
         exports ({exports}) have no component types; write their types in WIT and put them into the module with \
         `wasm-tools component embed`, or build a component from its source"
    )]
    NoProgram {
        /// What it exports, for people.
        exports: String,
    },
    /// It exports nothing.
    #[error(
        "this is a core module that exports no function, so there is nothing to call; build a command of WASI (with `_start`) \
         or a component"
    )]
    NoExports,
    /// A command that does not export a memory.
    #[error(
        "this core module is a program (it exports `_start`), but it exports no memory named `{MEMORY}`, which WASI 0.1 \
         passes values through; {remedy}"
    )]
    NoMemory {
        /// What to do.
        remedy: &'static str,
    },
    /// It imports something that WASI 0.1 does not have.
    #[error(
        "this core module imports `{module}::{name}`, which WASI 0.1 (`{WASI_0_1}`) does not have; {remedy}"
    )]
    Foreign {
        /// The module that it is imported from.
        module: String,
        /// The import.
        name: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The encoder refuses it for another reason.
    #[error(
        "this is a core module, and no component can be made of it with WASI 0.1 (`{WASI_0_1}`): {reason}; build it for WASI \
         0.1 or 0.2 with a current toolchain"
    )]
    Unadaptable {
        /// What the encoder says.
        reason: String,
    },
}

/// The remedy for imports outside WASI 0.1, by the start of the module's name.
const FOREIGN: [(&str, &str); 6] = [
    ("wasi_unstable", "it was built for the WASI before 0.1: build it with a current toolchain"),
    ("wasi", "threads are not supported: build it without them"),
    ("wbg", FOR_JAVASCRIPT),
    ("__wbindgen", FOR_JAVASCRIPT),
    ("go", "it was built for JavaScript: build it with `GOOS=wasip1`"),
    (
        "",
        "build it so that it needs WASI alone, or write the import in WIT, put that into the module with `wasm-tools component \
         embed`, and record it in a host that provides it",
    ),
];

const FOR_JAVASCRIPT: &str =
    "it was built for JavaScript: build it for the target `wasm32-wasip1` or `wasm32-wasip2`";

/// Whether the bytes begin as a core module does.
pub(crate) fn is_module(bytes: &[u8]) -> bool {
    let first = Parser::new(0).parse_all(bytes).next();
    matches!(first, Some(Ok(Payload::Version { encoding: Encoding::Module, .. })))
}

/// Turns a core module into a component.
pub(crate) fn adapt(module: &[u8]) -> Result<Vec<u8>, AdaptError> {
    let unadaptable = |reason: &str| AdaptError::Unadaptable { reason: on_one_line(reason) };
    // The encoder assumes a valid module.
    if let Err(error) = wasmparser::validate(module) {
        return Err(match features::unsupported(module) {
            Some(Feature { name, remedy }) => AdaptError::Feature { feature: name, remedy },
            None => AdaptError::Invalid { reason: on_one_line(&error.to_string()) },
        });
    }
    let summary = summarize(module);
    let adapter = match &summary {
        ModuleSummary { is_command: true, names_component: false, .. } => {
            summary.fits_wasi()?;
            COMMAND
        }
        ModuleSummary { is_command: true, .. } => COMMAND,
        ModuleSummary { names_component: true, .. } => REACTOR,
        ModuleSummary { exports, .. } if exports.is_empty() => return Err(AdaptError::NoExports),
        ModuleSummary { exports, .. } => return Err(AdaptError::NoProgram { exports: listed(exports) }),
    };
    let encode = || {
        let encoder = ComponentEncoder::default().module(module)?.adapter(WASI_0_1, adapter)?;
        encoder.validate(true).encode()
    };
    match quiet::catch(encode) {
        Some(encoded) => encoded.map_err(|error| match error.downcast_ref::<AdapterModuleDidNotExport>() {
            Some(missing) => AdaptError::Foreign {
                module: WASI_0_1.into(),
                name: missing.to_string().split('`').nth(1).unwrap_or_default().into(),
                remedy: "build it with a current toolchain",
            },
            None => unadaptable(&format!("{error:#}")),
        }),
        None => Err(unadaptable("its parts do not fit together")),
    }
}

/// The facts about a module that decide how it is adapted.
#[derive(Default)]
struct ModuleSummary<'a> {
    is_command: bool,
    names_component: bool,
    /// The functions that others may call.
    exports: Vec<&'a str>,
    /// The first import that WASI 0.1 does not have, by its module.
    foreign: Option<(&'a str, &'a str)>,
    imports_memory: bool,
    exports_memory: bool,
}

impl ModuleSummary<'_> {
    /// Checks that a command fits WASI 0.1, as far as that shows without its types.
    fn fits_wasi(&self) -> Result<(), AdaptError> {
        if let Some((module, name)) = self.foreign {
            let remedy = FOREIGN.iter().find(|(begin, _)| module.starts_with(begin));
            let remedy = remedy.map_or("build it so that it needs WASI alone", |(_, remedy)| *remedy);
            return Err(AdaptError::Foreign { module: module.into(), name: name.into(), remedy });
        }
        let remedy = match (self.imports_memory, self.exports_memory) {
            (true, _) => {
                "it imports its memory: link it so that it has one of its own (without `--import-memory`)"
            }
            (false, true) => return Ok(()),
            (false, false) => "have it export one (as text: `(memory (export \"memory\") 1)`)",
        };
        Err(AdaptError::NoMemory { remedy })
    }
}

/// Some of the names, for people.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Summarizes a valid module.
fn summarize(module: &[u8]) -> ModuleSummary<'_> {
    let mut summary = ModuleSummary::default();
    for payload in Parser::new(0).parse_all(module).flatten() {
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports().flatten() {
                    if matches!(import.ty, TypeRef::Memory(_)) {
                        summary.imports_memory = true;
                    } else if import.module != WASI_0_1 {
                        summary.foreign.get_or_insert((import.module, import.name));
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports.into_iter().flatten() {
                    summary.is_command |= export.name == START;
                    summary.exports_memory |= export.kind == ExternalKind::Memory && export.name == MEMORY;
                    if export.kind == ExternalKind::Func && export.name != INITIALIZE {
                        summary.exports.push(export.name);
                    }
                }
            }
            Payload::CustomSection(section) => {
                summary.names_component |= section.name().starts_with(COMPONENT_TYPE);
            }
            _ => {}
        }
    }
    summary
}
