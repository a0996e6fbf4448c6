//! Owns [`Exports`]: the functions that a component exports, by the names that `wasm-call` events carry.

use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::export::{ENTRIES, Export, NotCallable, entry_of};

/// How many names an error about an unknown one suggests.
const SUGGESTED: usize = 5;

/// The exported functions of a component.
#[derive(Clone, Debug)]
pub struct Exports(Vec<Export>);

/// No function is exported under a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the component exports no function `{name}`; {}", suggestions(.near))]
pub struct UnknownExport {
    /// The name asked for.
    pub name: String,
    /// Names that are exported, the most similar first.
    pub near: Vec<String>,
}

/// Why a name does not resolve to an export that can be called from outside.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// There is none.
    #[error(transparent)]
    Unknown(#[from] UnknownExport),
    /// There is one, but it cannot be called from outside.
    #[error(transparent)]
    NotCallable(#[from] NotCallable),
}

fn suggestions(near: &[String]) -> String {
    match near {
        [] => "it exports no function at all".into(),
        near => format!("it exports `{}`", near.join("`, `")),
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
        ENTRIES.into_iter().find_map(|kind| self.0.iter().find(|export| export.entry == Some(kind)))
    }

    /// The function of exactly that name, or the only function with that name in all interfaces.
    ///
    /// # Errors
    /// [`UnknownExport`] with similar names.
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
    /// [`ResolveError`] if there is no such function, or if it takes or returns something without a form
    /// outside the component.
    pub fn callable(&self, name: &str) -> Result<&Export, ResolveError> {
        let export = self.resolve(name)?;
        match export.problem() {
            None => Ok(export),
            Some(problem) => {
                let others = self.near(name, Export::is_callable);
                Err(NotCallable { function: export.name.clone(), problem, others }.into())
            }
        }
    }

    /// Names of some of the exports, the most similar first.
    fn near(&self, name: &str, wanted: impl Fn(&Export) -> bool) -> Vec<String> {
        let likeness = |export: &Export| {
            strsim::jaro_winkler(&export.name, name).max(strsim::jaro_winkler(export.parts().1, name))
        };
        let mut near: Vec<&Export> = self.0.iter().filter(|export| wanted(export)).collect();
        near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
        near.into_iter().take(SUGGESTED).map(|export| export.name.clone()).collect()
    }
}
