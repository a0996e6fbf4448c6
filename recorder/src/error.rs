//! Owns [`RecordError`]: every reason why a recording cannot be made or finished.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use retake_actor::{Export, Exports, LoadError, RaisedIn, Shortage, TapError};
use retake_chain::ChainError;
use retake_chain::log::WriteError;
use thiserror::Error;

use crate::take_file::FileLost;
use crate::unprovided::Unprovided;

/// Why a session could not be recorded.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum RecordError {
    /// The actor cannot be used.
    #[error(transparent)]
    Actor(#[from] LoadError),
    /// The component has no export that a session drives by itself.
    #[error(
        "the component has no export that can be driven: it exports {exports}; driven without a name are \
         `wasi:http/incoming-handler@0.2.x` and `wasi:cli/run@0.2.x`; {remedy}"
    )]
    NoEntry {
        /// The exported functions, as a list for people.
        exports: String,
        /// What to do.
        remedy: EntryRemedy,
    },
    /// The host does not provide an import of the actor.
    #[error("an import of the actor is not provided: {0}")]
    Import(Unprovided),
    /// A directory to preopen cannot be opened.
    #[error("the directory `{}` cannot be opened: {reason}", host.display())]
    Directory {
        /// Path on the host.
        host: PathBuf,
        reason: String,
    },
    /// A second instance of the actor was to be made while the first one lives.
    #[error("the actor's resources are held by another instance of it")]
    TwoInstances,
    /// The machine has no room for the actor.
    #[error(transparent)]
    Shortage(#[from] Shortage),
    /// The system gave no thread.
    #[error("no thread for {purpose} could be started: {reason}")]
    NoThread {
        /// What it was for.
        purpose: &'static str,
        /// What the system says.
        reason: String,
    },
    /// The thread of an actor panicked.
    #[error("an actor's thread panicked")]
    ActorPanicked,
    /// The engine failed outside the actor.
    #[error("the engine failed: {reason}")]
    Engine {
        /// What it says.
        reason: String,
    },
    /// A call cannot be recorded exactly; the session ends with it.
    #[error(transparent)]
    Refused(#[from] TapError),
    /// The chain did not take an event.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The log could not be written, or its file was lost.
    #[error("{}", write_fault(.0))]
    Write(#[source] Arc<WriteError>),
    /// The recorder writes no more: the take is sealed, or nobody held the recorder any more.
    #[error("the recorder stopped early; the take is not sealed")]
    RecorderGone,
}

/// What to do with a component that has no export for a session to drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryRemedy {
    /// Build it with such an export.
    Build,
    /// Build it for WASI 0.2.
    BuildForWasi02,
    /// Call another export by its name.
    CallByName,
    /// Record it in another host.
    OwnHost,
}

impl fmt::Display for EntryRemedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EntryRemedy::Build => "build it with one of them",
            EntryRemedy::BuildForWasi02 => {
                "this one is for WASI 0.3: build it for WASI 0.2 (with Rust: `cargo build --target wasm32-wasip2`)"
            }
            EntryRemedy::CallByName => "call any other by its name",
            EntryRemedy::OwnHost => {
                "none of the others can be called by its name, since all take or return handles: record it in a host of \
                 your own"
            }
        })
    }
}

/// Without its file, nothing that was written can be read.
fn write_fault(fault: &WriteError) -> String {
    let lost = match fault {
        WriteError::Io { source, .. } => {
            source.get_ref().and_then(|source| source.downcast_ref::<FileLost>())
        }
        _ => None,
    };
    match lost {
        Some(lost) => lost.to_string(),
        None => format!("the take cannot be written: {fault}; what was written before is readable"),
    }
}

impl RecordError {
    pub(crate) fn no_thread(purpose: &'static str, source: &std::io::Error) -> Self {
        RecordError::NoThread { purpose, reason: source.to_string() }
    }

    pub(crate) fn no_entry(exports: &Exports) -> Self {
        let names: Vec<_> = exports.iter().map(|export| format!("`{}`", export.name)).collect();
        let of_wasi_0_3 = |export: &Export| {
            let wasi = export.name.strip_prefix("wasi:").and_then(|name| name.split_once('@'));
            wasi.is_some_and(|(_, version)| version.starts_with("0.3."))
        };
        let remedy = match names.is_empty() {
            true => EntryRemedy::Build,
            false if exports.iter().any(of_wasi_0_3) => EntryRemedy::BuildForWasi02,
            false if exports.iter().any(Export::is_callable) => EntryRemedy::CallByName,
            false => EntryRemedy::OwnHost,
        };
        let exports = if names.is_empty() { "no function".into() } else { names.join(", ") };
        RecordError::NoEntry { exports, remedy }
    }

    /// A fault of linking: an import that is not provided, or the engine's own.
    pub(crate) fn linking(error: wasmtime::Error) -> Self {
        match Unprovided::of(&error) {
            Some(unprovided) => RecordError::Import(unprovided),
            None => RecordError::engine(error),
        }
    }

    pub(crate) fn engine(error: wasmtime::Error) -> Self {
        if let Some(shortage) = Shortage::of(&error, RaisedIn::Guest) {
            return shortage.into();
        }
        RecordError::Engine { reason: format!("{error:#}") }
    }
}
