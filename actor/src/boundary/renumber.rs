//! Owns [`TypeRenumbering`]: how types are written again in a component that gives them other numbers.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{Alias, ComponentOuterAliasKind, ComponentTypeRef, InstanceType, TypeBounds};
use wasmparser::{ComponentTypeRef as TypeRef, InstanceTypeDeclaration as Declaration, TypeBounds as Bounds};

/// The name of the resource type that is declared here, if one is.
pub(super) fn resource<'a>(declaration: &Declaration<'a>) -> Option<&'a str> {
    match declaration {
        Declaration::Export { name, ty: TypeRef::Type(Bounds::SubResource) } => Some(name.name),
        _ => None,
    }
}

/// Gives the component's own types new numbers, and those of the instance types among them.
#[derive(Default)]
pub(super) struct TypeRenumbering {
    /// New number of each of the component's types that has one.
    pub known: HashMap<u32, u32>,
    /// New number of each type of the instance type that is written.
    inner: Vec<u32>,
    /// The component's types that were met as references.
    pub met: BTreeSet<u32>,
    /// How many types are open around the current one.
    depth: u32,
    /// The component's type to use for the next resource type of an instance, in place of its own.
    resource: Option<u32>,
}

impl TypeRenumbering {
    /// Uses the component's types, starting at `first`, for the resource types of instances.
    pub fn with_resources(first: u32) -> Self {
        TypeRenumbering { resource: Some(first), ..TypeRenumbering::default() }
    }

    /// The number of a type that is `up` levels further out.
    fn number(&mut self, up: u32, ty: u32) -> u32 {
        let known = match self.depth.checked_sub(up) {
            Some(0) => {
                self.met.insert(ty);
                self.known.get(&ty)
            }
            Some(1) => self.inner.get(ty as usize),
            _ => None,
        };
        known.copied().unwrap_or(ty)
    }
}

impl Reencode for TypeRenumbering {
    type Error = Infallible;
}

impl ReencodeComponent for TypeRenumbering {
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
        match (resource(&declaration), &mut self.resource) {
            (Some(name), Some(index)) if self.depth == 1 => {
                let kind = ComponentOuterAliasKind::Type;
                instance.alias(Alias::Outer { kind, count: 1, index: *index });
                instance.export(name, ComponentTypeRef::Type(TypeBounds::Eq(before)));
                *index += 1;
            }
            _ => component_utils::parse_component_instance_type_declaration(self, instance, declaration)?,
        }
        if self.depth == 1 && instance.type_count() > before {
            self.inner.push(instance.type_count() - 1);
        }
        Ok(())
    }
}
