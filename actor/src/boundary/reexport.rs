//! Owns the re-exporter: for one imported interface, a component that takes the shim's functions under their
//! plain names and exports them as the interface does (`[method]..`, with the interface's own types).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentDefinedTypeEncoder, ComponentExportKind,
    ComponentExportSection, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, ComponentValType,
    PrimitiveValType,
};
use wit_parser::{Function, Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner};

use super::error::InstrumentError;
use super::prefix::{ImportPrefix, KeptPrefix};
use super::wit_types::children;
use super::world::Import;

/// Builds the re-exporter of `import`; `functions` are its functions with the names that the shim gives them.
/// Also returns the interfaces that it imports: those whose types it needs.
pub(super) fn build(
    resolve: &Resolve,
    import: &Import,
    prefix: &ImportPrefix<'_>,
    functions: &[(String, &Function)],
) -> Result<(Component, BTreeMap<String, u32>), InstrumentError> {
    let mut component = Component::new();
    let KeptPrefix { types, instances } =
        prefix.write_for(&owners(resolve, import, functions), &mut component)?;
    let mut builder = Builder { component, types, instances, resolve, known: HashMap::new(), exported: None };
    for (name, function) in functions {
        let ty = builder.function_type(function)?;
        let mut section = ComponentImportSection::new();
        section.import(name.as_str(), ComponentTypeRef::Func(ty));
        builder.component.section(&section);
    }
    let mut exported = HashMap::new();
    for (name, id) in &resolve.interfaces[import.id].types {
        let index = builder.type_index(*id)?;
        let mut section = ComponentExportSection::new();
        section.export(name.as_str(), ComponentExportKind::Type, index, None);
        builder.component.section(&section);
        exported.insert(name.clone(), builder.types);
        builder.types += 1;
    }
    // The exported functions must be typed by the exported names of the types.
    builder.exported = Some((import.id, exported));
    builder.known.clear();
    for (index, (_, function)) in functions.iter().enumerate() {
        let ty = builder.function_type(function)?;
        let mut section = ComponentExportSection::new();
        section.export(
            function.name.as_str(),
            ComponentExportKind::Func,
            index as u32,
            Some(ComponentTypeRef::Func(ty)),
        );
        builder.component.section(&section);
    }
    Ok((builder.component, builder.instances))
}

/// Writes the types of functions to a component that has `types` types, and the interfaces whose types they
/// use as these instances. Returns the component, how many types it then has, and the index of each
/// function's type.
pub(super) fn function_types(
    resolve: &Resolve,
    (component, types): (Component, u32),
    instances: &BTreeMap<String, u32>,
    functions: &[Function],
) -> Result<(Component, u32, Vec<u32>), InstrumentError> {
    let instances = instances.clone();
    let mut builder = Builder { component, types, instances, resolve, known: HashMap::new(), exported: None };
    let indices =
        functions.iter().map(|function| builder.function_type(function)).collect::<Result<_, _>>()?;
    Ok((builder.component, builder.types, indices))
}

/// The interfaces that have the named types of the functions, and of the interface itself.
fn owners(resolve: &Resolve, import: &Import, functions: &[(String, &Function)]) -> BTreeSet<String> {
    let mut owners = BTreeSet::from([import.name.clone()]);
    let types = functions
        .iter()
        .flat_map(|(_, function)| function.params.iter().map(|param| param.ty).chain(function.result));
    let mut open: Vec<Type> = types.collect();
    while let Some(ty) = open.pop() {
        let Type::Id(id) = ty else { continue };
        let def = &resolve.types[id];
        match (&def.name, def.owner, &def.kind) {
            (Some(_), TypeOwner::Interface(owner), _) => owners.extend(resolve.id_of(owner)),
            (_, _, TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id))) => open.push(Type::Id(*id)),
            (_, _, kind) => open.extend(children(kind)),
        }
    }
    owners
}

struct Builder<'a> {
    component: Component,
    types: u32,
    /// Instance index of each interface that is imported.
    instances: BTreeMap<String, u32>,
    resolve: &'a Resolve,
    known: HashMap<TypeId, u32>,
    exported: Option<(InterfaceId, HashMap<String, u32>)>,
}

impl Builder<'_> {
    fn defined(&mut self, define: impl FnOnce(ComponentDefinedTypeEncoder<'_>)) -> u32 {
        let mut section = ComponentTypeSection::new();
        define(section.defined_type());
        self.component.section(&section);
        self.types += 1;
        self.types - 1
    }

    fn function_type(&mut self, function: &Function) -> Result<u32, InstrumentError> {
        let mut params = Vec::new();
        for param in &function.params {
            params.push((param.name.as_str(), self.value_type(&param.ty)?));
        }
        let result = self.optional_type(&function.result)?;
        let mut section = ComponentTypeSection::new();
        section.function().params(params).result(result);
        self.component.section(&section);
        self.types += 1;
        Ok(self.types - 1)
    }

    fn optional_type(&mut self, ty: &Option<Type>) -> Result<Option<ComponentValType>, InstrumentError> {
        ty.as_ref().map(|ty| self.value_type(ty)).transpose()
    }

    fn value_type(&mut self, ty: &Type) -> Result<ComponentValType, InstrumentError> {
        Ok(ComponentValType::Primitive(match ty {
            Type::Bool => PrimitiveValType::Bool,
            Type::U8 => PrimitiveValType::U8,
            Type::U16 => PrimitiveValType::U16,
            Type::U32 => PrimitiveValType::U32,
            Type::U64 => PrimitiveValType::U64,
            Type::S8 => PrimitiveValType::S8,
            Type::S16 => PrimitiveValType::S16,
            Type::S32 => PrimitiveValType::S32,
            Type::S64 => PrimitiveValType::S64,
            Type::F32 => PrimitiveValType::F32,
            Type::F64 => PrimitiveValType::F64,
            Type::Char => PrimitiveValType::Char,
            Type::String => PrimitiveValType::String,
            Type::ErrorContext => PrimitiveValType::ErrorContext,
            Type::Id(id) => return Ok(ComponentValType::Type(self.type_index(*id)?)),
        }))
    }

    fn type_index(&mut self, id: TypeId) -> Result<u32, InstrumentError> {
        if let Some(index) = self.known.get(&id) {
            return Ok(*index);
        }
        let def = &self.resolve.types[id];
        let index = match (&def.name, def.owner) {
            (Some(name), TypeOwner::Interface(owner)) => self.named_type(name, owner)?,
            _ => self.anonymous_type(&def.kind)?,
        };
        self.known.insert(id, index);
        Ok(index)
    }

    fn named_type(&mut self, name: &str, owner: InterfaceId) -> Result<u32, InstrumentError> {
        if let Some((interface, types)) = &self.exported
            && *interface == owner
        {
            return Ok(types[name]);
        }
        let instance =
            self.resolve.id_of(owner).and_then(|interface| self.instances.get(&interface)).ok_or_else(
                || InstrumentError::build("types", format!("`{name}` belongs to no imported interface")),
            )?;
        let mut section = ComponentAliasSection::new();
        section.alias(Alias::InstanceExport { instance: *instance, kind: ComponentExportKind::Type, name });
        self.component.section(&section);
        self.types += 1;
        Ok(self.types - 1)
    }

    fn anonymous_type(&mut self, kind: &TypeDefKind) -> Result<u32, InstrumentError> {
        Ok(match kind {
            TypeDefKind::Handle(Handle::Own(resource)) => {
                let resource = self.type_index(*resource)?;
                self.defined(|encoder| encoder.own(resource))
            }
            TypeDefKind::Handle(Handle::Borrow(resource)) => {
                let resource = self.type_index(*resource)?;
                self.defined(|encoder| encoder.borrow(resource))
            }
            TypeDefKind::List(ty) => {
                let ty = self.value_type(ty)?;
                self.defined(|encoder| encoder.list(ty))
            }
            TypeDefKind::Option(ty) => {
                let ty = self.value_type(ty)?;
                self.defined(|encoder| encoder.option(ty))
            }
            TypeDefKind::Tuple(tuple) => {
                let mut types = Vec::new();
                for ty in &tuple.types {
                    types.push(self.value_type(ty)?);
                }
                self.defined(|encoder| encoder.tuple(types))
            }
            TypeDefKind::Result(result) => {
                let ok = self.optional_type(&result.ok)?;
                let err = self.optional_type(&result.err)?;
                self.defined(|encoder| encoder.result(ok, err))
            }
            kind => {
                return Err(InstrumentError::build("types", format!("a {} without a name", kind.as_str())));
            }
        })
    }
}
