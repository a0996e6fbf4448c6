//! What `retake test` and `retake merge` say of a suite: one stream of events, and a printer for everyone who listens to it.

mod github;
mod json;
mod junit;
mod markdown;
mod text;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use retake_chain::{Printable, PrintableLines};
use retake_verifier::ExitCode;
use retake_verifier::suite::{Build, BuildSource, SuiteEvent, SuiteFinished, TakeFinished};

use crate::options::{Annotate, ReportOptions};
use crate::output::refuse_inputs;

/// The variable that names the file for a summary.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

use super::{count, fail};

/// Why a take failed, in full; a report that is merged may have anything in it.
fn full_text(take: &TakeFinished) -> String {
    PrintableLines(take.text.as_deref().or(take.reason.as_deref()).unwrap_or_default()).to_string()
}

/// Hears the events of a run in their order.
trait SuitePrinter {
    fn hear(&mut self, event: &SuiteEvent);

    /// Writes what comes at the end.
    ///
    /// # Errors
    /// What to tell the user of a file that could not be written.
    fn end(self: Box<Self>) -> Result<(), String> {
        Ok(())
    }
}

/// All printers that were asked for.
pub struct Printers(Vec<Box<dyn SuitePrinter>>);

impl Printers {
    /// Those of the options, and of the CI system that this runs in.
    pub fn of(options: &ReportOptions) -> Printers {
        let mut printers: Vec<Box<dyn SuitePrinter>> = Vec::new();
        match options.json {
            true => printers.push(Box::new(json::JsonPrinter)),
            false => printers.push(Box::new(text::TextPrinter::new())),
        }
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
            printers.push(Box::new(github::GithubPrinter::new(options.json)));
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

/// Whatever kept the suite from being run, as the only event of its stream.
pub fn refused(json: bool, exit: ExitCode, error: &dyn std::fmt::Display) -> ExitCode {
    if json {
        json::refused(exit, error.to_string());
    }
    fail(exit, error)
}

/// Refuses files that are read as places for reports and the summary.
///
/// # Errors
/// What to tell the user.
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

/// The calls of a take that were given up, in words, if there are any.
fn given_up(take: &TakeFinished) -> Option<String> {
    match (take.given_up, take.unchecked_calls) {
        (0, _) => None,
        (given_up, 0) => Some(format!("{} given up", count(given_up, "call"))),
        (given_up, unchecked) => {
            Some(format!("{} given up, {unchecked} not checked", count(given_up, "call")))
        }
    }
}

/// How a run came out, in words: `12 takes run: 10 passed, 2 diverged; 3 not run`.
fn in_words(end: &SuiteFinished) -> String {
    let totals = &end.totals;
    let parts = [
        (totals.passed, "passed"),
        (totals.diverged, "diverged"),
        (totals.unexpected, "not as expected"),
        (totals.damaged, "damaged"),
        (totals.unchecked, "could not be checked"),
        (totals.no_build, "without today's build"),
        (totals.nothing, "with nothing to check"),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, what)| format!("{number} {what}")).collect();
    let mut words = format!("{} run", count(totals.run(), "take"));
    if !parts.is_empty() {
        words += &format!(": {}", parts.join(", "));
    }
    if totals.not_run > 0 {
        words += &format!("; {} not run", totals.not_run);
    }
    if end.unchecked_calls > 0 {
        let calls = count(end.unchecked_calls, "call");
        words += &format!("; {calls} given up before the host had answered anything, and not checked");
    }
    words
}

/// How many takes ran which build.
#[derive(Default)]
struct Builds {
    /// By path and digest.
    configured: BTreeMap<Build, u64>,
    recorded: u64,
}

/// How many builds are named.
const SHOWN_BUILDS: usize = 5;

impl Builds {
    fn hear(&mut self, event: &SuiteEvent) {
        let SuiteEvent::TakeFinished(take) = event else { return };
        match take.build.source {
            _ if take.build.digest.is_none() => {}
            BuildSource::Configured => *self.configured.entry(take.build.clone()).or_default() += 1,
            BuildSource::Recorded => self.recorded += 1,
        }
    }

    /// `2 takes ran build ..., 1 take ran the recorded build`; nothing if none was run.
    fn in_words(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        for (build, takes) in self.configured.iter().take(SHOWN_BUILDS) {
            parts.push(format!("{} ran {}", count(*takes, "take"), Printable(build)));
        }
        let others: u64 = self.configured.values().skip(SHOWN_BUILDS).sum();
        if others > 0 {
            parts.push(format!("{} ran other builds", count(others, "take")));
        }
        if self.recorded > 0 {
            parts.push(format!("{} ran the recorded build", count(self.recorded, "take")));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// The graver a failure is, the lower: as exit codes win over each other.
fn rank(take: &TakeFinished) -> usize {
    use ExitCode::{Damaged, Diverged, Identical, Nothing, Unchecked, Usage};
    let order = [Usage, Damaged, Diverged, Unchecked, Nothing, Identical];
    order.iter().position(|exit| *exit == take.exit).unwrap_or(order.len())
}

/// The failures of a run, the gravest first, those that are alike by name.
#[derive(Default)]
struct Failures(Vec<TakeFinished>);

impl Failures {
    /// Keeps a take that did not pass.
    fn hear(&mut self, event: &SuiteEvent) {
        if let SuiteEvent::TakeFinished(take) = event
            && take.exit != ExitCode::Identical
        {
            self.0.push(TakeFinished { report: None, ..(**take).clone() });
        }
    }

    fn ranked(mut self) -> Vec<TakeFinished> {
        self.0.sort_by(|one, other| (rank(one), &one.name).cmp(&(rank(other), &other.name)));
        self.0
    }
}
