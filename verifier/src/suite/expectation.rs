//! Owns what is expected of a take, and whether its replay came out so.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;
use crate::verdict::{ReplayReport, Verdict};

use super::event::TakeStatus;

/// An event in a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// Number of the chain in the take.
    pub chain: u32,
    /// Index of the event in the chain, from 0.
    pub event: u64,
}

/// How the replay of a take should come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// Every event is the recorded one.
    #[default]
    Identical,
    /// The build differs first at this event, and nowhere else.
    Diverge(Spot),
}

/// What a replay is worth, given what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it is as expected, and if not, in what way.
    pub status: TakeStatus,
    /// What the exit code of a run with this take alone is.
    pub exit: ExitCode,
    /// Why it is not as expected, where the report alone does not say.
    pub reason: Option<String>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} of chain {}", self.event, self.chain)
    }
}

impl Expectation {
    /// Judges a replay. A take that is not whole is no success, whatever is expected.
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
                unexpected(format!("it was to diverge at {expected}, and is identical"))
            }
            (ExitCode::Diverged, Verdict::Diverged(divergence)) => {
                let found = Spot { chain: divergence.chain_number, event: divergence.event_index };
                if found == expected {
                    let passed = ExitCode::Identical;
                    return Judgement { status: TakeStatus::Passed, exit: passed, reason: None };
                }
                unexpected(format!("it was to diverge at {expected}, and diverges at {found}"))
            }
            _ => Judgement { status: TakeStatus::of(exit), exit, reason: None },
        }
    }
}
