//! The check of what the host noted of HTTP exchanges. The host calls that the actor made determine what an
//! observation must say, so it is computed from these calls and compared. This needs no clock and no re-run:
//! `verify` and `replay` both use it.
//!
//! What the calls do not say is not compared: a part that the actor never read, a body that was forwarded or
//! not read to the end, headers of unknown content. Nothing is guessed.

mod calls;
mod checker;
mod compare;
mod exchange;
mod fault;
mod fields;
mod streams;
mod value;

pub(crate) use calls::looks_into;
pub(crate) use checker::ObservationChecker;
pub use fault::ObservationFault;
