//! Owns [`Unprovided`]: an import that the linker does not have, or has with a different type, and the
//! remedy.

use std::fmt;

/// The linker's words before and after the name of an import that it refuses.
const REFUSED: &str = "component imports ";
const NOT_FOUND: &str = "a matching implementation was not found";
/// Its words before and after the name of a part of an interface.
const PART: (&str, &str) = ("instance export `", "` has the wrong type");
/// Its words after the kind of a part that is missing.
const MISSING: &str = " implementation is missing";

/// An import that is not provided, or not as the component imports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprovided {
    /// The import: most often an interface with its version.
    pub import: String,
    /// Its function or type that is missing or has another type.
    pub part: Option<String>,
    /// What is wrong, in the linker's words.
    pub reason: String,
    /// Whether it is missing; else it has another type.
    missing: bool,
}

impl Unprovided {
    /// Reads the linker's words. `None` for any other error.
    pub(crate) fn of(error: &wasmtime::Error) -> Option<Unprovided> {
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        let at = causes.iter().position(|said| said.starts_with(REFUSED) && said.contains(NOT_FOUND))?;
        let import = causes[at].split('`').nth(1)?.to_string();
        let inside = &causes[at + 1..];
        let part = inside.iter().find_map(|said| said.strip_prefix(PART.0)?.strip_suffix(PART.1));
        let last = inside.last().cloned().unwrap_or_default();
        let missing = last.ends_with(MISSING);
        let reason =
            last.strip_suffix(MISSING).map_or(last.clone(), |kind| format!("there is no such {kind}"));
        Some(Unprovided { import, part: part.map(str::to_string), reason, missing })
    }

    /// What to do; it depends on the interface and its version.
    fn remedy(&self) -> &'static str {
        let version = self.import.rsplit_once('@').map_or("", |(_, version)| version);
        let is_wasi = self.import.starts_with("wasi:");
        if is_wasi && version.starts_with("0.3.") {
            "it is part of WASI 0.3: build the component for WASI 0.2 (with Rust: `cargo build --target wasm32-wasip2`)"
        } else if is_wasi && !self.missing {
            "build the component with the WIT of WASI 0.2"
        } else if is_wasi {
            "the host provides the stable parts of WASI 0.2: wasi:cli, clocks, filesystem, http, io, random and sockets: \
             build the component without the rest, or record it in a host of your own that provides it"
        } else if self.import.starts_with("theater:") {
            "the host provides two interfaces of Theater: `theater:simple/runtime` and `theater:simple/message-server-host`"
        } else {
            "compose the component with one that exports it (`wac plug`), or record it in a host of your own that \
             provides it"
        }
    }
}

impl fmt::Display for Unprovided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unprovided { import, part, reason, missing } = self;
        match (part, missing) {
            (Some(part), true) => write!(f, "the host does not provide `{import}` (`{part}`: {reason})"),
            (Some(part), false) => {
                write!(f, "`{part}` of `{import}` differs from what the host has ({reason})")
            }
            (None, true) => write!(f, "the host does not provide `{import}` ({reason})"),
            (None, false) => write!(f, "`{import}` differs from what the host has ({reason})"),
        }?;
        write!(f, "; {}", self.remedy())
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::{Component, Linker};
    use wasmtime::{Engine, Error};

    use super::*;

    fn refusal(import: &str) -> Error {
        let engine = Engine::default();
        let component =
            Component::new(&engine, format!("(component (import {import}))")).expect("a component");
        let mut linker = Linker::<()>::new(&engine);
        let mut known = linker.instance("wasi:known/x@0.2.0").expect("the first");
        known.func_wrap("f", |_, (_,): (u32,)| Ok(())).expect("the first");
        match linker.instantiate_pre(&component) {
            Err(error) => error,
            Ok(_) => panic!("{import} is provided"),
        }
    }

    /// The words are the pinned engine's; another engine that has others fails here.
    #[test]
    fn the_linkers_words_are_taken_apart() {
        let table = [
            (r#""a:b/c@1.0.0" (instance (export "r" (type (sub resource))))"#, Some("r"), true),
            (r#""a:b/c@1.0.0" (instance (export "f" (func)))"#, Some("f"), true),
            (r#""f" (func)"#, None, true),
            (r#""wasi:known/x@0.2.0" (instance (export "f" (func)))"#, Some("f"), false),
            (r#""wasi:known/x@0.2.0" (instance (export "g" (func)))"#, Some("g"), true),
        ];
        for (import, part, missing) in table {
            let found = Unprovided::of(&refusal(import)).expect("its words are known");
            assert!(import.contains(&found.import), "{found:?}");
            assert_eq!((found.part.as_deref(), found.missing), (part, missing), "{import}: {found:?}");
            assert!(!found.to_string().contains("implementation"), "{found}");
        }
    }
}
