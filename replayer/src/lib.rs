//! Replays a take: re-runs the actor from the recording alone and checks every event as it streams.
//!
//! - [`replay`]: from a reader of a take to a report.
//! - [`ReplayOptions`]: how a take is replayed; [`ActorBytes`]: with which component.
//! - [`Programs`], [`RerunSlots`]: what the takes of a suite share.
//! - [`Perturbation`]: what a replay can change that a deterministic actor cannot observe.
//!
//! The original component runs on a linker that is made from its import types: no real host function is
//! linked. The verifier says what a difference is, and how verdicts combine.

#![forbid(unsafe_code)]

mod actor_bytes;
mod actor_rerun;
mod chain_reruns;
mod clocks;
mod earliest;
mod error;
mod options;
mod perturbation;
mod program;
mod programs;
mod replay;
mod report;
mod rerun_slots;
mod segments;
mod stack;
mod stand_in;
mod time_bound;
mod window;

pub use actor_bytes::ActorBytes;
pub use error::{PathTried, ReplayError};
pub use options::ReplayOptions;
pub use perturbation::Perturbation;
pub use programs::Programs;
pub use replay::{replay, replay_with};
pub use rerun_slots::{RerunSlot, RerunSlots};
pub use time_bound::{TimeBound, TimedOut, Timeouts};

// Types of others in the signatures above.
pub use retake_actor::profile::Tuning;
pub use retake_actor::{Actor, CodeCache, GuestPlace, LoadError, MemoryUse, Shortage};
pub use retake_chain::{ActorSource, ContentRef, EngineProfile, TheaterId};
pub use retake_verifier::{Divergence, DivergenceKind, ReplayReport, Verdict, VerifyError};
