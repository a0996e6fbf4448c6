//! Owns the refusals that need no whole world: bytes that are not a component, and functions with features
//! that have no recorded form.

use retake_chain::{FileKind, Wanted};
use wasmparser::{Encoding, Parser, Payload};
use wit_parser::{Function, FunctionKind, Resolve, Type, TypeDefKind};

use super::error::InstrumentError;
use super::wit_types::children;

/// Tells a component from a core module and from anything else, before any other parser looks at it.
pub(crate) fn expect_component(bytes: &[u8]) -> Result<(), InstrumentError> {
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => Ok(()),
        Some(Ok(_)) => Err(InstrumentError::CoreModule),
        Some(Err(error)) if bytes.starts_with(b"\0asm") => {
            Err(InstrumentError::Invalid { reason: error.to_string() })
        }
        Some(Err(_)) | None => {
            Err(InstrumentError::NotWasm { reason: FileKind::of(bytes).describe(Wanted::Component) })
        }
    }
}

/// Refuses a function that uses a feature without a recorded form.
pub(super) fn refuse_unsupported(
    resolve: &Resolve,
    interface: &str,
    function: &Function,
) -> Result<(), InstrumentError> {
    let asynchronous = matches!(
        function.kind,
        FunctionKind::AsyncFreestanding | FunctionKind::AsyncMethod(_) | FunctionKind::AsyncStatic(_)
    );
    let what = if asynchronous {
        Some("async")
    } else {
        let types = function.params.iter().map(|param| &param.ty);
        types.chain(&function.result).find_map(|ty| unsupported(resolve, ty))
    };
    match what {
        Some(what) => Err(InstrumentError::Unsupported {
            interface: interface.to_string(),
            function: function.name.clone(),
            what,
        }),
        None => Ok(()),
    }
}

fn unsupported(resolve: &Resolve, ty: &Type) -> Option<&'static str> {
    match ty {
        Type::ErrorContext => Some("error-context"),
        Type::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::Map(..) => Some("map"),
            TypeDefKind::FixedLengthList(..) => Some("fixed-length list"),
            TypeDefKind::Future(_) => Some("future"),
            TypeDefKind::Stream(_) => Some("stream"),
            kind => children(kind).into_iter().find_map(|ty| unsupported(resolve, &ty)),
        },
        _ => None,
    }
}
