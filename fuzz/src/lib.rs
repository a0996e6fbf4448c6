//! The library behind the fuzz targets: their promises, and the components that one of them generates.

pub mod pardon;
pub mod promises;
pub mod world;
