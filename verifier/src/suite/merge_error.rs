//! Owns the reasons why reports cannot be merged.

use std::fmt;

use retake_chain::ContentRef;
use thiserror::Error;

use super::event::REPORT_VERSION;

/// Why reports cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum MergeError {
    /// There are no reports.
    #[error("there are no reports to merge")]
    NoReport,
    /// A report does not start as one.
    #[error("`{report}` does not start with `suite-started`, so it is not a report of a suite")]
    NotAReport { report: String },
    /// A report has a different version.
    #[error("cannot read `{report}`: expected version {REPORT_VERSION}, found version {version}")]
    Version { report: String, version: u32 },
    /// A report ends before its run did.
    #[error("`{report}` is cut off: it does not end with `suite-finished`, so its run did not finish")]
    CutOff { report: String },
    /// The end of a report contradicts its takes.
    #[error("`{report}` does not add up: {reason}")]
    DoesNotAddUp { report: String, reason: String },
    /// Two reports are of different suites.
    #[error("`{report}` and `{first}` are of different takes, so they are not parts of one suite")]
    DifferentSuites { report: String, first: String },
    /// Two reports divide the suite in different ways.
    #[error("`{report}` ran {partition}, but `{first}` ran {other}: they divide the suite in different ways")]
    DifferentPartitions { report: String, partition: String, first: String, other: String },
    /// Two reports are of the same part.
    #[error("`{report}` and `{first}` both ran {partition}")]
    DuplicatePart { report: String, first: String, partition: String },
    /// Parts are missing.
    #[error("there is no report of {missing}, so the suite was not run completely")]
    Missing { missing: String },
    /// Two reports were made with different settings.
    #[error(
        "`{report}` was run with {what} {found}, but `{first}` with {expected}; run all parts of a suite with the same settings"
    )]
    DifferentSettings { report: String, first: String, what: &'static str, found: String, expected: String },
    /// Two takes were replayed with different components at the same path.
    #[error("`{path}` was {found}, but {expected}: the parts ran different builds")]
    DifferentBuilds { path: String, found: Box<BuildSeen>, expected: Box<BuildSeen> },
    /// The takes do not have the settings of the suite.
    #[error(
        "the settings of the takes in the reports differ from those of the suite: expected digest {expected}, found {found}"
    )]
    NotTheSettings { found: ContentRef, expected: ContentRef },
    /// The reports do not have the takes of the suite.
    #[error("the reports do not cover the suite: expected its {expected} takes, found {found} takes")]
    NotTheSuite { found: u64, expected: u64 },
}

/// A build, and the report that says that it was replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildSeen {
    /// SHA-256 of the component.
    pub digest: ContentRef,
    /// The take that was replayed with it.
    pub take: String,
    /// The report.
    pub report: String,
}

impl fmt::Display for BuildSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA-256 {} for `{}` in `{}`", self.digest, self.take, self.report)
    }
}
