//! Owns [`Export`]: an exported function, its type, and whether a caller from outside can call it.

use retake_chain::SessionKind;
use thiserror::Error;
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{ComponentExportIndex, Type};

use super::stateful::StatefulCall;

/// An exported function.
#[derive(Clone, Debug)]
pub struct Export {
    /// `interface/function`, or the function alone at the root of the world.
    pub name: String,
    /// Its type.
    pub ty: ComponentFunc,
    /// The kind of session that calls it without a name from the user, if one does.
    pub entry: Option<SessionKind>,
    /// How it carries the actor's state, if it does.
    pub stateful: Option<StatefulCall>,
    index: ComponentExportIndex,
}

/// An export that cannot be called from outside: something that it takes or returns has no form outside the
/// component.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{function}` {problem}, so it cannot be called by name; {}", callable(.others))]
pub struct NotCallable {
    /// The export.
    pub function: String,
    /// The type that is the reason.
    pub problem: String,
    /// Exports that can be called.
    pub others: Vec<String>,
}

fn callable(others: &[String]) -> String {
    match others {
        [] => "the component exports no function that takes and returns values alone".into(),
        others => format!("these can be called: `{}`", others.join("`, `")),
    }
}

/// The part of a type that has no form outside the component, if there is one.
fn formless(ty: &Type) -> Option<&'static str> {
    fn first(mut types: impl Iterator<Item = Type>) -> Option<&'static str> {
        types.find_map(|ty| formless(&ty))
    }
    match ty {
        Type::Own(_) | Type::Borrow(_) => Some("a handle of a resource"),
        Type::Future(_) => Some("a future"),
        Type::Stream(_) => Some("a stream"),
        Type::ErrorContext => Some("an error context"),
        Type::Map(_) => Some("a map"),
        Type::FixedLengthList(_) => Some("a list of a fixed length"),
        Type::List(list) => formless(&list.ty()),
        Type::Option(option) => formless(&option.ty()),
        Type::Record(record) => first(record.fields().map(|field| field.ty)),
        Type::Tuple(tuple) => first(tuple.types()),
        Type::Variant(variant) => first(variant.cases().filter_map(|case| case.ty)),
        Type::Result(result) => first(result.ok().into_iter().chain(result.err())),
        Type::Bool
        | Type::S8
        | Type::U8
        | Type::S16
        | Type::U16
        | Type::S32
        | Type::U32
        | Type::S64
        | Type::U64
        | Type::Float32
        | Type::Float64
        | Type::Char
        | Type::String
        | Type::Enum(_)
        | Type::Flags(_) => None,
    }
}

/// The sessions that call a function by themselves, a server first where a component has both.
pub(crate) const ENTRIES: [SessionKind; 2] = [SessionKind::Http, SessionKind::Command];

/// The kind of session that calls a function by itself.
pub(crate) fn entry_of(interface: &str, function: &str) -> Option<SessionKind> {
    let is = |prefix, name| interface.starts_with(prefix) && function == name;
    if is("wasi:http/incoming-handler@0.2.", "handle") {
        Some(SessionKind::Http)
    } else if is("wasi:cli/run@0.2.", "run") {
        Some(SessionKind::Command)
    } else {
        None
    }
}

impl Export {
    pub(super) fn new(
        name: String,
        ty: ComponentFunc,
        entry: Option<SessionKind>,
        index: ComponentExportIndex,
    ) -> Self {
        let stateful = StatefulCall::of(&ty);
        Export { name, ty, entry, stateful, index }
    }

    /// The parameters that a caller gives: all but the state.
    pub fn params(&self) -> Vec<(&str, Type)> {
        self.ty.params().skip(usize::from(self.stateful.is_some())).collect()
    }

    /// Why a caller from outside cannot call it. The host itself still can.
    pub(super) fn problem(&self) -> Option<String> {
        let taken = self.ty.params().find_map(|(name, ty)| {
            let what = formless(&ty)?;
            Some(format!("takes {what} (`{name}`)"))
        });
        let returned = || {
            let what = self.ty.results().find_map(|ty| formless(&ty))?;
            Some(format!("returns {what}"))
        };
        let asynchronous = || self.ty.async_().then(|| "is async (WASI 0.3)".to_string());
        taken.or_else(returned).or_else(asynchronous)
    }

    /// Whether a caller from outside can call it by its name.
    pub fn is_callable(&self) -> bool {
        self.problem().is_none()
    }

    /// Where the function is in an instance of the component.
    pub fn index(&self) -> &ComponentExportIndex {
        &self.index
    }

    /// The interface, if the function is in one, and the function in it.
    pub fn parts(&self) -> (Option<&str>, &str) {
        match self.name.rsplit_once('/') {
            Some((interface, function)) => (Some(interface), function),
            None => (None, &self.name),
        }
    }
}
