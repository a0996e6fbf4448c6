//! Owns what a run of a suite reports, event by event: the stream that every printer takes, that `--json` writes, and that `merge`
//! reads. docs/suite.md describes it for readers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exit::{ExitCode, combine};
use crate::verdict::ReplayReport;

use super::identity::{SuiteId, TakeId};
use super::partition::Partition;
use super::settings::{Build, SuiteSettings, TakeSettings};

/// The version of the stream; a reader takes its own and no other.
pub const REPORT_VERSION: u32 = 2;

/// What happens in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum SuiteEvent {
    /// The first event.
    SuiteStarted(SuiteStarted),
    /// A take is being replayed.
    TakeStarted {
        /// Its name.
        name: String,
    },
    /// A take was replayed, or could not be.
    TakeFinished(Box<TakeFinished>),
    /// A take was left out, since another had failed before (`--fail-fast`).
    TakeNotRun(TakeNotRun),
    /// The last event.
    SuiteFinished(SuiteFinished),
}

/// The begin of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteStarted {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Takes of the part that is run.
    pub takes: u64,
    /// The whole suite.
    pub suite: SuiteId,
    /// Which part is run, of several.
    pub partition: Option<Partition>,
    /// What is configured for the whole suite.
    pub settings: SuiteSettings,
}

/// A take that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeNotRun {
    /// Its name.
    pub name: String,
    /// What it is.
    pub id: TakeId,
    /// What is configured for it.
    pub settings: TakeSettings,
}

/// How a take came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeFinished {
    /// Its name: the path by which it was found.
    pub name: String,
    /// What it is.
    pub id: TakeId,
    /// In one word.
    pub status: TakeStatus,
    /// The exit code of a run with this take alone.
    pub exit: ExitCode,
    /// What is configured for it.
    pub settings: TakeSettings,
    /// Which component was replayed.
    pub build: Build,
    /// Export calls of which at least the end or one host call was compared.
    pub calls: u64,
    /// Calls that were given up when they were recorded.
    pub given_up: u64,
    /// Of those, how many were given up before the host had answered anything, so that nothing of them was checked.
    pub unchecked_calls: u64,
    /// Events that were checked.
    pub events: u64,
    /// How long it took.
    pub seconds: f64,
    /// Why it failed, in one line.
    pub reason: Option<String>,
    /// Why it failed, in full.
    pub text: Option<String>,
    /// What `retake replay --json` says of it; readers of a report do without.
    #[serde(skip_deserializing)]
    pub report: Option<ReplayReport>,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuiteFinished {
    /// The exit code.
    pub exit: ExitCode,
    /// How many takes came out how.
    pub totals: Totals,
    /// Calls of which nothing was checked, as they had been given up before the host had answered anything.
    pub unchecked_calls: u64,
    /// How long it took.
    pub seconds: f64,
}

/// How a take came out, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TakeStatus {
    /// As expected.
    Passed,
    /// The actor did something that the take does not say.
    Diverged,
    /// It was to diverge, and did not, or elsewhere.
    Unexpected,
    /// The take is torn, unsealed, damaged, altered or repaired.
    Damaged,
    /// It could not be checked.
    Unchecked,
    /// Nothing failed, but the recorded build was replayed where another is required.
    NoBuild,
    /// Nothing was checked: it has no call, or each was given up before the host had answered anything.
    Nothing,
}

/// How many takes came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// [`TakeStatus::Passed`].
    pub passed: u64,
    /// [`TakeStatus::Diverged`].
    pub diverged: u64,
    /// [`TakeStatus::Unexpected`].
    pub unexpected: u64,
    /// [`TakeStatus::Damaged`].
    pub damaged: u64,
    /// [`TakeStatus::Unchecked`].
    pub unchecked: u64,
    /// [`TakeStatus::NoBuild`].
    pub no_build: u64,
    /// [`TakeStatus::Nothing`].
    pub nothing: u64,
    /// Left out, since another had failed.
    pub not_run: u64,
    /// Of those that were run, how many were replayed with the recorded build.
    pub recorded_build: u64,
}

impl TakeStatus {
    /// What an exit code stands for, where no divergence is expected.
    pub fn of(exit: ExitCode) -> TakeStatus {
        match exit {
            ExitCode::Identical => TakeStatus::Passed,
            ExitCode::Diverged => TakeStatus::Diverged,
            ExitCode::Damaged => TakeStatus::Damaged,
            ExitCode::Usage | ExitCode::Unchecked => TakeStatus::Unchecked,
            ExitCode::Nothing => TakeStatus::Nothing,
        }
    }
}

impl fmt::Display for TakeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TakeStatus::Passed => "PASS",
            TakeStatus::Diverged => "DIVERGED",
            TakeStatus::Unexpected => "UNEXPECTED",
            TakeStatus::Damaged => "DAMAGED",
            TakeStatus::Unchecked => "UNCHECKED",
            TakeStatus::NoBuild => "NO BUILD",
            TakeStatus::Nothing => "NOTHING",
        })
    }
}

impl Totals {
    /// Counts one more take.
    pub fn count(&mut self, status: TakeStatus) {
        *match status {
            TakeStatus::Passed => &mut self.passed,
            TakeStatus::Diverged => &mut self.diverged,
            TakeStatus::Unexpected => &mut self.unexpected,
            TakeStatus::Damaged => &mut self.damaged,
            TakeStatus::Unchecked => &mut self.unchecked,
            TakeStatus::NoBuild => &mut self.no_build,
            TakeStatus::Nothing => &mut self.nothing,
        } += 1;
    }

    /// Takes that were run.
    pub fn run(&self) -> u64 {
        self.passed + self.failed()
    }

    /// Takes that were run and did not pass.
    pub fn failed(&self) -> u64 {
        self.diverged + self.unexpected + self.damaged + self.unchecked + self.no_build + self.nothing
    }
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
            // What was left out was not checked.
            ExitCode::Identical if not_run > 0 => ExitCode::Unchecked,
            exit => exit,
        };
        SuiteFinished { exit, totals, unchecked_calls, seconds }
    }
}
