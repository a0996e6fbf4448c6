//! `retake test`: replays a suite of takes. Its exit code is that of the most serious result.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use clap::Args;
use retake_verifier::suite::Partition;
use retake_verifier::{ExitCode, combine};

use crate::cache::Cache;
use crate::console::fail;
use crate::options::{CacheOptions, ReportOptions, TimeoutOptions};
use crate::printer::suite::{Printers, refuse_as_outputs, refused};
use crate::printer::{self, ListedTake, Printer};
use crate::suite::{self, Filter, RunLimits, Suite, SuiteTake};
use crate::words::count;

/// Replay all takes in files and folders in parallel, and report the failures.
#[derive(Debug, Args)]
pub struct Options {
    /// Takes, and folders to search for `.take` files. Subfolders are searched too.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Re-run this component for every take, instead of the build in `retake.toml` or the recorded one.
    #[arg(long, value_name = "FILE")]
    pub actor: Option<PathBuf>,
    /// Run only takes whose name contains TEXT, or matches REGEX in `/REGEX/`. May be repeated: one match is
    /// enough.
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<Filter>,
    /// Run only takes that have this label in `retake.toml`. May be repeated: one match is enough.
    #[arg(long, value_name = "LABEL")]
    pub label: Vec<String>,
    /// Run only part M of N. `slice:M/N` runs every Nth take, starting with the Mth; `hash:M/N` chooses by a
    /// hash of the name.
    #[arg(long, value_name = "PART")]
    pub partition: Option<Partition>,
    /// List the takes that would run, and run none.
    #[arg(long)]
    pub list: bool,
    /// Replay N takes in parallel, or independent calls of a long take. The default is the number of cores.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,
    /// Fail a take if neither `--actor` nor `retake.toml` names a build for it: its replay does not check
    /// today's build.
    #[arg(long)]
    pub require_build: bool,
    /// Start no more takes after a failure.
    #[arg(long)]
    pub fail_fast: bool,
    /// End a call that used N units of fuel, if the take was recorded without a fuel limit and `retake.toml`
    /// sets none.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub fuel: Option<u64>,
    #[command(flatten)]
    pub timeouts: TimeoutOptions,
    #[command(flatten)]
    pub report: ReportOptions,
    #[command(flatten)]
    pub cache: CacheOptions,
}

pub fn run(options: Options) -> ExitCode {
    let printer = printer::of(options.report.form.form());
    let suite = match Suite::load(options.request()) {
        Ok(suite) => suite,
        Err(error) => return refused(printer, error.exit_code(), &error),
    };
    if options.list {
        return list(printer, &suite);
    }
    let inputs = suite.inputs();
    let inputs = inputs.iter().map(|(what, path)| (*what, &**path));
    if let Err(message) = refuse_as_outputs(&options.report, inputs) {
        return refused(printer, ExitCode::Usage, &message);
    }
    let limits =
        RunLimits { jobs: options.jobs.map_or_else(cores, NonZero::get), fail_fast: options.fail_fast };
    let cache = Cache::open(&options.cache);
    let mut printers = Printers::of(printer, &options.report);
    let end = suite::run(&suite, &limits, cache.code(), |event| printers.hear(event));
    cache.report();
    if let (true, Some(partition)) = (suite.takes.is_empty(), suite.started.partition) {
        let of = count(suite.started.suite.takes, "take");
        let message = format!("partition {partition} has none of the suite's takes ({of}); use fewer");
        fail(ExitCode::Nothing, message);
    }
    combine([end.exit, printers.end()])
}

impl Options {
    fn request(&self) -> suite::Request<'_> {
        suite::Request {
            paths: &self.paths,
            filters: &self.filter,
            labels: &self.label,
            partition: self.partition,
            actor: self.actor.as_deref(),
            fuel: self.fuel,
            require_build: self.require_build,
            timeouts: self.timeouts.into(),
        }
    }
}

/// Prints the takes that would be run, and names those that cannot be opened.
fn list(printer: &dyn Printer, suite: &Suite) -> ExitCode {
    for SuiteTake { name, settings, .. } in &suite.takes {
        printer.listed(&ListedTake { name, settings });
    }
    let mut exit = ExitCode::Identical;
    for SuiteTake { name, unreadable, .. } in &suite.takes {
        if let Some(why) = unreadable {
            exit = fail(ExitCode::Unchecked, format!("`{name}`: the take cannot be opened: {why}"));
        }
    }
    exit
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
