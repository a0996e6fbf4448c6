//! Owns the statuses that a take can have after a run, and the count of each.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;

/// The result of a take, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TakeStatus {
    /// The replay came out as expected.
    Passed,
    /// The re-run differs from the take.
    Diverged,
    /// A divergence was expected at one event, but the replay did not diverge there.
    Unexpected,
    /// The take is torn, unsealed, damaged, altered or repaired.
    Damaged,
    /// The take could not be checked.
    Unchecked,
    /// Nothing failed, but the recorded build was replayed although the settings require another.
    NoBuild,
    /// Nothing was checked: the take has no call, or each call was given up before the first answer of the
    /// host.
    Nothing,
}

/// The number of takes with each status.
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
    /// Takes that were left out because another had failed.
    pub not_run: u64,
    /// Takes that were replayed with the recorded build.
    pub recorded_build: u64,
}

impl TakeStatus {
    /// The status for an exit code, where no divergence is expected.
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
    /// Counts a take.
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

    /// Number of takes that were run.
    pub fn run(&self) -> u64 {
        self.passed + self.failed()
    }

    /// Number of takes that were run and did not pass.
    pub fn failed(&self) -> u64 {
        self.diverged + self.unexpected + self.damaged + self.unchecked + self.no_build + self.nothing
    }
}
