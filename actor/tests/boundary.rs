//! The promise of the boundary: whatever a component exchanges with its host is recorded as it was, and the original
//! component replays to the same end from the recording alone.

mod common;

#[path = "boundary/adapt.rs"]
mod adapt;
#[path = "boundary/endings.rs"]
mod endings;
#[path = "boundary/handles.rs"]
mod handles;
#[path = "boundary/refusals.rs"]
mod refusals;
#[path = "boundary/values.rs"]
mod values;
