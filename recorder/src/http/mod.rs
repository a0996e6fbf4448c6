//! Owns sessions of `wasi:http/incoming-handler`: several actors take requests from one bounded queue, each
//! with its own mailbox and chain in the same take.
//!
//! Where requests come from is the caller's choice: a socket ([`serve`]), another server ([`Pool::answer`]) or a list
//! ([`Pool::request`]). The actors' host data is any that has an actor and wasi:http: `T: HasActor + WasiHttpView`.

mod body;
mod exchange;
mod observation;
mod pool;
mod refusals;
mod response;
mod serve;

pub use body::{BrokenOff, ClientBody, RequestBody};
pub use exchange::FailedExchange;
pub use pool::Pool;
pub use refusals::{Refusal, Refusals};
pub use serve::serve;

// Types of others in the signatures above.
pub use bytes::Bytes;
pub use http::{Request, Response};
pub use wasmtime_wasi_http::{Error as HttpError, WasiHttpView};
