//! Owns a suite of takes: finding takes, their settings, selecting and running them. The verifier has the
//! data of a suite; the printers print its run.

mod config;
mod discover;
mod error;
mod filter;
mod load;
mod near;
mod request;
mod run;
mod select;
mod take;

pub use filter::Filter;
pub use load::Suite;
pub use request::Request;
pub use run::{RunLimits, run};
pub use take::SuiteTake;
