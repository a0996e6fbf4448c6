//! Owns the lines about a session: one per response or result on stdout, one about the take on stderr.

use indicatif::HumanBytes;
use retake_chain::Printable;

use crate::console::{note, result_line};
use crate::printer::form::{ReadResponse, RecordedTake};
use crate::words::count;

/// `STATUS BYTES METHOD PATH`.
pub fn response(response: &ReadResponse) {
    let ReadResponse { method, path, status, length, broken, .. } = response;
    let broken = if *broken { " (broke off)" } else { "" };
    let status = status.as_u16();
    result_line(&Printable(format!("{status} {length} {method} {path}{broken}")).to_string());
}

pub fn invoked(result: Result<Option<String>, String>) {
    match result {
        Ok(result) => result_line(&Printable(result.unwrap_or_else(|| "()".into())).to_string()),
        Err(error) => note(error),
    }
}

pub fn recorded(take: &RecordedTake<'_>) {
    let RecordedTake { path, calls, summary, .. } = take;
    note(format!(
        "recorded {}: {}, {}, {}, {}",
        path.display(),
        count(summary.chains.len() as u64, "actor"),
        count(*calls, "call"),
        count(summary.events, "event"),
        HumanBytes(summary.bytes),
    ));
}
