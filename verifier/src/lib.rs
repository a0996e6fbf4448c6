//! The checks of Retake, as a library without an engine: an auditor builds this and `retake-chain` alone.
//!
//! - [`verify`] and [`IntegrityChecker`]: whether a take is whole and unaltered as far as its hashes tell;
//! - [`compare`]: whether an event of a re-run is the recorded one, and if not, in what they differ;
//! - [`Divergence`], [`Verdict`] and [`ReplayReport`]: the answers, as data; printing them is someone else's;
//! - [`RepairPlan`]: what can be saved of a take that is not whole;
//! - [`suite`]: takes as a test suite, and what a run of one reports;
//! - [`exit`]: the exit codes that the answers end with.

#![forbid(unsafe_code)]

mod checker;
mod divergence;
pub mod exit;
mod fault;
mod integrity;
mod integrity_error;
mod lookers;
mod messages;
mod observation;
mod repair;
mod report;
pub mod suite;
mod track;
mod verdict;
mod verify;

#[cfg(test)]
mod tests;

pub use checker::{compare, compare_host_call, take_recorded_words};
pub use divergence::{Described, Divergence, DivergenceKind, ExportCall};
pub use exit::{ExitCode, combine};
pub use fault::Fault;
pub use integrity::{Alone, IntegrityChecker, check_hash};
pub use integrity_error::{IntegrityError, IntegrityFault, Place};
pub use messages::MessageFault;
pub use observation::ObservationFault;
pub use repair::{RepairError, RepairPlan};
pub use report::{ChainReport, Report};
pub use track::same_track;
pub use verdict::{RenamedInterface, ReplayReport, ReplayedChain, Verdict};
pub use verify::{Checked, VerifyError, VerifyFault, verify, verify_each};
