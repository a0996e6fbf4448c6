//! Owns [`World`]: the imported interfaces and functions of a component. Decoding refuses, by name, what
//! cannot be recorded.

use std::collections::BTreeMap;

use retake_chain::SessionKind;
use wasmparser::Parser;
use wit_component::DecodedWasm;
use wit_parser::{
    Function, Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldId, WorldItem,
    WorldKey,
};

use super::error::InstrumentError;
use super::names::{CALLS, ROOT, TAP};
use super::refusals::{expect_component, refuse_unsupported};
use super::wit_types::{children, dealias, name_by_interfaces};
use crate::exports::{ENTRIES, entry_of};
use crate::{features, quiet};

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
    /// Every imported function with its interface, in the order of the shim's functions. Functions of
    /// interfaces come first.
    pub functions: Vec<(String, Function)>,
    /// The exports that use types under the names of imports, with their functions.
    pub borrowing: BTreeMap<String, Vec<Function>>,
}

impl World {
    /// Whether a tap has anything to record.
    pub fn reaches_a_host(&self) -> bool {
        let resource = |id: &TypeId| self.resolve.types[*id].kind == TypeDefKind::Resource;
        let declares = |import: &Import| self.resolve.interfaces[import.id].types.values().any(resource);
        !self.functions.is_empty() || self.imports.iter().any(declares)
    }

    /// How the export is driven that a session drives by itself, if there is one.
    pub fn entry(&self) -> Option<SessionKind> {
        let mut found = Vec::new();
        for (key, item) in &self.resolve.worlds[self.world].exports {
            let WorldItem::Interface { id, .. } = item else { continue };
            let interface = self.resolve.name_world_key(key);
            let functions = self.resolve.interfaces[*id].functions.keys();
            found.extend(functions.filter_map(|function| entry_of(&interface, function)));
        }
        ENTRIES.into_iter().find(|kind| found.contains(kind))
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

/// The decoder allocates by the lengths that sections claim, so those are checked first. It panics at some
/// valid components that were not made from WIT, so a panic counts as a refusal.
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

/// The name of a package of the boundary itself, if the component uses one.
fn own_package(resolve: &Resolve) -> Option<String> {
    let own = [TAP, CALLS].map(|interface| interface.split_once('/').map(|(package, _)| package));
    let mut names = resolve.package_names.keys().map(ToString::to_string);
    names.find(|name| own.contains(&Some(name)))
}

/// Finds the interface type that a type at the root of the world is an alias of.
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

/// Finds the exports that use types of imported interfaces and do not name them. That is valid, since an
/// import names them, but no tool that starts from WIT writes it.
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
