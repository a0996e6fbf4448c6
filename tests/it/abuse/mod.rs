//! Owns guests that break the canonical ABI: what they hand over and take, how they break it, and their
//! recording and replay with a scripted host of their own.

mod component;
mod image;
mod random;
mod session;
mod types;

pub use component::{Guest, Misdeed, Passed};
pub use image::{Encoding, Image};
pub use random::Random;
pub use session::{Script, Taped};
pub use types::Ty;

/// The memory of a generated guest, in pages of WebAssembly and in bytes.
pub const MEMORY_PAGES: u32 = 2;
/// The highest handle that a guest has to begin with.
pub const THINGS: u32 = 12;
pub const MEMORY: u32 = MEMORY_PAGES << 16;
