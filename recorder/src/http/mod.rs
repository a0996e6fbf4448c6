//! Owns sessions of `wasi:http/incoming-handler`: several actors take requests from one bounded queue, each with its own
//! mailbox and chain in the same take.
//!
//! Where requests come from is the caller's choice: a socket ([`serve`]) or a list ([`Pool::request`]).

mod body;
mod exchange;
mod observation;
mod pool;
mod refusals;
mod serve;

pub use body::{ClientBody, RequestBody};
pub use exchange::FailedExchange;
pub use pool::Pool;
pub use refusals::{Refusal, Refusals};
pub use serve::serve;
