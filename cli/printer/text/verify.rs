//! Owns the output of `verify`: one line per take and one per chain.

use std::path::Path;

use retake_chain::{Printable, SealKind, TakeState};
use retake_verifier::{Checked, ExitCode, Report, VerifyError};

use crate::console::{fail, note, text_lines};
use crate::words::count;

/// A fault, and how much was whole before it.
pub fn fault(take: &Path, error: &VerifyError) {
    let Checked { events, calls, .. } = error.checked;
    fail(error.exit_code(), format!("`{}`: {error} [{}]", take.display(), error.kind().name()));
    if events > 0 {
        note(format!("  whole before that: {}, {}", count(events, "event"), count(calls, "call")));
    }
}

pub fn report(take: &Path, report: &Report) {
    let mut text = format!(
        "{}: {} ({}, {}, {})",
        Printable(take.display()),
        state(report),
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
}

fn state(report: &Report) -> String {
    match (report.state, &report.seal) {
        (TakeState::Sealed, Some(SealKind::Repaired { reason, cut_events, .. })) => {
            let cut = count(*cut_events, "event");
            format!("REPAIRED, and not all that was recorded: {}, and {cut} cut off", Printable(reason))
        }
        (TakeState::Sealed, _) if report.exit_code() == ExitCode::Nothing => {
            "intact and sealed, but without a call".to_string()
        }
        (TakeState::Sealed, _) => "intact and sealed".to_string(),
        (TakeState::Unsealed, _) => {
            "NOT SEALED: the recorder did not finish; what is there is whole".to_string()
        }
        (TakeState::Torn { offset }, _) => {
            format!("TORN at byte {offset}: the recorder did not finish; what is before is whole")
        }
    }
}
