//! Owns what is configured for a take and for a run, and which build a take was replayed with: what two reports must have in common to be
//! parts of one suite.

use std::fmt;

use retake_chain::{ContentRef, to_canonical_vec};
use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;
use crate::verdict::ReplayReport;

use super::event::TakeStatus;
use super::expectation::{Expectation, Judgement};

/// What is configured for one take, on the command line or in files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeSettings {
    /// Path of the build to re-run, as it is configured; without one it is the recorded build.
    pub actor: Option<String>,
    /// How the replay should come out.
    pub expect: Expectation,
    /// Fuel of a call, for a take that was recorded without a bound.
    pub fuel: Option<u64>,
    /// Whether a run of the recorded build is a failure.
    pub require_build: bool,
    /// For the selection of takes, and for readers of reports.
    pub labels: Vec<String>,
}

/// What is configured for a whole suite, its takes in other partitions included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteSettings {
    /// The version of Retake.
    pub retake: String,
    /// The engine and its version.
    pub engine: String,
    /// The build that the command line names for all takes.
    pub actor: Option<String>,
    /// The fuel that the command line gives to takes without another.
    pub fuel: Option<u64>,
    /// Whether the command line requires a build for all takes.
    pub require_build: bool,
    /// SHA-256 over the names and settings of all takes of the suite.
    pub digest: ContentRef,
}

/// Which component was replayed for a take.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Build {
    /// Who says which.
    pub source: BuildSource,
    /// Its path, as it is configured.
    pub path: Option<String>,
    /// SHA-256 of the component; `None` if it was not read.
    pub digest: Option<ContentRef>,
}

/// Who says which component is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildSource {
    /// The settings: today's build, whether or not it is the recorded one.
    Configured,
    /// The take.
    Recorded,
}

impl TakeSettings {
    /// Judges a replay. One with the recorded build answers nothing where today's is required, unless it failed in a graver way.
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
            _ => judgement,
        }
    }

    /// Where the build of a take with these settings comes from.
    pub fn source(&self) -> BuildSource {
        match self.actor {
            Some(_) => BuildSource::Configured,
            None => BuildSource::Recorded,
        }
    }

    /// The digest over the settings of all takes of a suite, by their names and in whatever order.
    pub fn digest_of<'a>(takes: impl IntoIterator<Item = (&'a str, &'a TakeSettings)>) -> ContentRef {
        let mut takes: Vec<_> = takes.into_iter().collect();
        takes.sort_unstable_by_key(|(name, _)| *name);
        ContentRef::of(&to_canonical_vec(&takes).expect("plain fields always encode"))
    }
}

impl Build {
    /// Whether the recorded build was replayed: then nothing is said about today's.
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
