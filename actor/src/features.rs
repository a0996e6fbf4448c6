//! Owns the table of WebAssembly and component model features that the engine does not support, used once the
//! engine has refused something.

use wasmparser::{Validator, WasmFeatures};

/// A feature, its name for people, and the remedy. The first that a component needs is named.
const NOT_SUPPORTED: [(WasmFeatures, &str, &str); 15] = [
    (WasmFeatures::CM_THREADING, "threads of the component model", WITHOUT_THREADS),
    (WasmFeatures::CM_ASYNC, "async functions, streams or futures (WASI 0.3)", FOR_WASI_0_2),
    (WasmFeatures::CM_ERROR_CONTEXT, "`error-context` (WASI 0.3)", FOR_WASI_0_2),
    (WasmFeatures::CM_MAP, "the type `map`", WITHOUT),
    (WasmFeatures::CM_FIXED_LENGTH_LISTS, "lists of a fixed length", WITHOUT),
    (WasmFeatures::CM_VALUES, "values as imports or exports", WITHOUT),
    (WasmFeatures::CM_GC, "garbage-collected values at its boundary", WITHOUT),
    (WasmFeatures::CM64, "64-bit memories at its boundary", WITHOUT),
    (WasmFeatures::CM_NESTED_NAMES, "nested names", WITHOUT),
    (WasmFeatures::CM_IMPLEMENTS, "`implements` names", WITHOUT),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared functions or tables (threads)", WITHOUT_THREADS),
    (WasmFeatures::STACK_SWITCHING, "stack switching", WITHOUT),
    (
        WasmFeatures::LEGACY_EXCEPTIONS,
        "exceptions in their old form",
        "build it with exceptions in their final form (`exnref`)",
    ),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "memories with a page size of their own", WITHOUT),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic", WITHOUT),
];

const WITHOUT: &str = "build it without them";
const FOR_WASI_0_2: &str = "build it for WASI 0.2 (with Rust: `cargo build --target wasm32-wasip2`)";
const WITHOUT_THREADS: &str = "build it without threads";

/// A feature that is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Feature {
    pub name: &'static str,
    pub remedy: &'static str,
}

/// The feature that these bytes need and the engine does not have; `None` if the fault is another.
pub(crate) fn unsupported(bytes: &[u8]) -> Option<Feature> {
    if fault(bytes, WasmFeatures::all()).is_some() {
        return None;
    }
    let needed = |feature| fault(bytes, WasmFeatures::all().difference(feature)).is_some();
    let found = NOT_SUPPORTED.iter().find(|(feature, ..)| needed(*feature));
    found.map(|(_, name, remedy)| Feature { name, remedy })
}

/// Why these bytes are invalid under every set of features, if they are.
pub(crate) fn invalid(bytes: &[u8]) -> Option<String> {
    fault(bytes, WasmFeatures::all())
}

/// A message of a library, without its line breaks.
pub(crate) fn on_one_line(message: &str) -> String {
    message.lines().map(str::trim).collect::<Vec<_>>().join(", ")
}

fn fault(bytes: &[u8], features: WasmFeatures) -> Option<String> {
    Validator::new_with_features(features)
        .validate_all(bytes)
        .err()
        .map(|error| on_one_line(&error.to_string()))
}
