//! Owns the choice of printers for a suite, from the options and from the CI system that this process runs
//! in.

use std::env;
use std::path::{Path, PathBuf};

use retake_verifier::ExitCode;
use retake_verifier::suite::SuiteEvent;

use super::{github, json, junit, markdown};
use crate::console::fail;
use crate::options::{Annotate, ReportOptions};
use crate::output::refuse_inputs;
use crate::printer::form::{Printer, SuitePrinter};

/// The variable that names the file for a summary.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// All printers that were asked for.
pub struct Printers(Vec<Box<dyn SuitePrinter>>);

impl Printers {
    /// Those of the options, and of the CI system that this runs in.
    pub fn of(form: &dyn Printer, options: &ReportOptions) -> Printers {
        let mut printers = vec![form.suite()];
        if let Some(path) = &options.report {
            printers.push(Box::new(json::JsonFile::create(path)));
        }
        if let Some(path) = &options.junit {
            printers.push(Box::new(junit::JunitPrinter::new(path.clone())));
        }
        let annotates = match options.annotate {
            Some(annotate) => annotate == Annotate::Github,
            None => env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
        };
        if annotates {
            printers.push(Box::new(github::GithubPrinter::new(form.owns_stdout())));
        }
        if let Some(path) = step_summary() {
            printers.push(Box::new(markdown::MarkdownPrinter::new(path)));
        }
        Printers(printers)
    }

    /// Tells all of them.
    pub fn hear(&mut self, event: &SuiteEvent) {
        self.0.iter_mut().for_each(|printer| printer.hear(event));
    }

    /// Ends all of them; the exit is that of what could not be written.
    pub fn end(self) -> ExitCode {
        let mut exit = ExitCode::Identical;
        for printer in self.0 {
            if let Err(message) = printer.end() {
                exit = fail(ExitCode::Unchecked, message);
            }
        }
        exit
    }
}

/// Prints why a suite was not run. In the form for machines that is the only event of its stream.
pub fn refused(form: &dyn Printer, exit: ExitCode, error: &dyn std::fmt::Display) -> ExitCode {
    form.suite_refused(exit, &error.to_string());
    fail(exit, error)
}

/// Refuses to write a report or the summary to a file that is read.
///
/// # Errors
/// The message for the user.
pub fn refuse_as_outputs<'a>(
    report: &ReportOptions,
    inputs: impl IntoIterator<Item = (&'static str, &'a Path)>,
) -> Result<(), String> {
    let summary = step_summary();
    let summary = summary.as_deref().map(|path| (STEP_SUMMARY, path));
    let outputs: Vec<_> = report.outputs().into_iter().chain(summary).collect();
    refuse_inputs(&outputs, inputs)
}

/// The file to which GitHub Actions wants a summary appended, if this is a step of it.
fn step_summary() -> Option<PathBuf> {
    env::var_os(STEP_SUMMARY).filter(|path| !path.is_empty()).map(PathBuf::from)
}
