//! Owns the output for machines: one JSON object per line. `docs/suite.md` describes those of a suite.

mod inspect;
pub mod suite;

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use retake_chain::log::SealSummary;
use retake_replayer::Perturbation;
use retake_verifier::suite::TakeSettings;
use retake_verifier::{Checked, ExitCode, FaultKind, RepairPlan, ReplayReport, Report, VerifyError};
use serde::Serialize;

use crate::console::json_line;
use crate::printer::form::{
    EventPrinter, ListedTake, Printer, ReadResponse, RecordedTake, Repeat, SuitePrinter,
};

pub struct Json;

#[derive(Serialize)]
struct VerifyLine<'a> {
    take: String,
    exit: u8,
    /// What the take lacks, if anything.
    fault: Option<FaultKind>,
    /// The byte at which the take lacks it, if that is at one place.
    offset: Option<u64>,
    /// The event that would have come next, if the take lacks anything.
    event: Option<u64>,
    #[serde(flatten)]
    report: &'a Report,
}

#[derive(Serialize)]
struct FaultLine {
    take: String,
    exit: u8,
    fault: FaultKind,
    /// The byte of the fault, or where the frame that holds it starts.
    offset: Option<u64>,
    /// The event at fault, or the one that would have come next.
    event: u64,
    error: String,
    checked: Checked,
}

#[derive(Serialize)]
struct NotMadeLine {
    take: String,
    exit: u8,
    error: String,
}

#[derive(Serialize)]
struct ReplayLine<'a> {
    take: String,
    exit: u8,
    #[serde(flatten)]
    report: &'a ReplayReport,
}

#[derive(Serialize)]
struct RepeatLine<'a> {
    take: String,
    repeat: u16,
    perturbation: String,
    exit: u8,
    #[serde(flatten)]
    report: &'a ReplayReport,
}

#[derive(Serialize)]
struct RepairedLine<'a> {
    take: String,
    repaired: String,
    fault: FaultKind,
    reason: &'a str,
    calls: u64,
    events: u64,
    cut_events: u64,
}

#[derive(Serialize)]
struct ListedLine<'a> {
    name: &'a str,
    settings: &'a TakeSettings,
}

#[derive(Serialize)]
struct ResponseLine<'a> {
    method: String,
    path: &'a str,
    status: u16,
    headers: Vec<(String, String)>,
    /// Text, if the body is UTF-8.
    body: Option<&'a str>,
    /// Base64 otherwise.
    body_base64: Option<String>,
    /// The body broke off.
    broken: bool,
}

#[derive(Serialize)]
struct InvokedLine<'a> {
    function: &'a str,
    /// In WAVE, if it returned something.
    result: Option<String>,
    error: Option<String>,
}

#[derive(Serialize)]
struct RecordedLine {
    take: String,
    chains: usize,
    calls: u64,
    events: u64,
    bytes: u64,
    /// Requests that no actor handled, so that they are not in the take.
    refused: u64,
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "suite-refused")]
struct RefusedLine<'a> {
    exit: ExitCode,
    error: &'a str,
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl Printer for Json {
    fn owns_stdout(&self) -> bool {
        true
    }

    fn verified(&self, take: &Path, report: &Report) {
        let fault = report.fault();
        json_line(&VerifyLine {
            take: shown(take),
            exit: report.exit_code().code(),
            fault,
            offset: report.offset(),
            event: fault.map(|_| report.events),
            report,
        });
    }

    fn faulty(&self, take: &Path, error: &VerifyError) {
        json_line(&FaultLine {
            take: shown(take),
            exit: error.exit_code().code(),
            fault: error.kind(),
            offset: error.offset(),
            event: error.event(),
            error: error.to_string(),
            checked: error.checked,
        });
    }

    fn not_made(&self, take: &Path, exit: ExitCode, error: String) {
        json_line(&NotMadeLine { take: shown(take), exit: exit.code(), error });
    }

    fn replayed(&self, take: &Path, report: &ReplayReport) {
        json_line(&ReplayLine { take: shown(take), exit: report.exit_code().code(), report });
    }

    fn checked(&self, take: &Path, report: &ReplayReport) {
        self.replayed(take, report);
    }

    fn repeated(&self, take: &Path, repeat: &Repeat, report: &ReplayReport) {
        json_line(&RepeatLine {
            take: shown(take),
            repeat: repeat.round,
            perturbation: repeat.perturbation.to_string(),
            exit: report.exit_code().code(),
            report,
        });
    }

    fn repeats_ended(&self, _: u16, _: &[Perturbation], _: ExitCode) {}

    fn repaired(&self, take: &Path, new: &Path, plan: &RepairPlan, summary: &SealSummary) {
        json_line(&RepairedLine {
            take: shown(take),
            repaired: shown(new),
            fault: plan.fault(),
            reason: plan.reason(),
            calls: plan.calls(),
            events: summary.events,
            cut_events: plan.cut_events(),
        });
    }

    fn listed(&self, take: &ListedTake<'_>) {
        json_line(&ListedLine { name: take.name, settings: take.settings });
    }

    fn events(&self) -> Box<dyn EventPrinter> {
        Box::new(inspect::JsonEvents::new())
    }

    fn shows_bodies(&self) -> bool {
        true
    }

    fn response(&self, response: &ReadResponse) {
        let text = std::str::from_utf8(&response.body).ok();
        let headers = response.headers.iter();
        json_line(&ResponseLine {
            method: response.method.to_string(),
            path: &response.path,
            status: response.status.as_u16(),
            headers: headers
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            body: text,
            body_base64: text.is_none().then(|| BASE64_STANDARD.encode(&response.body)),
            broken: response.broken,
        });
    }

    fn invoked(&self, function: &str, result: Result<Option<String>, String>) {
        let (result, error) = match result {
            Ok(result) => (result, None),
            Err(error) => (None, Some(error)),
        };
        json_line(&InvokedLine { function, result, error });
    }

    fn recorded(&self, take: &RecordedTake<'_>) {
        json_line(&RecordedLine {
            take: shown(take.path),
            chains: take.summary.chains.len(),
            calls: take.calls,
            events: take.summary.events,
            bytes: take.summary.bytes,
            refused: take.refused,
        });
    }

    fn suite(&self) -> Box<dyn SuitePrinter> {
        Box::new(suite::JsonSuite)
    }

    fn suite_refused(&self, exit: ExitCode, error: &str) {
        json_line(&RefusedLine { exit, error });
    }
}
