//! Owns where takes are read from ([`Source`](source::Source)) and written to ([`Sink`](sink::Sink)).
//! Commands open takes here and nowhere else. Only `location.rs` knows which storage a location means. Today
//! that is files, and stdin.

mod actors;
mod file;
mod location;
mod sink;
mod source;
mod stdin;

pub use actors::ActorFiles;
pub use location::{sink, source, source_or_stdin};
pub use sink::{Draft, Existing, NewTake, RecordingStorage};
pub use source::{unopened, unread};
