//! The kinds of fault that a take can have, and the kind of each error that reading one can raise.

mod kind;
mod of_chain;

pub use kind::FaultKind;
