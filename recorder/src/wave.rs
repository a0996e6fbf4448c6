//! Owns calls in WAVE, the text form of component values: `name(arguments)` in, a result out.

use retake_actor::abi::val::{from_value, to_value};
use retake_actor::{Export, Exports, ResolveError};
use retake_chain::Value;
use thiserror::Error;
use wasm_wave::parser::ParserError;
use wasm_wave::untyped::UntypedFuncCall;
use wasm_wave::wasm::DisplayType;
use wasmtime::component::{Type, Val};

/// A call of an export, read from text and checked against the export's type.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// Number of the actor in the session, from 0.
    pub actor: usize,
    /// The export's full name.
    pub function: String,
    /// The arguments, without a stateful function's state.
    pub params: Vec<Value>,
}

/// Why a text is not a call of a component.
#[derive(Debug, Error)]
pub enum WaveError {
    /// It does not have the form `name(arguments)`, or the arguments are not WAVE.
    #[error("`{text}` is not a call: {reason}; write it as `name(argument, ...)`, in WAVE")]
    NoCall {
        /// The text.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// The session has no such actor.
    #[error("`{text}`: there is no such actor; the last is `#{}`", actors - 1)]
    UnknownActor {
        /// The text.
        text: String,
        /// How many there are.
        actors: usize,
    },
    /// The component does not export it, or it cannot be called.
    #[error("`{text}`: {uncalled}")]
    Uncalled {
        /// The text.
        text: String,
        /// The name, with what is near.
        uncalled: ResolveError,
    },
    /// There are too many or too few arguments.
    #[error("`{text}`: `{function}` takes {expected}, found {found}")]
    Count {
        /// The text.
        text: String,
        /// The export.
        function: String,
        /// Its parameters, for people.
        expected: String,
        /// How many arguments there are.
        found: usize,
    },
    /// An argument is not of its parameter's type.
    #[error("`{text}`: the parameter `{parameter}` of `{function}` is of type `{ty}`, which {reason}")]
    WrongArgument {
        /// The text.
        text: String,
        /// The export.
        function: String,
        /// The parameter's name.
        parameter: String,
        /// Its type.
        ty: String,
        /// What is wrong.
        reason: String,
    },
}

impl Invocation {
    /// Reads a call of one of the exports. It calls the first actor, unless the text starts with `#` and the
    /// number of another of the `actors`.
    ///
    /// # Errors
    /// [`WaveError`] with what is expected.
    pub fn parse(text: &str, exports: &Exports, actors: usize) -> Result<Invocation, WaveError> {
        let no_call = |reason: String| WaveError::NoCall { text: text.into(), reason };
        let (actor, call) = match text.strip_prefix('#').map(|rest| rest.split_once(' ')) {
            None => (0, text),
            Some(Some((number, call))) => match number.parse() {
                Ok(actor) if actor < actors => (actor, call),
                _ => return Err(WaveError::UnknownActor { text: text.into(), actors }),
            },
            Some(None) => {
                return Err(no_call("after the number of the actor, a space and a name are missing".into()));
            }
        };
        let parts = call.split_once('(');
        let (name, _) = parts.ok_or_else(|| no_call("the parentheses are missing".into()))?;
        // WAVE does not know names of functions in interfaces.
        let call = format!("call{}", &call[name.len()..]);
        let call = UntypedFuncCall::parse(&call).map_err(|error| no_call(describe(&error)))?;
        let name = name.trim();
        let export =
            exports.callable(name).map_err(|uncalled| WaveError::Uncalled { text: text.into(), uncalled })?;
        let params = export.params();
        let nodes = match call.params_node() {
            Some(node) => node.as_tuple().map_err(|error| no_call(describe(&error)))?.collect(),
            None => Vec::new(),
        };
        if nodes.len() != params.len() {
            return Err(WaveError::Count {
                text: text.into(),
                function: export.name.clone(),
                expected: parameter_list(&params),
                found: nodes.len(),
            });
        }
        let arguments = nodes.into_iter().zip(&params).map(|(node, (parameter, ty))| {
            let wrong = |reason: String| WaveError::WrongArgument {
                text: text.into(),
                function: export.name.clone(),
                parameter: parameter.to_string(),
                ty: type_name(ty),
                reason,
            };
            let unfit = |error: &ParserError| {
                let given = call.source().get(error.span()).unwrap_or_default();
                format!("`{given}` is not ({})", describe(error))
            };
            let val: Val = node.to_wasm_value(ty, call.source()).map_err(|error| wrong(unfit(&error)))?;
            let no_handles = &mut |_: &_| Err(wasmtime::format_err!("handles have no text form"));
            let unfit = |error: wasmtime::Error| format!("the argument is not ({})", error.root_cause());
            to_value(&val, ty, no_handles).map_err(|error| wrong(unfit(error)))
        });
        let params = arguments.collect::<Result<_, _>>()?;
        Ok(Invocation { actor, function: export.name.clone(), params })
    }
}

fn describe(error: &ParserError) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// The parameters of a function, for people.
pub(crate) fn parameter_list(params: &[(&str, Type)]) -> String {
    if params.is_empty() {
        return "no argument".into();
    }
    let params: Vec<_> = params.iter().map(|(name, ty)| format!("{name}: {}", type_name(ty))).collect();
    format!("({})", params.join(", "))
}

fn type_name(ty: &Type) -> String {
    DisplayType(ty).to_string()
}

/// The result of an export in WAVE, without the state if it has one.
///
/// # Errors
/// The value is not of the export's type, or has no text form.
pub fn to_wave(export: &Export, returned: &Value) -> wasmtime::Result<String> {
    let ty = export.ty.results().next();
    let (None, Some(ty)) = (export.stateful, &ty) else {
        return stateful_to_wave(&ty, returned);
    };
    value_to_wave(returned, ty)
}

fn stateful_to_wave(ty: &Option<Type>, returned: &Value) -> wasmtime::Result<String> {
    let rest: Vec<Type> = match ty {
        Some(Type::Result(result)) => match result.ok() {
            Some(Type::Tuple(tuple)) => tuple.types().skip(1).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let (case, payload) = returned.as_case().unwrap_or(("ok", None));
    let values: Vec<(&Value, &Type)> = match (case, payload, &rest[..]) {
        ("err", Some(message), _) => vec![(message, &Type::String)],
        (_, Some(value), [only]) => vec![(value, only)],
        (_, Some(Value::List(values)), several) => values.iter().zip(several).collect(),
        _ => Vec::new(),
    };
    let texts: wasmtime::Result<Vec<String>> =
        values.into_iter().map(|(value, ty)| value_to_wave(value, ty)).collect();
    Ok(match &texts?[..] {
        [] => case.to_string(),
        [only] => format!("{case}({only})"),
        several => format!("{case}(({}))", several.join(", ")),
    })
}

fn value_to_wave(value: &Value, ty: &Type) -> wasmtime::Result<String> {
    let no_handles = &mut |_, _| Err(wasmtime::format_err!("handles have no text form"));
    let val = from_value(value, ty, no_handles)?;
    Ok(wasm_wave::to_string(&val)?)
}
