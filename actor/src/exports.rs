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

/// No function is exported under a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the component exports no function `{name}`; {}", suggestions(.near))]
pub struct UnknownExport {
    /// The name asked for.
    pub name: String,
    /// Names that are exported, the likeliest first.
    pub near: Vec<String>,
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
            _ => Err(UnknownExport { name: name.into(), near: self.near(name) }),
        }
    }

    fn near(&self, name: &str) -> Vec<String> {
        let likeness = |export: &Export| {
            strsim::jaro_winkler(&export.name, name).max(strsim::jaro_winkler(export.parts().1, name))
        };
        let mut near: Vec<&Export> = self.0.iter().collect();
        near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
        near.into_iter().take(SUGGESTED).map(|export| export.name.clone()).collect()
    }
}
