//! Owns the output of `test` and `merge`: one stream of events, and the printers that receive it.

mod github;
mod json;
mod junit;
mod markdown;
mod printers;
pub mod summary;

pub use printers::{Printers, refuse_as_outputs, refused};
