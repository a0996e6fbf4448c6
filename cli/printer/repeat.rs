//! What `retake record --check --repeat` says of each replay, and of all.

use std::io;
use std::path::Path;

use retake_replayer::Perturbation;
use retake_verifier::{ExitCode, ReplayReport, Verdict};
use serde::Serialize;

use super::replay::{checked, words};
use super::{count, json_line, note, text_lines};

/// `--json`: one replay.
#[derive(Serialize)]
struct RepeatLine<'a> {
    take: String,
    repeat: u16,
    perturbation: String,
    exit: u8,
    #[serde(flatten)]
    report: &'a ReplayReport,
}

/// A replay as one JSON object.
pub fn json(take: &Path, repeat: u16, perturbation: Perturbation, report: &ReplayReport) -> ExitCode {
    let exit = report.exit_code();
    json_line(&RepeatLine {
        take: take.display().to_string(),
        repeat,
        perturbation: perturbation.to_string(),
        exit: exit.code(),
        report,
    });
    exit
}

/// A replay for people: a line, or the whole answer if it is not identical.
pub fn text(
    take: &Path,
    (round, times): (u16, u16),
    perturbation: Perturbation,
    report: &ReplayReport,
) -> ExitCode {
    let which = format!("replay {round} of {times}, {perturbation}");
    match &report.verdict {
        Verdict::Identical => {
            note(format!("{which}: identical ({})", checked(report)));
        }
        _ => text_lines(&mut io::stderr(), &format!("{which}:\n{}", words(take, report))),
    }
    report.exit_code()
}

/// What all of them say.
pub fn summary(times: u16, differ: &[Perturbation], exit: ExitCode) -> String {
    let replays = count(times.into(), "replay");
    let names: Vec<String> = differ.iter().map(|perturbation| format!("`{perturbation}`")).collect();
    match names.is_empty() {
        true if exit == ExitCode::Nothing => format!("{replays}, and nothing was checked"),
        true => format!("{replays}, all identical"),
        false => format!(
            "{replays}, and not identical with {}: the actor sees something that the recording does not have",
            names.join(", ")
        ),
    }
}
