//! Owns the options that say how the run of a suite is reported.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

/// How a suite is reported.
#[derive(Debug, Args)]
pub struct ReportOptions {
    /// Print one JSON object per event of the run, for `merge` and other machines.
    #[arg(long)]
    pub json: bool,
    /// Write what `--json` prints to a file, for `merge`.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write a JUnit report too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Annotate failures for a CI system; without it, for the one that this runs in.
    #[arg(long, value_name = "SYSTEM")]
    pub annotate: Option<Annotate>,
}

impl ReportOptions {
    /// The files that are written, each with its option.
    pub fn outputs(&self) -> Vec<(&'static str, &Path)> {
        let report = self.report.iter().map(|path| ("--report", &**path));
        report.chain(self.junit.iter().map(|path| ("--junit", &**path))).collect()
    }
}

/// An `--annotate` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Annotate {
    /// Workflow commands of GitHub Actions.
    Github,
    /// None.
    None,
}
