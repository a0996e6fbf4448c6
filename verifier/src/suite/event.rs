//! Owns the events that a run of a suite reports. Every printer takes this stream, the JSON report is this
//! stream, and merging reads it. `docs/suite.md` describes it for readers.

use serde::{Deserialize, Serialize};

use crate::exit::{ExitCode, combine};
use crate::verdict::ReplayReport;

use super::identity::{SuiteId, TakeId};
use super::partition::Partition;
use super::settings::{Build, SuiteSettings, TakeSettings};
use super::status::{TakeStatus, Totals};

/// The version of the stream. A reader accepts this version alone.
pub const REPORT_VERSION: u32 = 2;

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum SuiteEvent {
    /// The first event.
    SuiteStarted(SuiteStarted),
    /// The replay of a take starts.
    TakeStarted {
        /// Its name.
        name: String,
    },
    /// The replay of a take ended, or was not possible.
    TakeFinished(Box<TakeFinished>),
    /// A take was left out because an earlier one had failed.
    TakeNotRun(TakeNotRun),
    /// The last event.
    SuiteFinished(SuiteFinished),
}

/// The start of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteStarted {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Number of takes in the part that is run.
    pub takes: u64,
    /// The whole suite.
    pub suite: SuiteId,
    /// The part that is run, if the suite is divided.
    pub partition: Option<Partition>,
    /// The settings of the whole suite.
    pub settings: SuiteSettings,
}

/// A take that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeNotRun {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: TakeId,
    /// Its settings.
    pub settings: TakeSettings,
}

/// The result of a take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeFinished {
    /// Its name: the path by which it was found.
    pub name: String,
    /// Its id.
    pub id: TakeId,
    /// The result in one word.
    pub status: TakeStatus,
    /// The exit code of a run with this take alone.
    pub exit: ExitCode,
    /// Its settings.
    pub settings: TakeSettings,
    /// The component that was replayed.
    pub build: Build,
    /// Number of export calls of which at least the end or one host call was compared.
    pub calls: u64,
    /// Number of calls that were given up when they were recorded.
    pub given_up: u64,
    /// Number of these calls that were given up before the first answer of the host, so nothing of them was
    /// checked.
    pub unchecked_calls: u64,
    /// Number of events that were checked.
    pub events: u64,
    /// How long the replay took.
    pub seconds: f64,
    /// Why it failed, in one line.
    pub reason: Option<String>,
    /// Why it failed, in full.
    pub text: Option<String>,
    /// The report of the replay. Readers of a suite report do without it.
    #[serde(skip_deserializing)]
    pub report: Option<ReplayReport>,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuiteFinished {
    /// The exit code.
    pub exit: ExitCode,
    /// The number of takes with each status.
    pub totals: Totals,
    /// Number of calls of which nothing was checked, because they were given up before the first answer of
    /// the host.
    pub unchecked_calls: u64,
    /// How long the run took.
    pub seconds: f64,
}

impl SuiteFinished {
    /// The end of a run of these takes.
    pub fn of<'a>(
        finished: impl IntoIterator<Item = &'a TakeFinished>,
        not_run: u64,
        seconds: f64,
    ) -> SuiteFinished {
        let mut totals = Totals { not_run, ..Totals::default() };
        let mut unchecked_calls = 0u64;
        let exits = finished.into_iter().map(|take| {
            totals.count(take.status);
            unchecked_calls = unchecked_calls.saturating_add(take.unchecked_calls);
            totals.recorded_build += u64::from(take.build.ran_recorded());
            take.exit
        });
        let exit = match combine(exits) {
            // Takes that were left out were not checked.
            ExitCode::Identical if not_run > 0 => ExitCode::Unchecked,
            exit => exit,
        };
        SuiteFinished { exit, totals, unchecked_calls, seconds }
    }
}
