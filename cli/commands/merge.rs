//! `retake merge`: merges the `--json` reports of the partitions of a suite. The exit code is that of one run
//! of all takes.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use retake_verifier::suite::{PartReport, SuiteEvent, merge};
use retake_verifier::{ExitCode, combine};

use crate::input::{self, InputError};
use crate::options::ReportOptions;
use crate::printer;
use crate::printer::suite::{Printers, refuse_as_outputs, refused};

/// Merge the reports of a suite that was divided with `--partition` into one verdict.
#[derive(Debug, Args)]
pub struct Options {
    /// The reports of `retake test`, from `--report` or `--json`: one per partition.
    #[arg(required = true, value_name = "REPORT")]
    pub reports: Vec<PathBuf>,
    #[command(flatten)]
    pub report: ReportOptions,
}

pub fn run(options: Options) -> ExitCode {
    let printer = printer::of(options.report.form.form());
    let inputs = options.reports.iter().map(|report| ("the report", &**report));
    if let Err(message) = refuse_as_outputs(&options.report, inputs) {
        return refused(printer, ExitCode::Usage, &message);
    }
    let events = match merged(&options) {
        Ok(events) => events,
        Err(message) => return refused(printer, ExitCode::Unchecked, &message),
    };
    let mut printers = Printers::of(printer, &options.report);
    events.iter().for_each(|event| printers.hear(event));
    let exit = events.iter().find_map(|event| match event {
        SuiteEvent::SuiteFinished(end) => Some(end.exit),
        _ => None,
    });
    combine([exit.unwrap_or(ExitCode::Nothing), printers.end()])
}

fn merged(options: &Options) -> Result<Vec<SuiteEvent>, String> {
    let parts: Result<Vec<PartReport>, String> = options.reports.iter().map(|path| read(path)).collect();
    merge(parts?).map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<PartReport, String> {
    let name = path.display().to_string();
    let unreadable = |error: &dyn std::fmt::Display| format!("`{name}` cannot be read: {error}");
    let file = input::open(path).map_err(|error| unreadable(&error))?;
    // All events of a report are held in memory.
    let size = file.metadata().map_err(|error| unreadable(&error))?.len();
    if size > input::REPORT {
        return Err(unreadable(&InputError::TooLarge {
            found: format!("{size} bytes"),
            limit: input::REPORT,
        }));
    }
    let mut lines = BufReader::new(file.take(input::REPORT));
    let mut events = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        lines.read_until(b'\n', &mut line).map_err(|error| unreadable(&error))?;
        if line.is_empty() {
            break;
        }
        let number = events.len() + 1;
        let event = serde_json::from_slice(&line)
            .map_err(|error| format!("`{name}` is not a report: line {number}: {error}"))?;
        events.push(event);
    }
    PartReport::new(&name, events).map_err(|error| error.to_string())
}
