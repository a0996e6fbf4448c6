//! The exports of a component: which there are ([`Exports`], [`Export`]), how one is called ([`ExportCall`]),
//! and how one carries the actor's state ([`StatefulCall`]).

mod call;
mod export;
mod list;
mod stateful;

pub(crate) use export::{ENTRIES, entry_of};

pub use call::{ArgumentError, ExportCall};
pub use export::{Export, NotCallable};
pub use list::{Exports, ResolveError, UnknownExport};
pub use stateful::{INLINE_STATE, StatefulCall};
