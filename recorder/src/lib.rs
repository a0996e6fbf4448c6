//! Records what an actor does: a [`Recorder`] subscribes to chains and writes their events to a log file, and
//! a live session drives the actor against real hosts.
//!
//! - [`Recorder`]: the subscriber; nothing is lost, and the actor's path does no file I/O.
//! - [`TakeFile`]: the file that a take is written to, locked until it is sealed.
//! - [`Program`]: a component that is ready to run and be recorded.
//! - [`Session`] and [`LiveActor`]: the actors of a recording, each with its chain and a mailbox, called one
//!   call at a time.
//! - [`Stdio`]: the output streams of this process, which the guest and the session share.
//! - [`Host`]: WASI and wasi:http for an actor; an embedder brings a host of its own.
//! - [`Invocation`]: a call of any export, in WAVE.
//! - [`CallTimeout`]: how long a call may take.
//! - [`command`]: sessions of `wasi:cli/run`.
//! - [`invoke`]: sessions of any exports, called by name.
//! - [`http`]: sessions of `wasi:http/incoming-handler`, with requests from a socket, another server or a
//!   list.
//!
//! The replayer is the counterpart: there the take answers the actor's calls, here the real host does.

#![forbid(unsafe_code)]

mod call_timeout;
pub mod command;
mod durability;
mod error;
mod host;
pub mod http;
mod incoming_message;
mod instance;
pub mod invoke;
mod live_actor;
mod program;
mod progress;
mod recorded_actor;
mod recorded_call;
mod recorder;
mod running_actor;
mod session;
mod stdio;
mod take_file;
pub mod theater;
mod unprovided;
mod wave;
mod write_queue;

pub use call_timeout::{CallTimeout, TimedOutCall};
pub use durability::Durability;
pub use error::{EntryRemedy, RecordError};
pub use host::{Host, Permissions, Preopen};
pub use live_actor::LiveActor;
pub use program::{Program, SessionOptions};
pub use progress::Progress;
pub use recorder::Recorder;
pub use running_actor::RunningActor;
pub use session::Session;
pub use stdio::Stdio;
pub use take_file::{FileLost, TakeFile, sync_folder};
pub use unprovided::Unprovided;
pub use wave::{Invocation, WaveError, to_wave};

// Types of others in the signatures above.
pub use retake_actor::{
    Actor, ActorContext, ActorError, ActorHandle, ActorStore, CodeCache, Export, Exports, FunctionName,
    GuestPlace, HasActor, LoadError, ResolveError, Shortage, TapError, UnknownExport,
};
pub use retake_chain::log::{LogWriter, SealSummary, Storage, WriteError};
pub use retake_chain::{ChainError, EngineProfile, InstanceMode, SessionKind, StateChain, TheaterId, Value};
pub use tokio_util::sync::CancellationToken;
pub use wasmtime;
