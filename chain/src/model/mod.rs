//! What a chain is made of: identities, values, payloads, events, and which event may follow which. Nothing
//! here knows bytes, files or threads.

pub(crate) mod event;
pub(crate) mod event_type;
pub(crate) mod grammar;
pub(crate) mod hash;
pub(crate) mod ids;
pub(crate) mod limits;
pub(crate) mod message_protocol;
pub(crate) mod payload;
pub(crate) mod printable;
pub(crate) mod session;
pub(crate) mod trap;
pub(crate) mod value;
pub(crate) mod version;
