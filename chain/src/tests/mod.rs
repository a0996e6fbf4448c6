//! Tests of the crate, one file per part; what the log promises is tested in `log/tests.rs`.

mod events;
mod hashes;
mod payloads;
#[cfg(feature = "live")]
mod polling;
#[cfg(feature = "live")]
mod state_chain;
#[cfg(feature = "live")]
mod state_chain_model;
pub(crate) mod strategies;
#[cfg(feature = "live")]
mod subscribers;
mod values;
