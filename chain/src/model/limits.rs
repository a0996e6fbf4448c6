//! Owns the limits of events and values: what a chain takes is what every reader accepts. Those of a file are
//! in `log/format.rs`.

/// Largest event data, in bytes.
pub const MAX_EVENT: usize = 1 << 30;

/// Longest event type, in bytes.
pub const MAX_EVENT_TYPE: usize = 1 << 10;

/// How deep lists and records may nest in a value that is appended to a chain.
pub const MAX_VALUE_DEPTH: usize = 128;

/// How deep arrays and maps may nest in bytes that are read, payload and values together.
pub const MAX_DECODE_DEPTH: usize = 256;

/// Most values in the data of one event. Every MessagePack object counts, nested ones and those of the
/// payload itself among them; the keys of maps do not. In memory each takes many times its bytes.
pub const MAX_VALUES: usize = 1 << 22;
