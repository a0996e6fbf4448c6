//! Tests of the crate, one file per part; what the log promises is tested in `log/tests.rs`.

mod events;
mod hashes;
mod payloads;
mod polling;
mod state_chain;
mod state_chain_model;
pub(crate) mod strategies;
mod subscribers;
mod values;
