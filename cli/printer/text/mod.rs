//! Owns the output for people: lines of text.

mod inspect;
mod record;
mod repair;
mod repeat;
mod suite;
mod verify;

use std::io;
use std::path::Path;

use retake_chain::Printable;
use retake_chain::log::SealSummary;
use retake_replayer::Perturbation;
use retake_verifier::{ExitCode, RepairPlan, ReplayReport, Report, VerifyError};

use crate::console::{fail, note, text_lines};
use crate::printer::form::{
    EventPrinter, ListedTake, Printer, ReadResponse, RecordedTake, Repeat, SuitePrinter,
};
use crate::words::replay::words;

pub struct Text;

impl Printer for Text {
    fn owns_stdout(&self) -> bool {
        false
    }

    fn verified(&self, take: &Path, report: &Report) {
        verify::report(take, report);
    }

    fn faulty(&self, take: &Path, error: &VerifyError) {
        verify::fault(take, error);
    }

    fn not_made(&self, _: &Path, exit: ExitCode, error: String) {
        fail(exit, error);
    }

    fn replayed(&self, take: &Path, report: &ReplayReport) {
        text_lines(&mut io::stdout(), &words(take, report));
    }

    fn checked(&self, take: &Path, report: &ReplayReport) {
        text_lines(&mut io::stderr(), &words(take, report));
    }

    fn repeated(&self, take: &Path, repeat: &Repeat, report: &ReplayReport) {
        repeat::replayed(take, repeat, report);
    }

    fn repeats_ended(&self, times: u16, differ: &[Perturbation], exit: ExitCode) {
        note(repeat::summary(times, differ, exit));
    }

    fn repaired(&self, take: &Path, new: &Path, plan: &RepairPlan, summary: &SealSummary) {
        repair::repaired(take, new, plan, summary);
    }

    fn listed(&self, take: &ListedTake<'_>) {
        let build = match &take.settings.actor {
            Some(path) => format!("build `{}`", Printable(path)),
            None => "recorded build".into(),
        };
        text_lines(&mut io::stdout(), &format!("{} ({build})", take.name));
    }

    fn events(&self) -> Box<dyn EventPrinter> {
        Box::new(inspect::TextEvents::new())
    }

    fn shows_bodies(&self) -> bool {
        false
    }

    fn response(&self, response: &ReadResponse) {
        record::response(response);
    }

    fn invoked(&self, _: &str, result: Result<Option<String>, String>) {
        record::invoked(result);
    }

    fn recorded(&self, take: &RecordedTake<'_>) {
        record::recorded(take);
    }

    fn suite(&self) -> Box<dyn SuitePrinter> {
        Box::new(suite::TextSuite::new())
    }

    fn suite_refused(&self, _: ExitCode, _: &str) {}
}
