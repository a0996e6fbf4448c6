//! Records what an actor does: a [`Recorder`] subscribes to chains and writes their events to a log file, and a live
//! session drives the actor against real hosts.
//!
//! - [`Recorder`]: the subscriber; nothing is lost, and the actor's path does no file I/O.
//! - [`TakeFile`]: the file that a take is written to, locked, and looked after until it is sealed.
//! - [`Program`]: a component made ready to run and be recorded, before anything is written.
//! - [`Session`] and [`LiveActor`]: the actors of a recording, each with its chain and a mailbox, called one call at a time.
//! - [`Stdio`]: this process's output streams, which the guest and the session share.
//! - [`Host`]: WASI and wasi:http for an actor; an embedder brings a host of its own.
//! - [`Invocation`]: a call of any export, in WAVE.
//! - [`CallTimeout`]: how long a call may take.
//! - [`command`]: sessions of `wasi:cli/run`.
//! - [`invoke`]: sessions of any exports, called by name.
//! - [`http`]: sessions of `wasi:http/incoming-handler`, served on a socket or driven with given requests.
//!
//! The replayer mirrors this crate: both answer "who answers the actor's call?".

mod actor_thread;
mod call_timeout;
pub mod command;
mod error;
mod host;
pub mod http;
pub mod invoke;
mod live_actor;
mod program;
mod recorder;
mod session;
mod stdio;
mod take_file;
pub mod theater;
mod unprovided;
mod wave;
mod worker;

pub use actor_thread::ActorThread;
pub use call_timeout::{CallTimeout, TimedOutCall};
pub use error::RecordError;
pub use host::{Host, Permissions, Preopen};
pub use live_actor::LiveActor;
pub use program::{Program, SessionOptions};
pub use recorder::{Durability, Progress, Recorder};
pub use session::Session;
pub use stdio::Stdio;
pub use take_file::{FileLost, TakeFile, sync_folder};
pub use unprovided::Unprovided;
pub use wave::{Invocation, WaveError, to_wave};

// What an embedder needs besides.
pub use retake_actor::{Actor, ActorContext, ActorError, ActorHandle, ActorStore, HasActor};
pub use retake_chain::log::LogWriter;
pub use retake_chain::{InstanceMode, SessionKind, Value};
pub use tokio_util::sync::CancellationToken;
