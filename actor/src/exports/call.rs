//! Owns the call of an export, in a recording and in a replay: its arguments with the state first, its result
//! slots, and its result as a [`Value`]. The two callers differ in how they wait and in where handles come
//! from.

use retake_chain::Value;
use thiserror::Error;
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{Func, Instance, ResourceAny, ResourceType, Type, Val};
use wasmtime::{AsContextMut, Result, format_err};

use super::export::Export;
use crate::abi::UnfitValue;
use crate::abi::val::{from_value, to_value};

/// Why values cannot be the arguments of an export.
#[derive(Debug, Error)]
pub enum ArgumentError {
    /// The export has more parameters, or fewer. The state counts, where the export carries one.
    #[error("expected {expected} arguments, found {found}")]
    Count {
        /// The number of parameters.
        expected: usize,
        /// The number of values.
        found: usize,
    },
    /// A value does not fit the type of its parameter.
    #[error("parameter `{parameter}`: {unfit}")]
    Unfit {
        /// The parameter.
        parameter: String,
        /// The type and the value.
        unfit: UnfitValue,
    },
    /// A number cannot be turned into a handle.
    #[error("parameter `{parameter}`: {reason}")]
    Handle {
        /// The parameter.
        parameter: String,
        /// The fault of the `own` that was given to [`Export::arguments`].
        reason: wasmtime::Error,
    },
}

impl ArgumentError {
    /// Converts to an error of the engine, for arguments that come from a file: an [`UnfitValue`], or the
    /// fault of `own`.
    pub fn into_engine_error(self) -> wasmtime::Error {
        let arguments = |count| format!("{count} {}", if count == 1 { "argument" } else { "arguments" });
        match self {
            ArgumentError::Count { expected, found } => {
                UnfitValue { expected: arguments(expected), value: arguments(found) }.into()
            }
            ArgumentError::Unfit { unfit, .. } => unfit.into(),
            ArgumentError::Handle { reason, .. } => reason,
        }
    }
}

impl Export {
    /// Turns values into the arguments of a call. Where the export carries the actor's state, `state` is the
    /// first.
    ///
    /// `ty` is the type of the export, or of its function in an instance, which names the resource types that
    /// the instance has. `own` makes a handle of a resource type from its number.
    ///
    /// # Errors
    /// [`ArgumentError`], for the first value that is wrong.
    pub fn arguments(
        &self,
        ty: &ComponentFunc,
        state: &Value,
        params: &[Value],
        mut own: impl FnMut(ResourceType, u32) -> Result<ResourceAny>,
    ) -> Result<Vec<Val>, ArgumentError> {
        let values: Vec<&Value> = self.stateful.map(|_| state).into_iter().chain(params).collect();
        if values.len() != ty.params().len() {
            return Err(ArgumentError::Count { expected: ty.params().len(), found: values.len() });
        }
        let one = |(value, (name, ty)): (&Value, (&str, Type))| {
            from_value(value, &ty, &mut own).map_err(|error| {
                let parameter = name.to_string();
                match error.downcast::<UnfitValue>() {
                    Ok(unfit) => ArgumentError::Unfit { parameter, unfit },
                    Err(reason) => ArgumentError::Handle { parameter, reason },
                }
            })
        };
        values.into_iter().zip(ty.params()).map(one).collect()
    }
}

/// The function of an export in one instance, ready to be called once.
pub struct ExportCall {
    function: Func,
    ty: ComponentFunc,
}

impl ExportCall {
    /// Finds the function of `export` in an instance of its component.
    ///
    /// # Errors
    /// The instance has no such function: it is of another component.
    pub fn new(mut store: impl AsContextMut, instance: &Instance, export: &Export) -> Result<ExportCall> {
        let Some(function) = instance.get_func(&mut store, export.index()) else {
            return Err(format_err!("`{}` is not a function", export.name));
        };
        let ty = function.ty(&store);
        Ok(ExportCall { function, ty })
    }

    /// The type that the function has in the instance.
    pub fn ty(&self) -> &ComponentFunc {
        &self.ty
    }

    /// Calls the function; the guest cannot wait. Returns its result, `None` for a function without one.
    ///
    /// # Errors
    /// How the guest ended without a result.
    pub fn call(self, store: impl AsContextMut, arguments: &[Val]) -> Result<Option<Value>> {
        let mut slots = self.slots();
        self.function.call(store, arguments, &mut slots)?;
        self.result(&slots)
    }

    /// As [`call`](Self::call), for a guest whose host functions may wait.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn call_async(
        self,
        store: impl AsContextMut<Data: Send>,
        arguments: &[Val],
    ) -> Result<Option<Value>> {
        let mut slots = self.slots();
        self.function.call_async(store, arguments, &mut slots).await?;
        self.result(&slots)
    }

    fn slots(&self) -> Vec<Val> {
        vec![Val::Bool(false); self.ty.results().len()]
    }

    fn result(&self, slots: &[Val]) -> Result<Option<Value>> {
        // A handle in a result belongs to nobody: no caller can give it back.
        let refuse = &mut |_: &ResourceAny| Err(format_err!("a handle in the result of an export"));
        let returned = slots.iter().zip(self.ty.results()).next();
        returned.map(|(val, ty)| to_value(val, &ty, refuse)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::{Component, Linker};
    use wasmtime::{Engine, Store};

    use super::*;
    use crate::exports::Exports;

    const COUNTER: &str = r#"(component
        (core module $m
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
            (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func (export "nop"))
            ;; Answers `ok` with the state that it was given and the argument.
            (func (export "set") (param i32 i32 i32 i32) (result i32)
                (i32.store (i32.const 4) (local.get 0))
                (i32.store (i32.const 8) (local.get 1))
                (i32.store (i32.const 12) (local.get 2))
                (i32.store (i32.const 16) (local.get 3))
                i32.const 0))
        (core instance $i (instantiate $m))
        (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
        (func (export "nop") (canon lift (core func $i "nop")))
        (func (export "set") (param "state" (option (list u8))) (param "to" u32)
            (result (result (tuple (option (list u8)) u32) (error string)))
            (canon lift (core func $i "set") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))"#;

    fn no_handles(_: ResourceType, _: u32) -> Result<ResourceAny> {
        Err(format_err!("no handles"))
    }

    fn exports() -> (Engine, Component, Exports) {
        let engine = Engine::default();
        let component = Component::new(&engine, COUNTER).expect("a component");
        let exports = Exports::of(&engine, &component);
        (engine, component, exports)
    }

    fn call(name: &str, state: &Value, params: &[Value]) -> Option<Value> {
        let (engine, component, exports) = exports();
        let export = exports.resolve(name).expect("an export");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component).expect("an instance");
        let call = ExportCall::new(&mut store, &instance, export).expect("a function");
        let arguments = export.arguments(call.ty(), state, params, no_handles).expect("arguments");
        call.call(&mut store, &arguments).expect("a result")
    }

    #[test]
    fn an_export_is_called_with_values_and_returns_one() {
        assert_eq!(call("add", &Value::None, &[2u32.into(), 3u32.into()]), Some(5u32.into()));
        assert_eq!(call("nop", &Value::None, &[]), None);
    }

    #[test]
    fn a_stateful_export_gets_the_state_first() {
        let state = Value::List(vec![Value::from(b"s".to_vec())]);
        let returned = Value::case("ok", Some(Value::List(vec![state.clone(), 7u32.into()])));
        assert_eq!(call("set", &state, &[7u32.into()]), Some(returned));
    }

    #[test]
    fn arguments_that_do_not_fit_are_refused_by_what_is_wrong() {
        let (_, _, exports) = exports();
        let refused = |name: &str, params: &[Value]| {
            let export = exports.resolve(name).expect("an export");
            export.arguments(&export.ty, &Value::None, params, no_handles).expect_err("a refusal")
        };
        let count = refused("set", &[]);
        assert!(matches!(count, ArgumentError::Count { expected: 2, found: 1 }), "{count}");
        assert_eq!(count.into_engine_error().to_string(), "1 argument where the build has 2 arguments");

        let unfit = refused("add", &[2u32.into(), "three".into()]);
        assert!(matches!(&unfit, ArgumentError::Unfit { parameter, .. } if parameter == "b"), "{unfit}");
        assert!(unfit.into_engine_error().is::<UnfitValue>());
    }
}
