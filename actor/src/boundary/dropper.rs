//! Owns the host's side of drops: each is reported to the [`Tap`] and passed to the host that the actor is
//! linked to.
//!
//! A linker does not expose its destructors. A small component linked to it can call them, by dropping the
//! handles that it gets.

use std::fmt::Write;
use std::sync::Arc;

use retake_chain::Value;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker, ResourceType};
use wasmtime::{Engine, Result, StoreContextMut, format_err};

use super::function_name::FunctionName;
use super::instrument::Instrumented;
use super::names::{RESOURCES, resource_name};
use super::owner::ImportedResource;
use super::tap::Tap;
use crate::abi::Lowered;

/// Defines the interface that an instrumented component imports its resource types from, in a linker that has
/// the host's already.
pub(super) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    engine: &Engine,
    instrumented: &Instrumented,
    get: impl Fn(&mut T) -> &mut Tap + Send + Sync + Copy + 'static,
) -> Result<()> {
    let resources = &instrumented.resources;
    if resources.is_empty() {
        return Ok(());
    }
    let dropper = Component::new(engine, dropper(resources))?;
    let types = resource_types(linker, engine, &dropper, resources)?;
    let pre = linker.instantiate_pre(&dropper)?;
    let mut linker = linker.instance(RESOURCES)?;
    for (index, (ty, name)) in types.into_iter().zip(instrumented.drops()).enumerate() {
        let export = resource_name(index);
        let drop = Arc::new(HostDrop { name, ty, export: export.clone(), pre: pre.clone() });
        linker.resource_async(&export, ty, move |mut store, rep| {
            let drop = drop.clone();
            Box::new(async move {
                get(store.data_mut()).begin_drop(&drop.name, drop.ty, rep)?;
                drop.call(&mut store, rep, get).await?;
                let tap = get(store.data_mut());
                let event = tap.end_drop(&drop.name)?;
                match tap.append_at_once(event)? {
                    Some(event) => tap.append(event).await,
                    None => Ok(()),
                }
            })
        })?;
    }
    Ok(())
}

/// How handles of one resource type are dropped.
struct HostDrop<T: 'static> {
    name: FunctionName,
    ty: ResourceType,
    /// The dropper's export for it.
    export: String,
    pre: InstancePre<T>,
}

impl<T: Send> HostDrop<T> {
    /// Lets the host drop what `rep` represents.
    async fn call(
        &self,
        store: &mut StoreContextMut<'_, T>,
        rep: u32,
        get: impl Fn(&mut T) -> &mut Tap,
    ) -> Result<()> {
        let instance = match get(store.data_mut()).dropper {
            Some(instance) => instance,
            None => {
                let instance = self.pre.instantiate_async(&mut *store).await?;
                get(store.data_mut()).dropper = Some(instance);
                instance
            }
        };
        let drop = instance.get_typed_func::<Lowered<1>, ()>(&mut *store, &self.export)?;
        drop.call_async(&mut *store, Lowered(Some(Value::Handle(rep)))).await
    }
}

/// The text of a component with a function for each resource type, of the type's name in [`RESOURCES`], that
/// drops a handle.
fn dropper(resources: &[ImportedResource]) -> String {
    let mut text = String::from("(component");
    let mut begin = 0;
    for (instance, group) in resources.chunk_by(|a, b| a.interface == b.interface).enumerate() {
        let _ = write!(text, "\n(import \"{}\" (instance $i{instance}", group[0].interface);
        for resource in group {
            let _ = write!(text, " (export \"{}\" (type (sub resource)))", resource.name);
        }
        text.push_str("))");
        for (index, resource) in (begin..).zip(group) {
            let _ = write!(
                text,
                "\n(alias export $i{instance} \"{}\" (type $r{index}))\
                 (core func $d{index} (canon resource.drop $r{index}))\
                 (func (export \"{}\") (param \"handle\" (own $r{index})) (canon lift (core func $d{index})))",
                resource.name,
                resource_name(index),
            );
        }
        begin += group.len();
    }
    text.push(')');
    text
}

/// What the host provides for each resource type.
fn resource_types<T>(
    linker: &Linker<T>,
    engine: &Engine,
    dropper: &Component,
    resources: &[ImportedResource],
) -> Result<Vec<ResourceType>> {
    let provided = linker.substituted_component_type(dropper)?;
    let of = |ImportedResource { interface, name }: &ImportedResource| {
        let instance = provided.get_import(engine, interface).map(|import| import.ty);
        let item = match instance {
            Some(ComponentItem::ComponentInstance(instance)) => export(engine, &instance, name),
            _ => None,
        };
        item.ok_or_else(|| format_err!("the import `{interface}` has no resource `{name}`"))
    };
    resources.iter().map(of).collect()
}

fn export(engine: &Engine, instance: &ComponentInstance, name: &str) -> Option<ResourceType> {
    match instance.get_export(engine, name)?.ty {
        ComponentItem::Resource(ty) => Some(ty),
        _ => None,
    }
}
