//! What the benchmark of the boundary is made of.

pub mod caller;
pub mod exchange;
pub mod measure;
pub mod memory;
pub mod parts;
pub mod replayed;
pub mod table;
