//! `retake verify`: checks every hash, link, count, head and the seal of takes. It needs no engine.

use std::path::{Path, PathBuf};

use clap::Args;
use retake_verifier::{ExitCode, combine, verify};

use crate::options::FormOptions;
use crate::printer::{self, verified};
use crate::takes::{source_or_stdin, unopened};

/// Check that takes are complete and undamaged: every hash, link and count, and the seal. Nothing is run.
#[derive(Debug, Args)]
pub struct Options {
    /// The takes. `-` reads one from stdin.
    #[arg(required = true)]
    pub takes: Vec<PathBuf>,
    #[command(flatten)]
    pub form: FormOptions,
}

pub fn run(options: Options) -> ExitCode {
    let printer = printer::of(options.form.form());
    let answer = |take: &Path| {
        let checked = source_or_stdin(take).stream().map_err(unopened).and_then(verify);
        verified(printer, take, checked)
    };
    combine(options.takes.iter().map(|take| answer(take)))
}
