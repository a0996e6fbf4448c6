//! Owns the output of `record --check --repeat`: a line per replay, and one about all of them.

use std::io;
use std::path::Path;

use retake_replayer::Perturbation;
use retake_verifier::{ExitCode, ReplayReport, Verdict};

use crate::console::{note, text_lines};
use crate::printer::form::Repeat;
use crate::words::count;
use crate::words::replay::{checked, words};

/// One line, or the whole report if the replay is not identical.
pub fn replayed(take: &Path, repeat: &Repeat, report: &ReplayReport) {
    let Repeat { round, times, perturbation } = repeat;
    let which = format!("replay {round} of {times}, {perturbation}");
    match &report.verdict {
        Verdict::Identical => {
            note(format!("{which}: identical ({})", checked(report)));
        }
        _ => text_lines(&mut io::stderr(), &format!("{which}:\n{}", words(take, report))),
    }
}

/// What all replays come to.
pub fn summary(times: u16, differ: &[Perturbation], exit: ExitCode) -> String {
    let replays = count(times.into(), "replay");
    let names: Vec<String> = differ.iter().map(|perturbation| format!("`{perturbation}`")).collect();
    match names.is_empty() {
        true if exit == ExitCode::Nothing => format!("{replays}, nothing was checked"),
        true => format!("{replays}, all identical"),
        false => format!(
            "{replays}, not identical with {}: the actor observes something that was not recorded",
            names.join(", ")
        ),
    }
}
