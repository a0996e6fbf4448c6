//! Records what an actor does: a [`Recorder`] subscribes to chains and writes their events to a log file, and a live
//! session drives the actor against real hosts.
//!
//! - [`Recorder`]: the subscriber; nothing is lost, and the actor's path does no file I/O.
//! - [`Program`]: a component made ready to run and be recorded, before anything is written.
//! - [`ActorSession`]: one actor with its chain, called one call at a time.
//! - [`command`]: sessions of `wasi:cli/run`.
//! - [`http`]: sessions of `wasi:http/incoming-handler`, served on a socket or driven with given requests.
//!
//! The replayer mirrors this crate: both answer "who answers the actor's call?".

mod actor_session;
pub mod command;
mod error;
mod host;
pub mod http;
mod program;
mod recorder;

pub use actor_session::ActorSession;
pub use error::RecordError;
pub use host::{Permissions, Preopen};
pub use program::{Program, SessionOptions};
pub use recorder::{Progress, Recorder};
