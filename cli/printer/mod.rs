//! What the commands say: results on stdout, everything else on stderr. One file per command; each has a form for people
//! and one for machines.

pub mod inspect;
pub mod list;
pub mod record;
pub mod repair;
pub mod repeat;
pub mod replay;
pub mod safe;
pub mod suite;
pub mod verify;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use retake_chain::Printable;
use retake_recorder::Stdio;
use retake_verifier::ExitCode;
use serde::Serialize;

/// A line about the command itself, whatever is in it.
pub fn note(line: String) {
    Stdio::Err.end_open_line();
    text_lines(&mut io::stderr(), &Printable(line).to_string());
}

/// Says in one line why the command ends as it does, and returns that.
pub fn fail(exit: ExitCode, message: impl Display) -> ExitCode {
    note(format!("retake: {message}"));
    exit
}

/// The same as a JSON object, for a take that did not come about.
pub fn fail_json(take: &Path, exit: ExitCode, error: String) -> ExitCode {
    #[derive(Serialize)]
    struct FailLine {
        take: String,
        exit: u8,
        error: String,
    }
    json_line(&FailLine { take: take.display().to_string(), exit: exit.code(), error });
    exit
}

/// Prints one JSON object on a line of its own.
fn json_line(value: &impl Serialize) {
    Stdio::Out.end_open_line();
    let mut out = io::stdout().lock();
    // Whoever reads our output may have gone; the exit code still says what was found.
    if serde_json::to_writer(safe::JsonOut::new(&mut out), value).is_ok() {
        let _ = writeln!(out);
        let _ = out.flush();
    }
}

/// Prints lines for people to `out`.
fn text_lines(out: &mut dyn Write, text: &str) {
    // As above.
    let _ = writeln!(out, "{}", safe::text(text.trim_end()));
    let _ = out.flush();
}

/// Prints workflow commands of a CI system, which are made for it and not taken from a file.
fn command_lines(out: &mut dyn Write, commands: &str) {
    // As above.
    let _ = writeln!(out, "{}", safe::commands(commands.trim_end()));
    let _ = out.flush();
}

/// `1 call`, `2 calls`.
pub fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}
