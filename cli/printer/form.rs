//! Owns [`Printer`]: what every form of output can print, and the data that it gets.

use std::path::Path;

use http::{HeaderMap, Method, StatusCode};
use retake_chain::Record;
use retake_chain::log::SealSummary;
use retake_replayer::Perturbation;
use retake_verifier::suite::{SuiteEvent, TakeSettings};
use retake_verifier::{ExitCode, RepairPlan, ReplayReport, Report, VerifyError};

/// A form of output. What every form prints alike, errors among it, is `console`'s.
pub trait Printer: Sync {
    /// Whether everything on stdout has this form, so that nothing else may be printed there.
    fn owns_stdout(&self) -> bool;

    /// A take that `verify` read to its end.
    fn verified(&self, take: &Path, report: &Report);

    /// A fault in a take.
    fn faulty(&self, take: &Path, error: &VerifyError);

    /// A take that was to be made and was not.
    fn not_made(&self, take: &Path, exit: ExitCode, error: String);

    /// A replay that was asked for.
    fn replayed(&self, take: &Path, report: &ReplayReport);

    /// The replay of a take that was just recorded.
    fn checked(&self, take: &Path, report: &ReplayReport);

    /// One of several replays of a take that was just recorded.
    fn repeated(&self, take: &Path, repeat: &Repeat, report: &ReplayReport);

    /// The end of several replays. `differ` has the perturbations under which the take was not identical.
    fn repeats_ended(&self, times: u16, differ: &[Perturbation], exit: ExitCode);

    /// A take that was repaired into a new one.
    fn repaired(&self, take: &Path, new: &Path, plan: &RepairPlan, summary: &SealSummary);

    /// A take of a suite that would be run.
    fn listed(&self, take: &ListedTake<'_>);

    /// A printer of events.
    fn events(&self) -> Box<dyn EventPrinter>;

    /// Whether responses are printed with their bodies, which are kept in memory only then.
    fn shows_bodies(&self) -> bool;

    /// A response to a request of the command line.
    fn response(&self, response: &ReadResponse);

    /// The result of an invoked export, in WAVE, or why there is none.
    fn invoked(&self, function: &str, result: Result<Option<String>, String>);

    /// A take that was recorded and sealed.
    fn recorded(&self, take: &RecordedTake<'_>);

    /// A printer of the run of a suite.
    fn suite(&self) -> Box<dyn SuitePrinter>;

    /// A suite that was not run.
    fn suite_refused(&self, exit: ExitCode, error: &str);
}

/// Prints events in their order. If the reader closes the pipe, the process ends: reading on would have no
/// use.
pub trait EventPrinter {
    /// A line for a chain or an event.
    fn line(&mut self, record: &Record);

    /// An event with all that is known of it.
    fn whole(&mut self, record: &Record);

    /// Prints what is buffered.
    fn finish(self: Box<Self>);
}

/// Which of several replays.
pub struct Repeat {
    /// From 1.
    pub round: u16,
    /// How many there are.
    pub times: u16,
    /// The change under which the take was replayed.
    pub perturbation: Perturbation,
}

/// A take of a suite that would be run.
pub struct ListedTake<'a> {
    pub name: &'a str,
    pub settings: &'a TakeSettings,
}

/// A response that was read to its end.
pub struct ReadResponse {
    pub method: Method,
    pub path: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Bytes of the body.
    pub length: u64,
    /// The body, for a form that shows bodies.
    pub body: Vec<u8>,
    /// The body broke off.
    pub broken: bool,
}

/// A take that was recorded and sealed.
pub struct RecordedTake<'a> {
    pub path: &'a Path,
    pub calls: u64,
    pub summary: &'a SealSummary,
    /// Requests that no actor handled, so that they are not in the take.
    pub refused: u64,
}

/// Prints the run of a suite, from its events in their order.
pub trait SuitePrinter {
    fn hear(&mut self, event: &SuiteEvent);

    /// Writes what comes at the end.
    ///
    /// # Errors
    /// The message for the user, if a file could not be written.
    fn end(self: Box<Self>) -> Result<(), String> {
        Ok(())
    }
}

/// Prints the answer of `verify` for a take. Returns the exit code.
pub fn verified(printer: &dyn Printer, take: &Path, checked: Result<Report, VerifyError>) -> ExitCode {
    match checked {
        Ok(report) => {
            printer.verified(take, &report);
            report.exit_code()
        }
        Err(error) => {
            printer.faulty(take, &error);
            error.exit_code()
        }
    }
}
