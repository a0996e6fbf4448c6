//! Owns the linker of a replay. It is made from the component's import types alone, with no real host
//! function.
//!
//! Every imported resource is a type of its own, and its destructor and every imported function ask the
//! [`StandIn`] in the store's data. As no host function is linked, none can run.

use retake_chain::Value;
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceAny, ResourceDynamic, ResourceType};
use wasmtime::{AsContextMut, Engine, Result, bail};

use super::function_name::FunctionName;
use super::instrument::Instrumented;
use super::names::{RESOURCES, ROOT, TAP};
use super::tap_functions::{TapFunction, tap_functions};
use crate::abi::{self, UnfitValue};

/// Answers the actor's calls in place of a host.
pub trait StandIn {
    /// Answers a call. Handles in `input` are the numbers that earlier answers, or the caller of the export,
    /// gave them. `input` is an error if the arguments could not be lifted. An error as answer ends the call
    /// as a trap would.
    fn answer(&mut self, call: &FunctionName, input: Result<Vec<Value>>) -> Result<Option<Value>>;

    /// The shim, if there is one, announces a call that the actor is about to make. If no call follows, it
    /// ended in the shim.
    fn announce(&mut self, call: &FunctionName, input: Result<Vec<Value>>) -> Result<()> {
        let _ = (call, input);
        Ok(())
    }
}

/// The resource types that a component imports, as [`link_stand_in`] made them.
#[derive(Clone, Copy, Debug)]
pub struct StandInResources {
    count: u32,
}

impl StandInResources {
    /// Makes the owned handle `number` of one of the types, to pass it to an export. The type is the one that
    /// the export's parameter has in the instance.
    pub fn own(self, store: impl AsContextMut, ty: ResourceType, number: u32) -> Result<ResourceAny> {
        match (0..self.count).find(|kind| ResourceType::host_dynamic(*kind) == ty) {
            Some(kind) => ResourceDynamic::new_own(number, kind).try_into_resource_any(store),
            None => bail!("a handle of a type that the component does not import"),
        }
    }
}

/// Defines every import of `component` in `linker`. `get` finds the stand-in in the store's data.
///
/// The component is the original, or the instrumented one where the shim counts against the actor's limits.
/// The tap of an instrumented component announces each call to the stand-in and does nothing else.
///
/// # Errors
/// The component has an import that [`instrument`](super::instrument()) refuses to record.
pub fn link_stand_in<T, S>(
    linker: &mut Linker<T>,
    engine: &Engine,
    component: &Component,
    instrumented: Option<&Instrumented>,
    get: impl Fn(&mut T) -> &mut S + Send + Sync + Copy + 'static,
) -> Result<StandInResources>
where
    T: 'static,
    S: StandIn + 'static,
{
    let mut resources = Resources::default();
    for (interface, import) in component.component_type().imports(engine) {
        match import.ty {
            ComponentItem::ComponentInstance(_) if interface == TAP => {}
            ComponentItem::ComponentInstance(instance) => {
                let drops = instrumented.filter(|_| interface == RESOURCES).map(Instrumented::drops);
                link_interface(linker, engine, interface, &instance, drops, &mut resources, get)?;
            }
            ComponentItem::ComponentFunc(ty) => {
                link_function(&mut linker.root(), FunctionName::new(ROOT, interface), &ty, get)?;
            }
            // Another name for a type of an interface that comes before it.
            ComponentItem::Resource(ty) => {
                let Some(kind) = resources.known(ty) else {
                    bail!("the import `{interface}` is a resource at the root of the world");
                };
                linker.root().resource(interface, ResourceType::host_dynamic(kind), |_, _| Ok(()))?;
            }
            ComponentItem::Type(_) => {}
            _ => bail!("the import `{interface}` is neither an interface, a function nor a type"),
        }
    }
    if let Some(instrumented) = instrumented {
        link_silent_tap(linker, engine, instrumented, component, get)?;
    }
    Ok(StandInResources { count: resources.distinct.len() as u32 })
}

/// The resource types met so far. One that is imported under two names (`use`) is one type.
#[derive(Default)]
struct Resources {
    distinct: Vec<ResourceType>,
}

impl Resources {
    fn known(&self, ty: ResourceType) -> Option<u32> {
        self.distinct.iter().position(|known| *known == ty).map(|kind| kind as u32)
    }

    fn kind(&mut self, ty: ResourceType) -> u32 {
        self.known(ty).unwrap_or_else(|| {
            self.distinct.push(ty);
            self.distinct.len() as u32 - 1
        })
    }
}

/// Defines the resource types and functions of one imported interface. `drops` names the drops of its
/// resources, where it is Retake's own interface for them.
fn link_interface<T, S>(
    linker: &mut Linker<T>,
    engine: &Engine,
    interface: &str,
    instance: &ComponentInstance,
    mut drops: Option<impl Iterator<Item = FunctionName>>,
    resources: &mut Resources,
    get: impl Fn(&mut T) -> &mut S + Send + Sync + Copy + 'static,
) -> Result<()>
where
    T: 'static,
    S: StandIn + 'static,
{
    let mut linker = linker.instance(interface)?;
    for (name, export) in instance.exports(engine) {
        match export.ty {
            ComponentItem::Resource(ty) => {
                let kind = resources.kind(ty);
                let drop = drops.as_mut().and_then(Iterator::next);
                let drop = drop.unwrap_or_else(|| FunctionName::drop_of(interface, name));
                linker.resource(name, ResourceType::host_dynamic(kind), move |mut store, rep| {
                    let answer = get(store.data_mut()).answer(&drop, Ok(vec![Value::Handle(rep)]))?;
                    answer.map_or(Ok(()), |value| Err(UnfitValue::of_nothing(&value).into()))
                })?;
            }
            ComponentItem::ComponentFunc(ty) => {
                link_function(&mut linker, FunctionName::new(interface, name), &ty, get)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn link_function<T: 'static, S: StandIn + 'static>(
    linker: &mut LinkerInstance<'_, T>,
    call: FunctionName,
    ty: &ComponentFunc,
    get: impl Fn(&mut T) -> &mut S + Send + Sync + Copy + 'static,
) -> Result<()> {
    let name = call.function.clone();
    abi::define(linker, &name, ty, move |mut store, arguments| {
        let input = arguments.map(|arguments| arguments.values);
        get(store.data_mut()).answer(&call, input)
    })
}

/// Defines the tap of an instrumented component.
fn link_silent_tap<T, S>(
    linker: &mut Linker<T>,
    engine: &Engine,
    instrumented: &Instrumented,
    component: &Component,
    get: impl Fn(&mut T) -> &mut S + Send + Sync + Copy + 'static,
) -> Result<()>
where
    T: 'static,
    S: StandIn + 'static,
{
    let mut linker = linker.instance(TAP)?;
    for TapFunction { call, arguments, result } in tap_functions(engine, component, instrumented)? {
        abi::define(&mut linker, &arguments.name, &arguments.ty, move |mut store, arguments| {
            let input = arguments.map(|arguments| arguments.values);
            get(store.data_mut()).announce(&call, input)?;
            Ok(None)
        })?;
        // The stand-in knows what it answered.
        abi::define(&mut linker, &result.name, &result.ty, |_, _| Ok(None))?;
    }
    Ok(())
}
