//! Owns the settings of a take and of a run, and the build that a take was replayed with. Two reports are
//! parts of one suite only if they agree in these.

use std::fmt;

use retake_chain::{ContentRef, to_canonical_vec};
use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;
use crate::verdict::ReplayReport;

use super::expectation::{Expectation, Judgement};
use super::status::TakeStatus;

/// The settings of one take, from the command line or from files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeSettings {
    /// Path of the build to replay, as configured. Without it the recorded build is replayed.
    pub actor: Option<String>,
    /// The expected result of the replay.
    pub expect: Expectation,
    /// Fuel of each call, for a take that was recorded without a limit.
    pub fuel: Option<u64>,
    /// Whether a replay of the recorded build is a failure.
    pub require_build: bool,
    /// Labels by which takes are selected.
    pub labels: Vec<String>,
}

/// The settings of a whole suite, including its takes in other parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteSettings {
    /// The version of Retake.
    pub retake: String,
    /// The engine and its version.
    pub engine: String,
    /// The build for all takes, from the command line.
    pub actor: Option<String>,
    /// The fuel for takes without their own, from the command line.
    pub fuel: Option<u64>,
    /// Whether all takes require a build, from the command line.
    pub require_build: bool,
    /// SHA-256 over the names and settings of all takes of the suite.
    pub digest: ContentRef,
}

/// The component that was replayed for a take.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Build {
    /// Where it comes from.
    pub source: BuildSource,
    /// Its path, as configured.
    pub path: Option<String>,
    /// SHA-256 of the component; `None` if it was not read.
    pub digest: Option<ContentRef>,
}

/// Where the replayed component comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildSource {
    /// The settings name it. It may be the recorded build.
    Configured,
    /// It is embedded in the take, or the take names it.
    Recorded,
}

impl TakeSettings {
    /// Judges a replay. A replay of the recorded build does not pass where the settings require another,
    /// unless it failed already.
    pub fn judge(&self, report: &ReplayReport) -> Judgement {
        let judgement = self.expect.judge(report);
        match judgement.status {
            TakeStatus::Passed | TakeStatus::Nothing if self.require_build && self.actor.is_none() => Judgement {
                status: TakeStatus::NoBuild,
                exit: ExitCode::Unchecked,
                reason: Some(
                    "the recorded build was replayed, but `require-build` asks for another; name it with `actor` in `retake.toml`".into(),
                ),
            },
            TakeStatus::Passed
            | TakeStatus::Diverged
            | TakeStatus::Unexpected
            | TakeStatus::Damaged
            | TakeStatus::Unchecked
            | TakeStatus::NoBuild
            | TakeStatus::Nothing => judgement,
        }
    }

    /// Where the build for these settings comes from.
    pub fn source(&self) -> BuildSource {
        match self.actor {
            Some(_) => BuildSource::Configured,
            None => BuildSource::Recorded,
        }
    }

    /// The digest over the names and settings of all takes of a suite, in any order.
    pub fn digest_of<'a>(takes: impl IntoIterator<Item = (&'a str, &'a TakeSettings)>) -> ContentRef {
        let mut takes: Vec<_> = takes.into_iter().collect();
        takes.sort_unstable_by_key(|(name, _)| *name);
        ContentRef::of(&to_canonical_vec(&takes).expect("plain fields always encode"))
    }
}

impl Build {
    /// Whether the recorded build was replayed, so the result says nothing about a newer build.
    pub fn ran_recorded(&self) -> bool {
        self.source == BuildSource::Recorded && self.digest.is_some()
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.source, &self.path) {
            (BuildSource::Configured, Some(path)) => write!(f, "build `{path}`")?,
            (BuildSource::Configured, None) => f.write_str("a build without a path")?,
            (BuildSource::Recorded, _) => f.write_str("recorded build")?,
        }
        match self.digest {
            Some(digest) => write!(f, " sha256:{}", digest.short()),
            None => f.write_str(" (not read)"),
        }
    }
}
