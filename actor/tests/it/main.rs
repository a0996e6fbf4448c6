//! The promises of the crate. The boundary: whatever a component exchanges with its host is recorded as it
//! was, and the original component replays to the same end from the recording alone. Its ABI, its code cache
//! and its store have a file each.

mod common;

mod abi_reference;
mod adapt;
mod code_cache;
mod drops;
mod endings;
mod exports;
mod handles;
mod imports;
mod large;
mod profile;
mod refusals;
mod store;
mod types;
mod values;
mod worlds;
