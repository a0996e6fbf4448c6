//! Owns the promises about instrumenting: any bytes get an answer, and a valid component becomes a valid
//! component with the same exports, and the same imports and those of the tap, or is refused for what it
//! imports.

use std::collections::BTreeSet;

use retake_actor::{InstrumentError, instrument};
use wasmparser::{BinaryReaderError, Parser, Payload, Validator, WasmFeatures};

/// Instruments these bytes. Accepted is what can be instrumented.
pub fn instrument_bytes(bytes: &[u8]) -> bool {
    let valid = validate(bytes).is_ok();
    match instrument(bytes) {
        Ok(instrumented) if valid => {
            let component = &instrumented.component;
            validate(component).unwrap_or_else(|error| panic!("the instrumented component: {error}"));
            assert_same_world(bytes, component, !instrumented.functions.is_empty());
            true
        }
        Ok(_) => true,
        Err(error) => {
            let _text = error.to_string();
            assert!(!valid || !matches!(error, InstrumentError::Build { .. }), "{error}");
            false
        }
    }
}

/// Checks a component as the engine would: with the features that wasmtime has on in this build.
fn validate(component: &[u8]) -> Result<(), BinaryReaderError> {
    let off = WasmFeatures::GC_TYPES | WasmFeatures::EXCEPTIONS;
    let features = WasmFeatures::WASM3.difference(off) | WasmFeatures::COMPONENT_MODEL;
    Validator::new_with_features(features).validate_all(component).map(drop)
}

fn assert_same_world(original: &[u8], instrumented: &[u8], tapped: bool) {
    let (original, mut instrumented) = (Names::of(original), Names::of(instrumented));
    assert_eq!(original.exports, instrumented.exports);
    // It is there where an import that is used has a resource type, which takes more than names to tell.
    instrumented.imports.remove("retake:boundary/resources");
    let mut imports = original.imports;
    if tapped {
        imports.insert("retake:boundary/tap".into());
    }
    assert_eq!(imports, instrumented.imports);
}

/// What a component imports and exports.
#[derive(Default)]
struct Names {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

impl Names {
    fn of(component: &[u8]) -> Names {
        let mut names = Names::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            match payload.expect("it was validated") {
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 1 => {
                    let imports = section.into_iter().map(|import| import.expect("it was validated"));
                    names.imports.extend(imports.map(|import| import.name.name.to_string()));
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    let exports = section.into_iter().map(|export| export.expect("it was validated"));
                    names.exports.extend(exports.map(|export| export.name.name.to_string()));
                }
                _ => {}
            }
        }
        names
    }
}
