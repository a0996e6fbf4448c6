//! `retake verify`: checks every hash, link, count, head and the seal of takes, without an engine.

use std::fs::File;
use std::path::Path;

use retake_verifier::{Checked, ExitCode, combine, verify};

use crate::options::VerifyOptions;
use crate::printer::{fail, verify as printer};

pub fn run(options: VerifyOptions) -> ExitCode {
    combine(options.takes.iter().map(|take| verify_file(take, options.json)))
}

fn verify_file(take: &Path, json: bool) -> ExitCode {
    let file = match File::open(take) {
        Ok(file) => file,
        Err(error) => {
            let message = format!("cannot be opened: {error}");
            if json {
                return printer::json_error(take, ExitCode::Unchecked, message, Checked::default());
            }
            return fail(ExitCode::Unchecked, format!("`{}` {message}", take.display()));
        }
    };
    match (verify(file), json) {
        (Ok(report), true) => printer::json(take, &report),
        (Ok(report), false) => printer::text(take, &report),
        (Err(error), true) => printer::json_error(take, error.exit_code(), error.to_string(), error.checked),
        (Err(error), false) => {
            let checked = error.checked;
            fail(
                error.exit_code(),
                format!(
                    "`{}`: {error}\n  whole before that: {} events, {} calls",
                    take.display(),
                    checked.events,
                    checked.calls
                ),
            )
        }
    }
}
