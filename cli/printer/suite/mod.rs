//! Owns the output of `test` and `merge`: one stream of events, and a printer for everyone who listens to it.

mod github;
mod json;
mod junit;
mod markdown;
mod printers;
pub mod summary;

pub use printers::{Printers, refuse_as_outputs, refused};
