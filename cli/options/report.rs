//! Owns the options for the report of a suite.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

/// How a suite is reported.
#[derive(Debug, Args)]
pub struct ReportOptions {
    /// Print one JSON object per event of the run. `merge` and other programs read them.
    #[arg(long)]
    pub json: bool,
    /// Write the output of `--json` to FILE, for `merge`.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write a JUnit report to FILE.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Annotate failures for this CI system. The default is the one that this process runs in.
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
    /// No annotations.
    None,
}
