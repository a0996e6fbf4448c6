//! Owns what the boundary needs to know of a component's world: the imported interfaces and their functions, and the
//! refusal, by name, of what cannot be recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use retake_chain::{FileKind, Wanted};
use thiserror::Error;
use wasmparser::{Encoding, Parser, Payload};
use wit_component::DecodedWasm;
use wit_parser::{
    Function, FunctionKind, Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldId,
    WorldItem, WorldKey,
};

use super::shim::CALLS;
use super::tap_types::TAP;
use crate::{features, quiet};

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

/// A name at the root of the world for a type of an imported interface.
#[derive(Clone)]
pub(super) struct RootType {
    pub name: String,
    pub interface: String,
    /// The type's name in the interface.
    pub type_name: String,
}

/// The decoded world of a component.
#[derive(Clone)]
pub(super) struct World {
    pub resolve: Resolve,
    pub world: WorldId,
    pub imports: Vec<Import>,
    /// The types that are imported at the root of the world, which the functions there use.
    pub root_types: Vec<RootType>,
    /// Every imported function with the name of its interface, in the order of the shim's functions; those of interfaces come
    /// first.
    pub functions: Vec<(String, Function)>,
    /// The exports whose functions use types by the names that the imports have for them, with these functions.
    pub borrowing: BTreeMap<String, Vec<Function>>,
}

/// What stands for the interface of functions that are imported at the root of the world.
pub(super) const ROOT: &str = "$root";

impl World {
    /// Whether there is anything for a tap to see.
    pub fn reaches_a_host(&self) -> bool {
        let resource = |id: &TypeId| self.resolve.types[*id].kind == TypeDefKind::Resource;
        let declares = |import: &Import| self.resolve.interfaces[import.id].types.values().any(resource);
        !self.functions.is_empty() || self.imports.iter().any(declares)
    }

    pub fn decode(component: &[u8]) -> Result<World, InstrumentError> {
        expect_component(component)?;
        let DecodedWasm::Component(mut resolve, world) = decode_wit(component)? else {
            return Err(InstrumentError::WitPackage);
        };
        if let Some(package) = own_package(&resolve) {
            return Err(InstrumentError::OwnPackage { package });
        }
        let (mut imports, mut root_functions, mut root_types) = (Vec::new(), Vec::new(), Vec::new());
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
                WorldItem::Function(function) => root_functions.push(function.clone()),
                WorldItem::Type { id, .. } => root_types.push(root_type(&resolve, name, *id)?),
            }
        }
        let mut functions = Vec::new();
        for import in &imports {
            for function in resolve.interfaces[import.id].functions.values() {
                refuse_unsupported(&resolve, &import.name, function)?;
                functions.push((import.name.clone(), function.clone()));
            }
        }
        for mut function in root_functions {
            refuse_unsupported(&resolve, ROOT, &function)?;
            name_by_interfaces(&mut resolve, &mut function);
            functions.push((ROOT.to_string(), function));
        }
        let borrowing = borrowing(&mut resolve, world, &imports)?;
        Ok(World { resolve, world, imports, root_types, functions, borrowing })
    }
}

/// The decoder asks for memory by the lengths that sections claim, so these are looked at before. It panics at some valid
/// components that were not made from WIT, so a panic is one of its ways to refuse.
fn decode_wit(component: &[u8]) -> Result<DecodedWasm, InstrumentError> {
    let undecodable = |reason| InstrumentError::Undecodable { reason };
    if let Some(error) = Parser::new(0).parse_all(component).find_map(Result::err) {
        return Err(InstrumentError::Invalid { reason: features::on_one_line(&error.to_string()) });
    }
    match quiet::catch(|| wit_component::decode(component)) {
        Some(Ok(decoded)) => Ok(decoded),
        Some(Err(error)) => Err(match features::invalid(component) {
            Some(reason) => InstrumentError::Invalid { reason },
            None => undecodable(features::on_one_line(&format!("{error:#}"))),
        }),
        None => Err(undecodable("its names or types are of another form".into())),
    }
}

/// The name of a package that the boundary would add a second time.
fn own_package(resolve: &Resolve) -> Option<String> {
    let own = [TAP, CALLS].map(|interface| interface.split_once('/').map(|(package, _)| package));
    let mut names = resolve.package_names.keys().map(ToString::to_string);
    names.find(|name| own.contains(&Some(name)))
}

/// Finds what a type at the root of the world is another name for.
fn root_type(resolve: &Resolve, name: String, id: TypeId) -> Result<RootType, InstrumentError> {
    let target = &resolve.types[dealias(resolve, id)];
    let interface = match target.owner {
        TypeOwner::Interface(owner) => resolve.id_of(owner),
        _ => None,
    };
    match interface.zip(target.name.clone()) {
        Some((interface, type_name)) => Ok(RootType { name, interface, type_name }),
        None => Err(InstrumentError::RootType { name }),
    }
}

/// Finds the exports that use types of imported interfaces without a name of their own for them. That is valid, as an import
/// names them, though no tool that starts from WIT writes it.
fn borrowing(
    resolve: &mut Resolve,
    world: WorldId,
    imports: &[Import],
) -> Result<BTreeMap<String, Vec<Function>>, InstrumentError> {
    let mut found = BTreeMap::new();
    for (key, item) in resolve.worlds[world].exports.clone() {
        let name = resolve.name_world_key(&key);
        let (mut functions, named) = match item {
            WorldItem::Function(function) => (vec![function], false),
            WorldItem::Interface { id, .. } => {
                let interface = &resolve.interfaces[id];
                (interface.functions.values().cloned().collect(), !interface.types.is_empty())
            }
            WorldItem::Type { .. } => continue,
        };
        let types = functions.iter().flat_map(|function: &Function| {
            function.params.iter().map(|param| param.ty).chain(function.result)
        });
        let Some(ty) =
            types.collect::<Vec<_>>().into_iter().find_map(|ty| imported_name(resolve, imports, &ty))
        else {
            continue;
        };
        if named {
            return Err(InstrumentError::MissingType { name, ty });
        }
        functions.iter_mut().for_each(|function| name_by_interfaces(resolve, function));
        found.insert(name, functions);
    }
    Ok(found)
}

/// The first type inside a type that is one of an imported interface, by the name that it has there.
fn imported_name(resolve: &Resolve, imports: &[Import], ty: &Type) -> Option<String> {
    let Type::Id(id) = ty else { return None };
    let def = &resolve.types[*id];
    match (&def.name, def.owner, &def.kind) {
        (Some(name), TypeOwner::Interface(owner), _) => {
            imports.iter().any(|import| import.id == owner).then(|| name.clone())
        }
        (Some(_), ..) => None,
        (None, _, TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id))) => {
            imported_name(resolve, imports, &Type::Id(*id))
        }
        (None, _, kind) => children(kind).iter().find_map(|ty| imported_name(resolve, imports, ty)),
    }
}

/// Names the types of a function as interfaces do.
fn name_by_interfaces(resolve: &mut Resolve, function: &mut Function) {
    let params = function.params.iter_mut().map(|param| &mut param.ty);
    params.chain(&mut function.result).for_each(|ty| *ty = without_root_names(resolve, *ty));
}

/// The same type with the names that interfaces have for what the world has names for too: an interface cannot use those.
fn without_root_names(resolve: &mut Resolve, ty: Type) -> Type {
    let Type::Id(id) = ty else { return ty };
    let mut def = resolve.types[id].clone();
    match (def.owner, &mut def.kind) {
        (TypeOwner::World(_), TypeDefKind::Type(target)) => return without_root_names(resolve, *target),
        (TypeOwner::None, TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id))) => {
            *id = dealias(resolve, *id);
        }
        (TypeOwner::None, kind) => {
            for_each_child(kind, &mut |child| *child = without_root_names(resolve, *child));
        }
        _ => return ty,
    }
    Type::Id(resolve.types.alloc(def))
}

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

/// Does something to each type directly inside a type.
pub(super) fn for_each_child(kind: &mut TypeDefKind, change: &mut impl FnMut(&mut Type)) {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter_mut().for_each(|field| change(&mut field.ty)),
        TypeDefKind::Tuple(tuple) => tuple.types.iter_mut().for_each(change),
        TypeDefKind::Variant(variant) => {
            variant.cases.iter_mut().filter_map(|case| case.ty.as_mut()).for_each(change);
        }
        TypeDefKind::Option(ty) | TypeDefKind::List(ty) | TypeDefKind::Type(ty) => change(ty),
        TypeDefKind::Result(result) => result.ok.iter_mut().chain(&mut result.err).for_each(change),
        _ => {}
    }
}

/// Follows type aliases to the type they name.
pub(super) fn dealias(resolve: &Resolve, mut id: TypeId) -> TypeId {
    while let TypeDefKind::Type(Type::Id(next)) = resolve.types[id].kind {
        id = next;
    }
    id
}

/// Whether a handle of the wanted kind is anywhere inside the type.
pub(super) fn contains_handle(resolve: &Resolve, ty: &Type, wanted: &impl Fn(&Handle) -> bool) -> bool {
    let Type::Id(id) = ty else { return false };
    match &resolve.types[*id].kind {
        TypeDefKind::Handle(handle) => wanted(handle),
        kind => children(kind).iter().any(|ty| contains_handle(resolve, ty, wanted)),
    }
}
