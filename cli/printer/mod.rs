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
use std::sync::OnceLock;

use retake_chain::Printable;
use retake_recorder::Stdio;
use retake_verifier::{ExitCode, combine};
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

/// Says what is wrong with the options; values that were given are in it.
pub fn usage(wrong: &clap::Error) -> ExitCode {
    text_lines(&mut io::stderr(), &wrong.to_string());
    ExitCode::Usage
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
    let written = serde_json::to_writer(safe::JsonOut::new(&mut out), value).map_err(io::Error::from);
    keep(written.and_then(|()| writeln!(out)).and_then(|()| out.flush()));
}

/// Prints lines for people to `out`.
fn text_lines(out: &mut dyn Write, text: &str) {
    keep(writeln!(out, "{}", safe::text(text.trim_end())).and_then(|()| out.flush()));
}

/// Prints workflow commands of a CI system, which are made for it and not taken from a file.
fn command_lines(out: &mut dyn Write, commands: &str) {
    keep(writeln!(out, "{}", safe::commands(commands.trim_end())).and_then(|()| out.flush()));
}

/// Why output was lost, if some was.
static LOST: OnceLock<String> = OnceLock::new();

/// Remembers that output was lost. Whoever reads it may have gone, as `head` does; that is no loss.
fn keep(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // The first is the one to tell.
        let _ = LOST.set(error.to_string());
    }
}

/// How the command ends: an answer that could not be written is not one.
pub fn end(exit: ExitCode) -> ExitCode {
    match LOST.get() {
        None => exit,
        Some(reason) => {
            combine([exit, fail(ExitCode::Unchecked, format!("the output cannot be written: {reason}"))])
        }
    }
}

/// `1 call`, `2 calls`.
pub fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}
