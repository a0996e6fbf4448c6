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
    /// Component text that cannot be read.
    #[error("the component text is wrong at line and column {place}: {reason}")]
    BadText {
        /// `line:column`.
        place: String,
        /// What the parser says.
        reason: String,
    },
    /// A component that is not valid, whatever features there are.
    #[error(
        "the component is not valid, and cannot be decoded: {reason}; if it was cut short, build or copy it again"
    )]
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
    /// The component is valid, and nothing that WIT can say describes it.
    #[error(
        "the component cannot be decoded, because no WIT describes its imports and exports: {reason}; build it for a world \
         that is written in WIT"
    )]
    Undecodable {
        /// What the decoder says.
        reason: String,
    },
    /// The component imports a type that its world declares.
    #[error(
        "the import `{name}` is a type that the world declares at its root, which cannot be recorded: put it into an \
         interface"
    )]
    RootType {
        /// Name of the import.
        name: String,
    },
    /// The component has an interface of a package that the boundary is made of; an instrumented component has one.
    #[error(
        "the component uses the package `{package}`, which is Retake's own; give the component as it was before it was \
         instrumented"
    )]
    OwnPackage {
        /// Name of the package.
        package: String,
    },
    /// The component imports an interface that its world declares inline, with types in it.
    #[error(
        "the import `{name}` is an interface that the world declares inline, with types of its own, which cannot be \
         recorded: put it into a package"
    )]
    InlineTypes {
        /// Name of the import.
        name: String,
    },
    /// An exported interface has types of its own, and its functions use others that it does not export.
    #[error(
        "the export `{name}` exports some of the types of its functions and leaves out `{ty}`, which cannot be recorded: \
         have it export all of them (`use` in WIT)"
    )]
    MissingType {
        /// Name of the export.
        name: String,
        /// Name of the type.
        ty: String,
    },
    /// An imported function uses a feature of the component model that has no recorded form yet.
    #[error(
        "the import `{interface}/{function}` uses `{what}`, which cannot be recorded; {}",
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
    /// The generated component could not be put together; this is a fault of Retake.
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
            "it is of WASI 0.3: build the component for WASI 0.2 (with Rust: `cargo build --target wasm32-wasip2`)".into()
        }
        what => format!("build the component with an interface that does without `{what}`"),
    }
}

impl InstrumentError {
    pub(super) fn build(step: &'static str, error: impl std::fmt::Display) -> Self {
        InstrumentError::Build { step, reason: format!("{error:#}") }
    }
}
