//! Owns the resource types of the outer component: it imports them from an interface of Retake's own, so that
//! each drop of a handle can be recorded. The actor's interfaces refer to the same types.
//!
//! A component model resource has its destructor where the type is declared. The actor's own imports only
//! refer to it (`eq`), so that the functions in them stay what the host provides.

use std::collections::BTreeMap;

use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportKind, ComponentImportSection, ComponentTypeRef,
    ComponentTypeSection, InstanceType, TypeBounds,
};
use wasmparser::ComponentType;

use super::error::InstrumentError;
use super::names::{RESOURCES, resource_name};
use super::prefix::{Before, ImportPrefix, KeptPrefix, PrefixItem};
use super::renumber::resource;

/// Index of the first of these types in the outer component: the type of the interface comes before.
const FIRST_RESOURCE: u32 = 1;

/// A resource type that the actor imports.
#[derive(Clone, Debug)]
pub(super) struct ImportedResource {
    /// The interface that declares it.
    pub interface: String,
    /// Its name there.
    pub name: String,
}

/// The first part of an outer component.
pub(super) struct Owned {
    /// The resource types, in the order of their names in [`RESOURCES`].
    pub resources: Vec<ImportedResource>,
    /// Instance index of each interface of the actor's.
    pub instances: BTreeMap<String, u32>,
    /// How many instances there are.
    pub instance_count: u32,
    /// Index of the first type of the prefix.
    pub first_type: u32,
    /// How many types there are.
    pub type_count: u32,
}

/// Writes the imports of the prefix with the resource types apart.
pub(super) fn write(prefix: &ImportPrefix<'_>, component: &mut Component) -> Result<Owned, InstrumentError> {
    let resources = declared(prefix);
    let before = match resources.len() as u32 {
        0 => Before::default(),
        count => {
            import_resources(component, count as usize);
            Before { types: FIRST_RESOURCE + count, instances: 1 }
        }
    };
    let KeptPrefix { types, instances } = prefix.write_all(component, before, FIRST_RESOURCE)?;
    let instance_count = before.instances + instances.len() as u32;
    Ok(Owned { resources, instances, instance_count, first_type: before.types, type_count: types })
}

/// The resource types that the imported interfaces declare, in the order in which they are written.
fn declared(prefix: &ImportPrefix<'_>) -> Vec<ImportedResource> {
    let mut resources = Vec::new();
    for (index, item) in prefix.items.iter().filter(|item| item.is_type()).enumerate() {
        let PrefixItem::Type { ty: ComponentType::Instance(declarations), .. } = item else { continue };
        let interface = prefix.items.iter().find_map(|item| match item {
            PrefixItem::Import { name, ty } if *ty == index as u32 => Some(*name),
            _ => None,
        });
        for declaration in declarations {
            if let (Some(interface), Some(name)) = (interface, resource(declaration)) {
                resources.push(ImportedResource { interface: interface.into(), name: name.into() });
            }
        }
    }
    resources
}

/// Imports [`RESOURCES`] and makes its types the component's types, starting at [`FIRST_RESOURCE`].
fn import_resources(component: &mut Component, count: usize) {
    let mut instance = InstanceType::new();
    for index in 0..count {
        instance.export(resource_name(index).as_str(), ComponentTypeRef::Type(TypeBounds::SubResource));
    }
    let mut types = ComponentTypeSection::new();
    types.instance(&instance);
    let mut imports = ComponentImportSection::new();
    imports.import(RESOURCES, ComponentTypeRef::Instance(0));
    let mut aliases = ComponentAliasSection::new();
    for index in 0..count {
        let name = resource_name(index);
        aliases.alias(Alias::InstanceExport { instance: 0, kind: ComponentExportKind::Type, name: &name });
    }
    component.section(&types).section(&imports).section(&aliases);
}
