//! Owns the linking of a [`Tap`]: the functions that the shim reports to, and the drops of resources.

use std::future::poll_fn;
use std::task::Poll;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, Type};
use wasmtime::{Engine, Result};

use super::dropper;
use super::function_name::FunctionName;
use super::instrument::Instrumented;
use super::names::TAP;
use super::tap::Tap;
use super::tap_functions::{TapFunction, tap_functions};
use crate::abi::{self, Done};

impl Tap {
    /// Adds the tap to a linker that has the actor's imports already. `get` finds the tap in the store's
    /// data.
    pub fn add_to_linker<T: Send + 'static>(
        linker: &mut Linker<T>,
        engine: &Engine,
        instrumented: &Instrumented,
        component: &Component,
        get: impl Fn(&mut T) -> &mut Tap + Send + Sync + Copy + 'static,
    ) -> Result<()> {
        dropper::link(linker, engine, instrumented, get)?;
        let mut linker = linker.instance(TAP)?;
        for TapFunction { call: name, arguments, result } in tap_functions(engine, component, instrumented)? {
            let call = name.clone();
            let given = given_away(engine, component, &name);
            abi::define(&mut linker, &arguments.name, &arguments.ty, move |mut store, arguments| {
                get(store.data_mut()).begin(&call, given.as_deref(), arguments)?;
                Ok(None)
            })?;

            // A result in memory is reported as a list of one element. Any other result is one core value, so
            // never a list.
            let spilled = result.ty.params().any(|(_, ty)| matches!(ty, Type::List(_)));
            abi::define_async(&mut linker, &result.name, &result.ty, move |mut store, result| {
                let tap = get(store.data_mut());
                match tap.end(&name, result, spilled).and_then(|event| tap.append_at_once(event)) {
                    // Takes no memory, as it holds nothing.
                    Ok(None) => Box::new(poll_fn(|_| Poll::Ready(Ok(Done::default())))),
                    appended => Box::new(async move {
                        if let Some(event) = appended? {
                            get(store.data_mut()).append(event).await?;
                        }
                        Ok(Done::default())
                    }),
                }
            })?;
        }
        Ok(())
    }
}

/// The types of an imported function's parameters, if handles can be given away in them.
fn given_away(engine: &Engine, component: &Component, call: &FunctionName) -> Option<Vec<Type>> {
    let ty = component.component_type();
    let function = match ty.get_import(engine, &call.interface).map(|import| import.ty) {
        Some(ComponentItem::ComponentInstance(instance)) => instance.get_export(engine, &call.function)?.ty,
        _ => ty.get_import(engine, &call.function)?.ty,
    };
    let ComponentItem::ComponentFunc(function) = function else { return None };
    let types: Vec<Type> = function.params().map(|(_, ty)| ty).collect();
    types.iter().any(abi::has_owned_handle).then_some(types)
}
