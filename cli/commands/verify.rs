//! `retake verify`: checks every hash, link, count, head and the seal of takes, without an engine.

use std::fs::File;
use std::path::Path;

use retake_chain::ReadError;
use retake_verifier::{Checked, ExitCode, VerifyError, combine, verify};

use crate::options::VerifyOptions;
use crate::printer::verify as printer;

pub fn run(options: VerifyOptions) -> ExitCode {
    combine(options.takes.iter().map(|take| verify_file(take, options.json)))
}

fn verify_file(take: &Path, json: bool) -> ExitCode {
    let checked = File::open(take).map_err(not_opened).and_then(verify);
    match (checked, json) {
        (Ok(report), true) => printer::json(take, &report),
        (Ok(report), false) => printer::text(take, &report),
        (Err(error), true) => printer::json_error(take, &error),
        (Err(error), false) => printer::text_error(take, &error),
    }
}

/// A take that cannot be opened cannot be read at its first byte.
fn not_opened(source: std::io::Error) -> VerifyError {
    VerifyError { fault: ReadError::Io { offset: 0, source }.into(), checked: Checked::default() }
}
