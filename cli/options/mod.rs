//! Owns the groups of options that several commands share, one per file. The options of one command are in
//! the command's own file.

mod cache;
mod form;
mod new_take;
mod report;
mod timeouts;

pub use cache::CacheOptions;
pub use form::{Form, FormOptions};
pub use new_take::NewTakeOptions;
pub use report::{Annotate, ReportOptions};
pub use timeouts::TimeoutOptions;
