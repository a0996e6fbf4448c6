//! Owns the expected result of a replay, and whether a replay meets it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;
use crate::verdict::{ReplayReport, Verdict};

use super::status::TakeStatus;

/// An event, by its place in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainPosition {
    /// Number of the chain in the take.
    pub chain: u32,
    /// Index of the event in the chain, from 0.
    #[serde(rename = "event")]
    pub index: u64,
}

/// The expected result of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// Every event equals the recorded one.
    #[default]
    Identical,
    /// The first difference is at this event.
    Diverge(ChainPosition),
}

/// The result of a replay, measured by its expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The status of the take.
    pub status: TakeStatus,
    /// The exit code of a run with this take alone.
    pub exit: ExitCode,
    /// Why the replay does not meet the expectation, if the report does not say it.
    pub reason: Option<String>,
}

impl fmt::Display for ChainPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "index {} of chain {}", self.index, self.chain)
    }
}

impl Expectation {
    /// Judges a replay. A damaged take does not pass, whatever is expected.
    pub fn judge(self, report: &ReplayReport) -> Judgement {
        let exit = report.exit_code();
        let Expectation::Diverge(expected) = self else {
            return Judgement { status: TakeStatus::of(exit), exit, reason: None };
        };
        let unexpected = |reason| Judgement {
            status: TakeStatus::Unexpected,
            exit: ExitCode::Diverged,
            reason: Some(reason),
        };
        match (exit, &report.verdict) {
            (ExitCode::Identical, _) => {
                unexpected(format!("expected a divergence at {expected}, but the replay is identical"))
            }
            (ExitCode::Diverged, Verdict::Diverged(divergence)) => {
                let found = ChainPosition { chain: divergence.chain_number, index: divergence.event_index };
                if found == expected {
                    let passed = ExitCode::Identical;
                    return Judgement { status: TakeStatus::Passed, exit: passed, reason: None };
                }
                unexpected(format!("expected a divergence at {expected}, but the replay diverged at {found}"))
            }
            (
                ExitCode::Diverged,
                Verdict::Identical | Verdict::Unfinished { .. } | Verdict::NothingToCheck,
            )
            | (ExitCode::Usage | ExitCode::Damaged | ExitCode::Unchecked | ExitCode::Nothing, _) => {
                Judgement { status: TakeStatus::of(exit), exit, reason: None }
            }
        }
    }
}
