//! The checks of Retake, as a library without an engine. An auditor builds only this crate and
//! `retake-chain`.
//!
//! - [`verify`] and [`IntegrityChecker`] check that a take is complete and unaltered, as far as its hashes
//!   can show.
//! - [`compare`] compares an event of a re-run with the recorded event and names the difference.
//! - [`Divergence`], [`Verdict`] and [`ReplayReport`] are the results, as data. The caller prints them.
//! - [`FaultKind`] is the table of everything that can be wrong with a take.
//! - [`RepairPlan`] is the part of a damaged take that can be kept.
//! - [`suite`] has takes as a test suite, and the events that a run reports.
//! - [`exit`] has the exit codes.

#![forbid(unsafe_code)]

mod compare;
mod divergence;
mod embedded;
mod event_description;
pub mod exit;
mod fault;
mod integrity;
mod integrity_error;
mod message_fault;
mod messages;
mod observation;
mod parallel_check;
mod record_check;
mod repair;
mod report;
pub mod suite;
mod track;
mod verdict;
mod verify;

#[cfg(test)]
mod tests;

pub use compare::{adopt_recorded_message, compare, compare_host_call};
pub use divergence::{CalledExport, Divergence, DivergenceKind};
pub use event_description::EventDescription;
pub use exit::{ExitCode, combine};
pub use fault::FaultKind;
pub use integrity::IntegrityChecker;
pub use integrity_error::{EventFault, EventLocation, IntegrityError};
pub use message_fault::MessageFault;
pub use observation::ObservationFault;
pub use record_check::RecordCheck;
pub use repair::{RepairError, RepairPlan};
pub use report::{ChainReport, Report};
pub use track::same_track;
pub use verdict::{RenamedInterface, ReplayReport, RerunChain, Verdict};
pub use verify::{Checked, VerifyError, VerifyFault, verify, verify_each};
