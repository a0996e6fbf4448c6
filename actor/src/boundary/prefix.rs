//! Owns [`ImportPrefix`]: the types and imports at the start of the shim. Other components take them over,
//! all or only the part that they need.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wasm_encoder::reencode::ReencodeComponent;
use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportKind, ComponentImportSection, ComponentTypeRef,
    ComponentTypeSection, TypeBounds,
};
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentType, ComponentTypeRef as TypeRef, Parser, Payload,
    TypeBounds as Bounds,
};

use super::error::InstrumentError;
use super::renumber::TypeRenumbering;

/// The shim's type, alias and import sections: they make the actor's imports, with the same identity of every
/// resource, importable by another component.
#[derive(Default)]
pub(super) struct ImportPrefix<'a> {
    /// What they define, in order.
    pub items: Vec<PrefixItem<'a>>,
    /// Instance index of each imported interface. Their order must be the same each time, so that the
    /// built component has the same bytes.
    pub instances: BTreeMap<String, u32>,
}

/// What a section defines.
pub(super) enum PrefixItem<'a> {
    /// A type, with the types of the component that it refers to.
    Type { ty: ComponentType<'a>, refers_to: BTreeSet<u32> },
    /// A type that an imported instance exports.
    Alias { instance: u32, name: &'a str },
    /// An imported instance of a type.
    Import { name: &'a str, ty: u32 },
    /// Another name for a type, imported at the root of the world.
    ImportType { name: &'a str, ty: u32 },
    /// A function of a type, imported at the root of the world.
    ImportFunction { name: &'a str, ty: u32 },
}

impl PrefixItem<'_> {
    pub fn is_type(&self) -> bool {
        matches!(self, PrefixItem::Type { .. } | PrefixItem::Alias { .. } | PrefixItem::ImportType { .. })
    }

    /// The import, if the item is one, under the new numbers of types.
    fn import(&self, numbers: &TypeRenumbering) -> Option<(&str, ComponentTypeRef)> {
        match self {
            PrefixItem::Import { name, ty } => Some((name, ComponentTypeRef::Instance(numbers.known[ty]))),
            PrefixItem::ImportFunction { name, ty } => {
                Some((name, ComponentTypeRef::Func(numbers.known[ty])))
            }
            PrefixItem::ImportType { name, ty } => {
                Some((name, ComponentTypeRef::Type(TypeBounds::Eq(numbers.known[ty]))))
            }
            PrefixItem::Type { .. } | PrefixItem::Alias { .. } => None,
        }
    }
}

/// The part of a prefix that a component has.
pub(super) struct KeptPrefix {
    /// How many types the component has with it.
    pub types: u32,
    /// Instance index of each interface that it imports.
    pub instances: BTreeMap<String, u32>,
}

/// How many items a component has before a prefix is written to it.
#[derive(Clone, Copy, Default)]
pub(super) struct Before {
    pub types: u32,
    pub instances: u32,
}

impl<'a> ImportPrefix<'a> {
    /// Reads the sections up to the first that is not a type, an alias or an import.
    pub fn read(shim: &'a [u8]) -> Result<ImportPrefix<'a>, InstrumentError> {
        let mut prefix = ImportPrefix::default();
        for payload in Parser::new(0).parse_all(shim) {
            match payload.map_err(fail)? {
                Payload::Version { .. } => {}
                Payload::ComponentTypeSection(section) => {
                    for ty in section {
                        let ty = ty.map_err(fail)?;
                        let refers_to = references(&ty)?;
                        prefix.items.push(PrefixItem::Type { ty, refers_to });
                    }
                }
                Payload::ComponentAliasSection(section) => {
                    for alias in section {
                        prefix.items.push(type_alias(alias.map_err(fail)?)?);
                    }
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        let import = import.map_err(fail)?;
                        let name = import.name.name;
                        prefix.items.push(match import.ty {
                            TypeRef::Instance(ty) => {
                                let index = prefix.instances.len() as u32;
                                prefix.instances.insert(name.to_string(), index);
                                PrefixItem::Import { name, ty }
                            }
                            TypeRef::Func(ty) => PrefixItem::ImportFunction { name, ty },
                            TypeRef::Type(Bounds::Eq(ty)) => PrefixItem::ImportType { name, ty },
                            other => return Err(fail(format!("import {other:?}"))),
                        });
                    }
                }
                _ => break,
            }
        }
        Ok(prefix)
    }

    /// How many types it defines.
    pub fn type_count(&self) -> u32 {
        self.items.iter().filter(|item| item.is_type()).count() as u32
    }

    /// The functions that it imports at the root, in the order of their indices.
    pub fn root_functions(&self) -> impl Iterator<Item = &'a str> {
        self.items.iter().filter_map(|item| match item {
            PrefixItem::ImportFunction { name, .. } => Some(*name),
            _ => None,
        })
    }

    /// The types that it imports at the root, with their indices.
    pub fn root_types(&self) -> impl Iterator<Item = (u32, &'a str)> {
        (0..).zip(self.items.iter().filter(|item| item.is_type())).filter_map(|(index, item)| match item {
            PrefixItem::ImportType { name, .. } => Some((index, *name)),
            _ => None,
        })
    }

    /// Writes all of it to a component that has other items before. The component's types, starting at
    /// `resource`, become the resource types of the imports.
    pub fn write_all(
        &self,
        component: &mut Component,
        before: Before,
        resource: u32,
    ) -> Result<KeptPrefix, InstrumentError> {
        self.write(
            &vec![true; self.items.len()],
            before,
            TypeRenumbering::with_resources(resource),
            component,
        )
    }

    /// Writes these imports and what they need.
    pub fn write_for(
        &self,
        interfaces: &BTreeSet<String>,
        component: &mut Component,
    ) -> Result<KeptPrefix, InstrumentError> {
        self.write(&self.needed(interfaces), Before::default(), TypeRenumbering::default(), component)
    }

    /// Writes the items that are needed, under the numbers that they then have.
    fn write(
        &self,
        needed: &[bool],
        before: Before,
        mut renumbered: TypeRenumbering,
        component: &mut Component,
    ) -> Result<KeptPrefix, InstrumentError> {
        let mut kept = KeptPrefix { types: before.types, instances: BTreeMap::new() };
        let mut instances = HashMap::new();
        let (mut types, mut imports) = (0, 0);
        for (item, needed) in self.items.iter().zip(needed) {
            match item {
                PrefixItem::Import { .. } => imports += 1,
                PrefixItem::ImportFunction { .. } => {}
                _ => types += 1,
            }
            if !needed {
                continue;
            }
            if let Some((name, ty)) = item.import(&renumbered) {
                let mut section = ComponentImportSection::new();
                section.import(name, ty);
                component.section(&section);
            }
            match item {
                PrefixItem::Type { ty, .. } => {
                    let mut section = ComponentTypeSection::new();
                    renumbered.parse_component_type(section.ty(), ty.clone()).map_err(fail)?;
                    component.section(&section);
                }
                PrefixItem::Alias { instance, name } => {
                    let mut section = ComponentAliasSection::new();
                    let instance = instances[instance];
                    section.alias(Alias::InstanceExport { instance, kind: ComponentExportKind::Type, name });
                    component.section(&section);
                }
                PrefixItem::Import { name, .. } => {
                    let index = before.instances + kept.instances.len() as u32;
                    instances.insert(imports - 1, index);
                    kept.instances.insert(name.to_string(), index);
                }
                PrefixItem::ImportFunction { .. } | PrefixItem::ImportType { .. } => {}
            }
            if item.is_type() {
                renumbered.known.insert(types - 1, kept.types);
                kept.types += 1;
            }
        }
        Ok(kept)
    }

    /// Which items these imports need, themselves among them.
    fn needed(&self, interfaces: &BTreeSet<String>) -> Vec<bool> {
        let (mut types, mut instances): (BTreeSet<u32>, BTreeSet<u32>) = Default::default();
        let mut needed = vec![false; self.items.len()];
        let (mut ty, mut import) = (self.type_count(), self.instances.len() as u32);
        // An item refers to earlier ones alone.
        for (item, needed) in self.items.iter().zip(&mut needed).rev() {
            match item {
                PrefixItem::Import { name, ty } => {
                    import -= 1;
                    *needed = instances.contains(&import) || interfaces.contains(*name);
                    if *needed {
                        types.insert(*ty);
                    }
                }
                // No interface needs what is at the root.
                PrefixItem::ImportFunction { .. } => {}
                PrefixItem::ImportType { .. } => ty -= 1,
                PrefixItem::Type { refers_to, .. } => {
                    ty -= 1;
                    *needed = types.contains(&ty);
                    if *needed {
                        types.extend(refers_to);
                    }
                }
                PrefixItem::Alias { instance, .. } => {
                    ty -= 1;
                    *needed = types.contains(&ty);
                    if *needed {
                        instances.insert(*instance);
                    }
                }
            }
        }
        needed
    }
}

fn type_alias(alias: ComponentAlias<'_>) -> Result<PrefixItem<'_>, InstrumentError> {
    match alias {
        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, instance_index, name } => {
            Ok(PrefixItem::Alias { instance: instance_index, name })
        }
        other => Err(fail(format!("alias {other:?}"))),
    }
}

/// The types of the component that a type in it refers to.
fn references(ty: &ComponentType<'_>) -> Result<BTreeSet<u32>, InstrumentError> {
    let mut numbers = TypeRenumbering::default();
    numbers.parse_component_type(ComponentTypeSection::new().ty(), ty.clone()).map_err(fail)?;
    Ok(numbers.met)
}

fn fail(error: impl std::fmt::Display) -> InstrumentError {
    InstrumentError::build("prefix", error)
}
