//! Owns the options of the commands that have to do with suites of takes.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use retake_verifier::suite::Partition;

use super::{CacheOptions, TimeoutOptions};
use crate::suite::Filter;

#[derive(Debug, Args)]
pub struct TestOptions {
    /// Takes, and folders that are searched for `.take` files to their end.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Re-run this component for every take, instead of what `retake.toml` names or what was recorded.
    #[arg(long, value_name = "FILE")]
    pub actor: Option<PathBuf>,
    /// Only takes with this text in their names, or that match `/REGEX/`. Of several, one is enough.
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<Filter>,
    /// Only takes that `retake.toml` gives this label. Of several, one is enough.
    #[arg(long, value_name = "LABEL")]
    pub label: Vec<String>,
    /// Only one part of the takes: `slice:M/N` deals them out in order, `hash:M/N` by their names.
    #[arg(long, value_name = "PART")]
    pub partition: Option<Partition>,
    /// Show the takes that would be run, and run none.
    #[arg(long)]
    pub list: bool,
    /// How many takes, and independent calls of long takes, are replayed at once; without it as many as there are cores.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,
    /// Fail each take that no `--actor` and no `retake.toml` names a build for: its replay says nothing about today's build.
    #[arg(long)]
    pub require_build: bool,
    /// Begin no take after one has failed.
    #[arg(long)]
    pub fail_fast: bool,
    /// End a call that uses up this much fuel, in takes that were recorded without a bound and have none in `retake.toml`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub fuel: Option<u64>,
    #[command(flatten)]
    pub timeouts: TimeoutOptions,
    #[command(flatten)]
    pub report: ReportOptions,
    #[command(flatten)]
    pub cache: CacheOptions,
}

#[derive(Debug, Args)]
pub struct MergeOptions {
    /// What `retake test` wrote with `--report`, or printed with `--json`: each partition once.
    #[arg(required = true, value_name = "REPORT")]
    pub reports: Vec<PathBuf>,
    #[command(flatten)]
    pub report: ReportOptions,
}

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
