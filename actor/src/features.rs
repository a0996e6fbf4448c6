//! Owns the words for the features of WebAssembly and of the component model that Retake's engine does not run. It is asked when
//! the engine has refused something.

use wasmparser::{Validator, WasmFeatures};

/// A feature, what people call it, and what to do without it. The first that is needed is the one to name.
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

/// What a component or a module of these bytes needs and the engine has not; `None` if that is not what is wrong.
pub(crate) fn unsupported(bytes: &[u8]) -> Option<Feature> {
    if fault(bytes, WasmFeatures::all()).is_some() {
        return None;
    }
    let needed = |feature| fault(bytes, WasmFeatures::all().difference(feature)).is_some();
    let found = NOT_SUPPORTED.iter().find(|(feature, ..)| needed(*feature));
    found.map(|(_, name, remedy)| Feature { name, remedy })
}

/// What makes these bytes invalid under every set of features.
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
