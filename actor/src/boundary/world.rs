//! Owns what the boundary needs to know of a component's world: the imported interfaces and their functions, and the
//! refusal, by name, of what cannot be recorded.

use std::panic::catch_unwind;
use std::sync::Arc;

use thiserror::Error;
use wasmparser::{Encoding, Parser, Payload};
use wit_component::DecodedWasm;
use wit_parser::{
    Function, FunctionKind, InterfaceId, Resolve, Type, TypeDefKind, WorldId, WorldItem, WorldKey,
};

use super::shim::CALLS;
use super::tap_types::TAP;

/// Why a component cannot be instrumented.
#[derive(Debug, Error)]
pub enum InstrumentError {
    /// The bytes are not WebAssembly at all.
    #[error("not WebAssembly: {reason}; give a component (`.wasm`, or component text)")]
    NotWasm {
        /// What the parser says.
        reason: String,
    },
    /// The bytes are a core module.
    #[error("this is a core module, not a component; turn it into one with `wasm-tools component new`")]
    CoreModule,
    /// The bytes are a component, but a broken one, or one with features that are not supported.
    #[error("the component cannot be decoded: {reason}")]
    Undecodable {
        /// What the decoder says.
        reason: String,
    },
    /// The component imports something that is not an interface.
    #[error(
        "the import `{name}` is a {what} at the root of the world; only imports of interfaces can be recorded: \
         put it into an interface"
    )]
    RootImport {
        /// Name of the import.
        name: String,
        /// `function` or `type`.
        what: &'static str,
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
    /// An imported function uses a feature of the component model that has no recorded form yet.
    #[error("the import `{interface}/{function}` uses `{what}`, which cannot be recorded")]
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

impl InstrumentError {
    pub(super) fn build(step: &'static str, error: impl std::fmt::Display) -> Self {
        InstrumentError::Build { step, reason: format!("{error:#}") }
    }
}

/// The name of an imported function, as events carry it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FunctionName {
    /// The interface with its version, `wasi:clocks/monotonic-clock@0.2.3`.
    pub interface: Arc<str>,
    /// The function, `now` or `[method]output-stream.write`.
    pub function: Arc<str>,
    /// The type of its events, `interface/function`.
    pub event_type: Arc<str>,
}

impl FunctionName {
    /// Puts the name together.
    pub fn new(interface: &str, function: &str) -> Self {
        FunctionName {
            interface: interface.into(),
            function: function.into(),
            event_type: format!("{interface}/{function}").into(),
        }
    }
}

impl std::fmt::Display for FunctionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.event_type)
    }
}

/// One imported interface.
#[derive(Clone)]
pub(super) struct Import {
    pub name: String,
    pub id: InterfaceId,
}

/// The decoded world of a component.
#[derive(Clone)]
pub(super) struct World {
    pub resolve: Resolve,
    pub world: WorldId,
    pub imports: Vec<Import>,
    /// Every imported function with the name of its interface, in the order of the shim's functions.
    pub functions: Vec<(String, Function)>,
}

impl World {
    /// Whether there is anything for a tap to see.
    pub fn reaches_a_host(&self) -> bool {
        let resource = |id: &wit_parser::TypeId| self.resolve.types[*id].kind == TypeDefKind::Resource;
        let declares = |import: &Import| self.resolve.interfaces[import.id].types.values().any(resource);
        !self.functions.is_empty() || self.imports.iter().any(declares)
    }

    pub fn decode(component: &[u8]) -> Result<World, InstrumentError> {
        expect_component(component)?;
        let DecodedWasm::Component(resolve, world) = decode_wit(component)? else {
            return Err(InstrumentError::Undecodable {
                reason: "it is an encoded WIT package, not a component".into(),
            });
        };
        if let Some(package) = own_package(&resolve) {
            return Err(InstrumentError::OwnPackage { package });
        }
        let mut imports = Vec::new();
        for (key, item) in &resolve.worlds[world].imports {
            let name = resolve.name_world_key(key);
            match item {
                // No exported interface can use such types, and the shim's does.
                WorldItem::Interface { id, .. }
                    if matches!(key, WorldKey::Name(_)) && !resolve.interfaces[*id].types.is_empty() =>
                {
                    return Err(InstrumentError::InlineTypes { name });
                }
                WorldItem::Interface { id, .. } => imports.push(Import { name, id: *id }),
                WorldItem::Function(_) => return Err(root_import(name, "function")),
                WorldItem::Type { .. } => return Err(root_import(name, "type")),
            }
        }
        let mut functions = Vec::new();
        for import in &imports {
            for function in resolve.interfaces[import.id].functions.values() {
                refuse_unsupported(&resolve, &import.name, function)?;
                functions.push((import.name.clone(), function.clone()));
            }
        }
        Ok(World { resolve, world, imports, functions })
    }
}

/// The decoder asks for memory by the lengths that sections claim, so these are looked at before. It panics at some valid
/// components that were not made from WIT, so a panic is one of its ways to refuse.
fn decode_wit(component: &[u8]) -> Result<DecodedWasm, InstrumentError> {
    let undecodable = |reason| InstrumentError::Undecodable { reason };
    if let Some(error) = Parser::new(0).parse_all(component).find_map(Result::err) {
        return Err(undecodable(error.to_string()));
    }
    match catch_unwind(|| wit_component::decode(component)) {
        Ok(decoded) => decoded.map_err(|error| undecodable(format!("{error:#}"))),
        Err(_) => Err(undecodable("no WIT says what it imports and exports".into())),
    }
}

/// The name of a package that the boundary would add a second time.
fn own_package(resolve: &Resolve) -> Option<String> {
    let own = [TAP, CALLS].map(|interface| interface.split_once('/').map(|(package, _)| package));
    let mut names = resolve.package_names.keys().map(ToString::to_string);
    names.find(|name| own.contains(&Some(name)))
}

fn root_import(name: String, what: &'static str) -> InstrumentError {
    InstrumentError::RootImport { name, what }
}

/// Tells a component from a core module and from anything else, before any other parser looks at it.
pub(crate) fn expect_component(bytes: &[u8]) -> Result<(), InstrumentError> {
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => Ok(()),
        Some(Ok(_)) => Err(InstrumentError::CoreModule),
        Some(Err(error)) => Err(InstrumentError::NotWasm { reason: error.message().to_string() }),
        None => Err(InstrumentError::NotWasm { reason: "the file is empty".into() }),
    }
}

fn refuse_unsupported(
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

/// The types directly inside a type, in canonical order.
pub(super) fn children(kind: &TypeDefKind) -> Vec<Type> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty).collect(),
        TypeDefKind::Option(ty) | TypeDefKind::List(ty) | TypeDefKind::Type(ty) => vec![*ty],
        TypeDefKind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        _ => Vec::new(),
    }
}

/// Follows type aliases to the type they name.
pub(super) fn dealias(resolve: &Resolve, mut id: wit_parser::TypeId) -> wit_parser::TypeId {
    while let TypeDefKind::Type(Type::Id(next)) = resolve.types[id].kind {
        id = next;
    }
    id
}

/// Whether a handle of the wanted kind is anywhere inside the type.
pub(super) fn contains_handle(
    resolve: &Resolve,
    ty: &Type,
    wanted: &impl Fn(&wit_parser::Handle) -> bool,
) -> bool {
    let Type::Id(id) = ty else { return false };
    match &resolve.types[*id].kind {
        TypeDefKind::Handle(handle) => wanted(handle),
        kind => children(kind).iter().any(|ty| contains_handle(resolve, ty, wanted)),
    }
}
