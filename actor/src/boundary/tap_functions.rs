//! Owns the tap's interface as an instrumented component imports it: two functions for each imported one.

use wasmtime::component::Component;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::{Engine, Result, format_err};

use super::function_name::FunctionName;
use super::instrument::Instrumented;
use super::names::{TAP, arguments_name, result_name};

/// What an instrumented component imports of the tap for one imported function.
pub(super) struct TapFunction {
    /// The imported function.
    pub call: FunctionName,
    pub arguments: TapHalf,
    pub result: TapHalf,
}

/// One half of a report.
pub(super) struct TapHalf {
    pub name: String,
    pub ty: ComponentFunc,
}

/// The functions of the tap; none, if the component imports no function.
pub(super) fn tap_functions(
    engine: &Engine,
    component: &Component,
    instrumented: &Instrumented,
) -> Result<Vec<TapFunction>> {
    let tap = match component.component_type().get_import(engine, TAP).map(|import| import.ty) {
        None => return Ok(Vec::new()),
        Some(ComponentItem::ComponentInstance(tap)) => tap,
        Some(_) => return Err(format_err!("the import `{TAP}` is not an instance")),
    };
    let half = |name: String| match tap.get_export(engine, &name).map(|export| export.ty) {
        Some(ComponentItem::ComponentFunc(ty)) => Ok(TapHalf { name, ty }),
        _ => Err(format_err!("the import `{TAP}` has no function `{name}`")),
    };
    let function = |(index, call): (usize, &FunctionName)| {
        let (arguments, result) = (half(arguments_name(index))?, half(result_name(index))?);
        Ok(TapFunction { call: call.clone(), arguments, result })
    };
    instrumented.functions.iter().enumerate().map(function).collect()
}
