//! Owns what reaches stdout and stderr. Every line is made safe (`safe.rs`) before it is written, and lost
//! output changes the exit code. The printers decide what the lines say.

pub mod safe;

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::OnceLock;

use retake_chain::Printable;
use retake_recorder::Stdio;
use retake_verifier::{ExitCode, combine};
use serde::Serialize;

/// Prints a line about the command itself to stderr.
pub fn note(line: String) {
    Stdio::Err.end_open_line();
    text_lines(&mut io::stderr(), &Printable(line).to_string());
}

/// Prints one line that says why the command fails. Returns the exit code.
pub fn fail(exit: ExitCode, message: impl Display) -> ExitCode {
    note(format!("retake: {message}"));
    exit
}

/// Prints what is wrong with the options. The message contains values from the command line.
pub fn usage(wrong: &clap::Error) -> ExitCode {
    text_lines(&mut io::stderr(), &wrong.to_string());
    ExitCode::Usage
}

/// Prints a result to stdout, on a line of its own: the actor may have left one open.
pub fn result_line(line: &str) {
    Stdio::Out.end_open_line();
    text_lines(&mut io::stdout(), line);
}

/// Prints one JSON object to stdout, on a line of its own.
pub fn json_line(value: &impl Serialize) {
    Stdio::Out.end_open_line();
    let mut out = io::stdout().lock();
    let written = serde_json::to_writer(safe::JsonOut::new(&mut out), value).map_err(io::Error::from);
    keep_error(written.and_then(|()| writeln!(out)).and_then(|()| out.flush()));
}

/// Prints lines for people to `out`.
pub fn text_lines(out: &mut dyn Write, text: &str) {
    keep_error(writeln!(out, "{}", safe::text(text.trim_end())).and_then(|()| out.flush()));
}

/// Prints workflow commands of a CI system. Retake makes them; they do not come from a file.
pub fn command_lines(out: &mut dyn Write, commands: &str) {
    keep_error(writeln!(out, "{}", safe::commands(commands.trim_end())).and_then(|()| out.flush()));
}

/// Why output was lost, if any was.
static LOST: OnceLock<String> = OnceLock::new();

/// Remembers that output was lost. A reader that closes the pipe, as `head` does, is not a loss.
pub fn keep_error(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // The first loss is the one to report.
        let _ = LOST.set(error.to_string());
    }
}

/// The exit code of the command: a result that could not be written does not count as one.
pub fn end(exit: ExitCode) -> ExitCode {
    match LOST.get() {
        None => exit,
        Some(reason) => {
            combine([exit, fail(ExitCode::Unchecked, format!("the output cannot be written: {reason}"))])
        }
    }
}
