//! Replays a take: re-runs the actor from the recording alone and checks every event as it streams.
//!
//! - [`replay`]: from a reader of a take to a report.
//! - [`Program`]: the ORIGINAL component on a linker made from its import types; no real host function is linked.
//! - [`Programs`], [`Jobs`]: what the takes of a suite share.
//! - [`Perturbation`]: what a replay can change, and a deterministic actor cannot tell.
//!
//! The recorder mirrors this crate: both answer "who answers the actor's call?". What a difference is, and how verdicts
//! combine, is the verifier's.

mod actor_rerun;
mod earliest;
mod error;
mod jobs;
mod options;
mod perturbation;
mod program;
mod programs;
mod replay;
mod report;
mod segments;
mod stack;
mod stand_in;
mod timeouts;
mod window;

pub use error::{PlaceTried, ReplayError};
pub use jobs::{Job, Jobs};
pub use options::{ActorBytes, ReplayOptions, Timeouts};
pub use perturbation::Perturbation;
pub use program::Program;
pub use programs::Programs;
pub use replay::{replay, replay_with};
pub use timeouts::{TimeBound, TimedOut};

// What an embedder needs besides.
pub use retake_actor::profile::Tuning;
pub use retake_actor::{Actor, LoadError, MemoryUse};
pub use retake_verifier::{Divergence, DivergenceKind, ReplayReport, Verdict};
