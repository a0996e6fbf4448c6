//! What the tests of the boundary share: guests made from WIT text, and a session that records and replays
//! them.

pub mod guest;
pub mod session;
