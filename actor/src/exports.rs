//! Owns [`Exports`]: the functions that a component exports, by the names that `wasm-call` events carry.

use retake_chain::SessionKind;
use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Type};

use crate::theater::StatefulCall;

/// How many names an error about an unknown one suggests.
const SUGGESTED: usize = 5;

/// The exported functions of a component.
#[derive(Clone, Debug)]
pub struct Exports(Vec<Export>);

/// An exported function.
#[derive(Clone, Debug)]
pub struct Export {
    /// `interface/function`, or the function alone at the root of the world.
    pub name: String,
    /// Its type.
    pub ty: ComponentFunc,
    /// The kind of session that drives it by itself, without being told a name, if one does.
    pub entry: Option<SessionKind>,
    /// How it carries the actor's state, if it does.
    pub stateful: Option<StatefulCall>,
    index: ComponentExportIndex,
}

/// An export that cannot be called from outside by its name: what it takes or returns has no form outside of the component.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{function}` {problem}, and so cannot be called by its name; {}", callable(.others))]
pub struct NotCallable {
    /// The export.
    pub function: String,
    /// Which of its types is the reason.
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

/// What in a type has no form outside of the component, if something does.
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

/// No function is exported under a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the component exports no function `{name}`; {}", suggestions(.near))]
pub struct UnknownExport {
    /// The name asked for.
    pub name: String,
    /// Names that are exported, the likeliest first.
    pub near: Vec<String>,
}

/// Why a name stands for no export that can be called from outside.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Uncalled {
    /// There is none.
    #[error(transparent)]
    Unknown(#[from] UnknownExport),
    /// There is one, and it cannot be called so.
    #[error(transparent)]
    NotCallable(#[from] NotCallable),
}

fn suggestions(near: &[String]) -> String {
    match near {
        [] => "it exports no function at all".into(),
        near => format!("it exports `{}`", near.join("`, `")),
    }
}

/// Which kind of session drives a function by itself.
fn entry_of(interface: &str, function: &str) -> Option<SessionKind> {
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
    fn new(name: String, ty: ComponentFunc, entry: Option<SessionKind>, index: ComponentExportIndex) -> Self {
        let stateful = StatefulCall::of(&ty);
        Export { name, ty, entry, stateful, index }
    }

    /// The parameters that a caller gives: all but the state.
    pub fn params(&self) -> Vec<(&str, Type)> {
        self.ty.params().skip(usize::from(self.stateful.is_some())).collect()
    }

    /// Why a caller from outside cannot call it, if so: the host itself still can.
    fn problem(&self) -> Option<String> {
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

impl Exports {
    /// The exports of a component, in its order.
    pub fn of(engine: &Engine, component: &Component) -> Exports {
        let mut exports = Vec::new();
        for (name, item) in component.component_type().exports(engine) {
            let Some(outer) = component.get_export_index(None, name) else { continue };
            match item.ty {
                ComponentItem::ComponentFunc(ty) => {
                    exports.push(Export::new(name.into(), ty, None, outer));
                }
                ComponentItem::ComponentInstance(instance) => {
                    for (function, item) in instance.exports(engine) {
                        let index = component.get_export_index(Some(&outer), function);
                        if let (ComponentItem::ComponentFunc(ty), Some(index)) = (item.ty, index) {
                            let entry = entry_of(name, function);
                            exports.push(Export::new(format!("{name}/{function}"), ty, entry, index));
                        }
                    }
                }
                _ => {}
            }
        }
        Exports(exports)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Export> {
        self.0.iter()
    }

    /// The export that a session drives: an HTTP handler before a command, where a component has both.
    pub fn entry(&self) -> Option<&Export> {
        let of_kind = |kind| self.0.iter().find(|export| export.entry == Some(kind));
        of_kind(SessionKind::Http).or_else(|| of_kind(SessionKind::Command))
    }

    /// The function of exactly that name, or the only one that is called so in any interface.
    ///
    /// # Errors
    /// [`UnknownExport`] with names that are alike.
    pub fn resolve(&self, name: &str) -> Result<&Export, UnknownExport> {
        if let Some(export) = self.0.iter().find(|export| export.name == name) {
            return Ok(export);
        }
        let mut called_so = self.0.iter().filter(|export| export.parts().1 == name);
        match (called_so.next(), called_so.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(UnknownExport { name: name.into(), near: self.near(name, |_| true) }),
        }
    }

    /// As [`resolve`](Self::resolve), for a caller from outside of the component.
    ///
    /// # Errors
    /// [`Uncalled`] if there is no such function, or what it takes or returns has no form outside of the component.
    pub fn callable(&self, name: &str) -> Result<&Export, Uncalled> {
        let export = self.resolve(name)?;
        match export.problem() {
            None => Ok(export),
            Some(problem) => {
                let others = self.near(name, Export::is_callable);
                Err(NotCallable { function: export.name.clone(), problem, others }.into())
            }
        }
    }

    /// Names of some of the exports, the most alike first.
    fn near(&self, name: &str, wanted: impl Fn(&Export) -> bool) -> Vec<String> {
        let likeness = |export: &Export| {
            strsim::jaro_winkler(&export.name, name).max(strsim::jaro_winkler(export.parts().1, name))
        };
        let mut near: Vec<&Export> = self.0.iter().filter(|export| wanted(export)).collect();
        near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
        near.into_iter().take(SUGGESTED).map(|export| export.name.clone()).collect()
    }
}
