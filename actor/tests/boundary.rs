//! The promise of the boundary: whatever a component exchanges with its host is recorded as it was, and the original
//! component replays to the same end from the recording alone.

mod common;

#[path = "boundary/adapt.rs"]
mod adapt;
#[path = "boundary/drops.rs"]
mod drops;
#[path = "boundary/endings.rs"]
mod endings;
#[path = "boundary/exports.rs"]
mod exports;
#[path = "boundary/handles.rs"]
mod handles;
#[path = "boundary/imports.rs"]
mod imports;
#[path = "boundary/large.rs"]
mod large;
#[path = "boundary/profile.rs"]
mod profile;
#[path = "boundary/refusals.rs"]
mod refusals;
#[path = "boundary/values.rs"]
mod values;
#[path = "boundary/worlds.rs"]
mod worlds;

#[path = "abi_reference/types.rs"]
mod types;
