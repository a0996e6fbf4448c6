//! What `retake verify` says of a take.

use std::path::Path;

use retake_chain::{Printable, SealKind, TakeState};
use retake_verifier::{Checked, ExitCode, FaultKind, Report, VerifyError};
use serde::Serialize;

use super::{count, fail, json_line, note, text_lines};

#[derive(Serialize)]
struct VerifyLine<'a> {
    take: String,
    exit: u8,
    /// What the take lacks, if anything.
    fault: Option<FaultKind>,
    /// The byte where it lacks, if that is at one place.
    offset: Option<u64>,
    /// The event that would have come next, if the take lacks anything.
    event: Option<u64>,
    #[serde(flatten)]
    report: &'a Report,
}

#[derive(Serialize)]
struct ErrorLine {
    take: String,
    exit: u8,
    fault: FaultKind,
    /// The byte where the fault is, or where the frame begins that holds it.
    offset: Option<u64>,
    /// The event at fault, or the one that would have come next.
    event: u64,
    error: String,
    checked: Checked,
}

/// What `verify` found, in either form.
pub fn answer(take: &Path, checked: Result<Report, VerifyError>, json: bool) -> ExitCode {
    match checked {
        Ok(report) if json => self::json(take, &report),
        Ok(report) => text(take, &report),
        Err(err) => error(take, &err, json),
    }
}

/// A fault, in either form.
pub fn error(take: &Path, error: &VerifyError, json: bool) -> ExitCode {
    if json { json_error(take, error) } else { text_error(take, error) }
}

/// The report as one JSON object.
fn json(take: &Path, report: &Report) -> ExitCode {
    let exit = report.exit_code();
    let fault = report.fault();
    let (offset, event) = (report.offset(), fault.map(|_| report.events));
    json_line(&VerifyLine {
        take: take.display().to_string(),
        exit: exit.code(),
        fault,
        offset,
        event,
        report,
    });
    exit
}

/// A fault as one JSON object.
fn json_error(take: &Path, error: &VerifyError) -> ExitCode {
    let exit = error.exit_code();
    json_line(&ErrorLine {
        take: take.display().to_string(),
        exit: exit.code(),
        fault: error.kind(),
        offset: error.offset(),
        event: error.event(),
        error: error.to_string(),
        checked: error.checked,
    });
    exit
}

/// A fault for people.
fn text_error(take: &Path, error: &VerifyError) -> ExitCode {
    let Checked { events, calls, .. } = error.checked;
    fail(error.exit_code(), format!("`{}`: {error} [{}]", take.display(), error.kind().name()));
    if events > 0 {
        note(format!("  whole before that: {}, {}", count(events, "event"), count(calls, "call")));
    }
    error.exit_code()
}

/// The report for people.
fn text(take: &Path, report: &Report) -> ExitCode {
    let exit = report.exit_code();
    let state = match (report.state, &report.seal) {
        (TakeState::Sealed, Some(SealKind::Repaired { reason, cut_events, .. })) => {
            let cut = count(*cut_events, "event");
            format!("REPAIRED, and not all that was recorded: {}, and {cut} cut off", Printable(reason))
        }
        (TakeState::Sealed, _) if exit == ExitCode::Nothing => {
            "intact and sealed, but without a call".to_string()
        }
        (TakeState::Sealed, _) => "intact and sealed".to_string(),
        (TakeState::Unsealed, _) => {
            "NOT SEALED: the recorder did not finish; what is there is whole".to_string()
        }
        (TakeState::Torn { offset }, _) => {
            format!("TORN at byte {offset}: the recorder did not finish; what is before is whole")
        }
    };
    let mut text = format!(
        "{}: {state} ({}, {}, {})",
        Printable(take.display()),
        count(report.chains.len() as u64, "chain"),
        count(report.calls(), "call"),
        count(report.events, "event"),
    );
    if let Some(fault) = report.fault() {
        text += &format!(" [{}]", fault.name());
    }
    for chain in &report.chains {
        let head = chain.head.map_or("(none)".to_string(), |head| head.to_string());
        text += &format!("\n  chain {}  head {head}  {}", chain.id, count(chain.events, "event"));
    }
    text_lines(&mut std::io::stdout(), &text);
    exit
}
