//! Owns the resource types of the outer component: it imports them from an interface of Retake's own, so that whoever
//! records hears of each handle that is dropped, and the actor's interfaces say that theirs are the same ones.
//!
//! A component model resource has its destructor where the type is declared. The actor's own imports only refer to it (`eq`),
//! so that the functions in them stay what the host provides.

use std::collections::BTreeMap;
use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportKind, ComponentImportSection,
    ComponentOuterAliasKind, ComponentTypeRef, ComponentTypeSection, InstanceType, TypeBounds,
};
use wasmparser::{
    ComponentType, ComponentTypeRef as TypeRef, InstanceTypeDeclaration as Declaration, TypeBounds as Bounds,
};

use super::prefix::{Item, Prefix};
use super::world::InstrumentError;

/// The interface that the outer component imports the actor's resource types from.
pub(super) const RESOURCES: &str = "retake:boundary/resources";

/// Name of resource type `index` in that interface.
pub(super) fn resource_name(index: usize) -> String {
    format!("r{index}")
}

/// A resource type that the actor imports.
#[derive(Clone, Debug)]
pub(super) struct ImportedResource {
    /// The interface that declares it.
    pub interface: String,
    /// Its name there.
    pub name: String,
}

/// What an outer component begins with.
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
pub(super) fn write(prefix: &Prefix<'_>, component: &mut Component) -> Result<Owned, InstrumentError> {
    let resources = declared(prefix);
    if resources.is_empty() {
        prefix.write(component);
        let (instances, instance_count) = (prefix.instances.clone(), prefix.instances.len() as u32);
        let type_count = prefix.type_count();
        return Ok(Owned { resources, instances, instance_count, first_type: 0, type_count });
    }
    import_resources(component, resources.len());
    let mut owner = Owner { shift: 1 + resources.len() as u32, ..Owner::default() };
    for item in &prefix.items {
        match item {
            Item::Type { ty, .. } => {
                let mut section = ComponentTypeSection::new();
                owner.parse_component_type(section.ty(), ty.clone()).map_err(InstrumentError::owner)?;
                component.section(&section);
            }
            Item::Alias { instance, name } => {
                let mut section = ComponentAliasSection::new();
                let instance = instance + 1;
                section.alias(Alias::InstanceExport { instance, kind: ComponentExportKind::Type, name });
                component.section(&section);
            }
            Item::Import { name, ty } => {
                import(component, name, ComponentTypeRef::Instance(ty + owner.shift))
            }
            Item::ImportFunction { name, ty } => {
                import(component, name, ComponentTypeRef::Func(ty + owner.shift));
            }
            Item::ImportType { name, ty } => {
                import(component, name, ComponentTypeRef::Type(TypeBounds::Eq(ty + owner.shift)));
            }
        }
    }
    let instances = prefix.instances.iter().map(|(name, index)| (name.clone(), index + 1)).collect();
    let first_type = owner.shift;
    let (instance_count, type_count) = (1 + prefix.instances.len() as u32, first_type + prefix.type_count());
    Ok(Owned { resources, instances, instance_count, first_type, type_count })
}

fn import(component: &mut Component, name: &str, ty: ComponentTypeRef) {
    let mut section = ComponentImportSection::new();
    section.import(name, ty);
    component.section(&section);
}

/// The resource types that the imported interfaces declare, in the order in which they are written.
fn declared(prefix: &Prefix<'_>) -> Vec<ImportedResource> {
    let mut resources = Vec::new();
    for (index, item) in prefix.items.iter().filter(|item| item.is_type()).enumerate() {
        let Item::Type { ty: ComponentType::Instance(declarations), .. } = item else { continue };
        let interface = prefix.items.iter().find_map(|item| match item {
            Item::Import { name, ty } if *ty == index as u32 => Some(*name),
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

/// The name of the resource type that is declared here, if one is.
fn resource<'a>(declaration: &Declaration<'a>) -> Option<&'a str> {
    match declaration {
        Declaration::Export { name, ty: TypeRef::Type(Bounds::SubResource) } => Some(name.name),
        _ => None,
    }
}

/// Imports [`RESOURCES`] and makes its types the component's types 1 and on.
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

/// Writes instance types with `eq` for `sub resource`, under the numbers that all types then have.
#[derive(Default)]
struct Owner {
    /// How many types the component has before those of the prefix.
    shift: u32,
    /// The resource type that was written last.
    resource: u32,
    /// New number of each type of the instance type that is written.
    inner: Vec<u32>,
    /// How many types the place is in.
    depth: u32,
}

impl Owner {
    fn number(&self, up: u32, ty: u32) -> u32 {
        match self.depth.checked_sub(up) {
            Some(0) => ty + self.shift,
            Some(1) => self.inner.get(ty as usize).copied().unwrap_or(ty),
            _ => ty,
        }
    }
}

impl Reencode for Owner {
    type Error = Infallible;
}

impl ReencodeComponent for Owner {
    fn component_type_index(&mut self, ty: u32) -> u32 {
        self.number(0, ty)
    }

    fn outer_component_type_index(&mut self, count: u32, ty: u32) -> u32 {
        self.number(count, ty)
    }

    fn push_depth(&mut self) {
        self.depth += 1;
        if self.depth == 1 {
            self.inner.clear();
        }
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }

    fn parse_component_instance_type_declaration(
        &mut self,
        instance: &mut InstanceType,
        declaration: Declaration<'_>,
    ) -> Result<(), Error<Infallible>> {
        let before = instance.type_count();
        match resource(&declaration) {
            Some(name) if self.depth == 1 => {
                self.resource += 1;
                instance.alias(Alias::Outer {
                    kind: ComponentOuterAliasKind::Type,
                    count: 1,
                    index: self.resource,
                });
                instance.export(name, ComponentTypeRef::Type(TypeBounds::Eq(before)));
            }
            _ => component_utils::parse_component_instance_type_declaration(self, instance, declaration)?,
        }
        if self.depth == 1 && instance.type_count() > before {
            self.inner.push(instance.type_count() - 1);
        }
        Ok(())
    }
}

impl InstrumentError {
    fn owner(error: Error<Infallible>) -> Self {
        InstrumentError::build("resources", error)
    }
}
