//! Owns a suite of takes: finding them, their settings, selecting and running them. What a suite is as data is the verifier's; what is
//! printed about a run is the printers'.

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
