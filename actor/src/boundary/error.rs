//! Owns [`InstrumentError`]: why a component cannot be instrumented, by name.

use thiserror::Error;

/// Why a component cannot be instrumented.
#[derive(Debug, Error)]
pub enum InstrumentError {
    /// The bytes are not WebAssembly at all.
    #[error("not WebAssembly: {reason}")]
    NotWasm {
        /// What it is, and what to do.
        reason: String,
    },
    /// Component text that the parser refuses.
    #[error("the component text cannot be parsed at line and column {place}: {reason}")]
    BadText {
        /// `line:column`.
        place: String,
        /// What the parser says.
        reason: String,
    },
    /// A component that is not valid under any set of features.
    #[error("the component cannot be decoded, because it is not valid: {reason}; build or copy it again")]
    Invalid {
        /// What the validator says.
        reason: String,
    },
    /// An encoded WIT package.
    #[error(
        "this is an encoded WIT package, which describes components; give the component that was built for it"
    )]
    WitPackage,
    /// The bytes are a core module.
    #[error("this is a core module, not a component; turn it into one with `wasm-tools component new`")]
    CoreModule,
    /// The component is valid, but no WIT describes it.
    #[error(
        "the component cannot be decoded, because no WIT describes its imports and exports: {reason}; build it for a world \
         written in WIT"
    )]
    Undecodable {
        /// What the decoder says.
        reason: String,
    },
    /// The component imports a type that its world declares.
    #[error(
        "the import `{name}` cannot be recorded: it is a type at the root of the world; declare it in an interface"
    )]
    RootType {
        /// Name of the import.
        name: String,
    },
    /// The component uses a package of the boundary itself: it is instrumented already.
    #[error(
        "the component uses the package `{package}`, which belongs to Retake; give the component from before it was \
         instrumented"
    )]
    OwnPackage {
        /// Name of the package.
        package: String,
    },
    /// The component imports an interface that its world declares inline, with types in it.
    #[error(
        "the import `{name}` cannot be recorded: the world declares this interface inline, with types of its own; \
         declare it in a package"
    )]
    InlineTypes {
        /// Name of the import.
        name: String,
    },
    /// An exported interface has types of its own, and its functions use others that it does not export.
    #[error(
        "the export `{name}` cannot be recorded: it exports some of the types of its functions, but not `{ty}`; export all \
         of them (`use` in WIT)"
    )]
    MissingType {
        /// Name of the export.
        name: String,
        /// Name of the type.
        ty: String,
    },
    /// An imported function uses a feature of the component model that has no recorded form yet.
    #[error(
        "the import `{interface}/{function}` cannot be recorded: it uses `{what}`; {}",
        without(interface, what)
    )]
    Unsupported {
        /// Name of the interface.
        interface: String,
        /// Name of the function.
        function: String,
        /// The feature.
        what: &'static str,
    },
    /// The generated component could not be built: a fault of Retake.
    #[error("the instrumented component cannot be built ({step}): {reason}; please report this")]
    Build {
        /// Which part.
        step: &'static str,
        /// What the encoder says.
        reason: String,
    },
}

/// What to do about a feature of an imported function.
fn without(interface: &str, what: &str) -> String {
    match what {
        "async" | "stream" | "future" | "error-context" if interface.starts_with("wasi:") => {
            "it belongs to WASI 0.3: build the component for WASI 0.2 (with Rust: `cargo build --target wasm32-wasip2`)".into()
        }
        what => format!("build the component with an interface that does not use `{what}`"),
    }
}

impl InstrumentError {
    pub(super) fn build(step: &'static str, error: impl std::fmt::Display) -> Self {
        InstrumentError::Build { step, reason: format!("{error:#}") }
    }
}
