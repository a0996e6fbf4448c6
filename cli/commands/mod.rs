//! One file per command; each takes its options and returns the exit.

pub mod check;
pub mod export;
pub mod import;
pub mod inspect;
pub mod merge;
pub mod record;
mod record_bounds;
pub mod repair;
pub mod replay;
pub mod test;
pub mod verify;
