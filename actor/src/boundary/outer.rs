//! Owns the outer component: the imports, the shim, the original, and the wiring between them; its exports
//! are the original's.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::ops::Range;

use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportKind, ComponentExportSection,
    ComponentInstanceSection, ComponentOuterAliasKind, ComponentSectionId, ComponentTypeRef,
    ComponentTypeSection, InstanceType, NestedComponentSection, RawSection,
};
use wit_parser::{Function, Resolve, WorldItem};

use super::error::InstrumentError;
use super::names::{CALLS, ROOT, call_name};
use super::owner::{self, ImportedResource, Owned};
use super::prefix::ImportPrefix;
use super::reexport;
use super::world::{RootType, World};

/// The outer component, and what is where in it.
pub(super) struct Built {
    pub component: Vec<u8>,
    /// Where the original is.
    pub original: Range<usize>,
    /// The resource types that the actor imports.
    pub resources: Vec<ImportedResource>,
}

/// Puts the outer component together.
pub(super) fn build(world: &World, shim: &[u8], original: &[u8]) -> Result<Built, InstrumentError> {
    let prefix = ImportPrefix::read(shim)?;
    let mut component = Component::new();
    let owned = owner::write(&prefix, &mut component)?;
    let mut outer = Outer {
        component,
        components: 0,
        instances: owned.instance_count,
        functions: prefix.root_functions().count() as u32,
        types: owned.type_count,
    };
    let shim = outer.nest(shim);
    let actor = outer.nest(original);
    let end = outer.component.as_slice().len();

    let calls = outer.instantiate_shim(shim, &prefix, &owned);
    let provided = outer.provide(world, &prefix, &owned, calls)?;
    let actor = outer.instantiate(actor, &provided);
    outer.export_all(world, &owned, actor)?;
    let original = end - original.len()..end;
    Ok(Built { component: outer.component.finish(), original, resources: owned.resources })
}

/// The imported interfaces as arguments of an instance.
fn imported(owned: &Owned) -> Vec<(String, ExportedItem)> {
    let instances = owned.instances.iter();
    instances.map(|(name, index)| (name.clone(), (ComponentExportKind::Instance, *index))).collect()
}

type ExportedItem = (ComponentExportKind, u32);

struct Outer {
    component: Component,
    components: u32,
    instances: u32,
    functions: u32,
    types: u32,
}

impl Outer {
    /// Instantiates the shim with the imports; returns the instance of its functions.
    fn instantiate_shim(&mut self, shim: u32, prefix: &ImportPrefix<'_>, owned: &Owned) -> u32 {
        let functions = (0..).zip(prefix.root_functions());
        let functions = functions.map(|(index, name)| (name.to_string(), (ComponentExportKind::Func, index)));
        let types = prefix
            .root_types()
            .map(|(index, name)| (name.to_string(), (ComponentExportKind::Type, owned.first_type + index)));
        let imports: Vec<_> = imported(owned).into_iter().chain(types).chain(functions).collect();
        let instance = self.instantiate(shim, &imports);
        self.alias(instance, ComponentExportKind::Instance, CALLS)
    }

    /// Makes what the original imports, from the shim's functions.
    fn provide(
        &mut self,
        world: &World,
        prefix: &ImportPrefix<'_>,
        owned: &Owned,
        calls: u32,
    ) -> Result<Vec<(String, ExportedItem)>, InstrumentError> {
        let mut indices = HashMap::new();
        for (index, (interface, function)) in world.functions.iter().enumerate() {
            indices.insert((interface.as_str(), function.name.as_str()), index);
        }
        let imports = imported(owned);
        let mut provided = Vec::new();
        for import in &world.imports {
            let functions = world.resolve.interfaces[import.id].functions.values();
            let functions: Vec<(String, &Function)> = functions
                .map(|function| {
                    let index = indices[&(import.name.as_str(), function.name.as_str())];
                    (call_name(index), function)
                })
                .collect();
            let (reexporter, needed) = reexport::build(&world.resolve, import, prefix, &functions)?;
            let needed = |(name, _): &&(String, ExportedItem)| needed.contains_key(name);
            let mut arguments: Vec<_> = imports.iter().filter(needed).cloned().collect();
            for (name, _) in &functions {
                let function = self.alias(calls, ComponentExportKind::Func, name);
                arguments.push((name.clone(), (ComponentExportKind::Func, function)));
            }
            let reexporter = self.nest_built(&reexporter);
            let instance = self.instantiate(reexporter, &arguments);
            provided.push((import.name.clone(), (ComponentExportKind::Instance, instance)));
        }
        for RootType { name, interface, type_name } in &world.root_types {
            let instance = owned.instances.get(interface).ok_or_else(|| {
                InstrumentError::build("types", format!("`{name}` belongs to no imported interface"))
            })?;
            let ty = self.alias(*instance, ComponentExportKind::Type, type_name);
            provided.push((name.clone(), (ComponentExportKind::Type, ty)));
        }
        for (index, (interface, function)) in world.functions.iter().enumerate() {
            if interface == ROOT {
                let call = self.alias(calls, ComponentExportKind::Func, &call_name(index));
                provided.push((function.name.clone(), (ComponentExportKind::Func, call)));
            }
        }
        Ok(provided)
    }

    /// Exports what the actor's instance exports.
    fn export_all(&mut self, world: &World, owned: &Owned, actor: u32) -> Result<(), InstrumentError> {
        for (key, item) in &world.resolve.worlds[world.world].exports {
            let name = world.resolve.name_world_key(key);
            let kind = match item {
                WorldItem::Function(_) => ComponentExportKind::Func,
                WorldItem::Interface { .. } => ComponentExportKind::Instance,
                WorldItem::Type { .. } => ComponentExportKind::Type,
            };
            let ty = match world.borrowing.get(&name) {
                Some(functions) => {
                    Some(self.type_by_imports(&world.resolve, &owned.instances, kind, functions)?)
                }
                None => None,
            };
            self.export(actor, kind, &name, ty);
        }
        Ok(())
    }

    fn nest(&mut self, component: &[u8]) -> u32 {
        self.component.section(&RawSection { id: ComponentSectionId::Component as u8, data: component });
        self.components += 1;
        self.components - 1
    }

    fn nest_built(&mut self, component: &Component) -> u32 {
        self.component.section(&NestedComponentSection(component));
        self.components += 1;
        self.components - 1
    }

    fn instantiate(&mut self, component: u32, arguments: &[(String, ExportedItem)]) -> u32 {
        let mut section = ComponentInstanceSection::new();
        let arguments = arguments.iter();
        section.instantiate(component, arguments.map(|(name, (kind, index))| (name.as_str(), *kind, *index)));
        self.component.section(&section);
        self.instances += 1;
        self.instances - 1
    }

    fn alias(&mut self, instance: u32, kind: ComponentExportKind, name: &str) -> u32 {
        let mut section = ComponentAliasSection::new();
        section.alias(Alias::InstanceExport { instance, kind, name });
        self.component.section(&section);
        self.next(kind)
    }

    /// The type of an exported function, or of an instance of these functions, in terms of the imports: what
    /// is exported must name its types, and the actor's instance has other names for those.
    fn type_by_imports(
        &mut self,
        resolve: &Resolve,
        instances: &BTreeMap<String, u32>,
        kind: ComponentExportKind,
        functions: &[Function],
    ) -> Result<ComponentTypeRef, InstrumentError> {
        let component = (mem::take(&mut self.component), self.types);
        let (component, types, indices) = reexport::function_types(resolve, component, instances, functions)?;
        (self.component, self.types) = (component, types);
        if let (ComponentExportKind::Func, &[only]) = (kind, &indices[..]) {
            return Ok(ComponentTypeRef::Func(only));
        }
        let mut instance = InstanceType::new();
        for ((number, index), function) in (0..).zip(&indices).zip(functions) {
            instance.alias(Alias::Outer { kind: ComponentOuterAliasKind::Type, count: 1, index: *index });
            instance.export(function.name.as_str(), ComponentTypeRef::Func(number));
        }
        let mut section = ComponentTypeSection::new();
        section.instance(&instance);
        self.component.section(&section);
        Ok(ComponentTypeRef::Instance(self.next(ComponentExportKind::Type)))
    }

    fn export(&mut self, instance: u32, kind: ComponentExportKind, name: &str, ty: Option<ComponentTypeRef>) {
        let index = self.alias(instance, kind, name);
        let mut section = ComponentExportSection::new();
        section.export(name, kind, index, ty);
        self.component.section(&section);
        self.next(kind);
    }

    /// Counts a new item; an export defines one too.
    fn next(&mut self, kind: ComponentExportKind) -> u32 {
        let counter = match kind {
            ComponentExportKind::Func => &mut self.functions,
            ComponentExportKind::Instance => &mut self.instances,
            _ => &mut self.types,
        };
        *counter += 1;
        *counter - 1
    }
}
