//! `retake verify`: checks every hash, link, count, head and the seal of takes, without an engine.

use std::fs::File;
use std::io;
use std::path::Path;

use retake_chain::ReadError;
use retake_verifier::{Checked, ExitCode, VerifyError, combine, verify};

use crate::input;
use crate::options::VerifyOptions;
use crate::printer::verify as printer;

pub fn run(options: VerifyOptions) -> ExitCode {
    let answer = |take: &Path| {
        let checked = match take == Path::new("-") {
            true => verify(io::stdin()),
            false => open(take).and_then(verify),
        };
        printer::answer(take, checked, options.json)
    };
    combine(options.takes.iter().map(|take| answer(take)))
}

/// Opens a take. One that cannot be opened cannot be read at its first byte.
pub fn open(take: &Path) -> Result<File, VerifyError> {
    input::open(take).map_err(|error| VerifyError {
        fault: ReadError::Io { offset: 0, source: error.into() }.into(),
        checked: Checked::default(),
    })
}
