//! Owns the annotations of GitHub Actions: workflow commands among the lines of output, for the most serious
//! failures. GitHub shows ten errors of a step and drops the rest silently, so a notice has the number of the
//! others.

use std::fmt::Write as _;
use std::io::{stderr, stdout};

use retake_chain::Printable;
use retake_verifier::suite::{SuiteEvent, TakeFinished};

use super::summary::{Failures, full_text};
use crate::console::command_lines;
use crate::printer::form::SuitePrinter;
use crate::words::count;

/// Annotations of one level that GitHub shows of a step.
const SHOWN: usize = 10;
/// Characters of one annotation; GitHub cuts those that are much longer.
const LONGEST: usize = 4000;

pub struct GithubPrinter {
    failures: Failures,
    /// Where the commands go: GitHub reads both streams, and JSON wants stdout to itself.
    on_stderr: bool,
}

impl GithubPrinter {
    pub fn new(on_stderr: bool) -> Self {
        GithubPrinter { failures: Failures::default(), on_stderr }
    }
}

impl SuitePrinter for GithubPrinter {
    fn hear(&mut self, event: &SuiteEvent) {
        self.failures.hear(event);
    }

    fn end(self: Box<Self>) -> Result<(), String> {
        let commands = commands(&self.failures.ranked());
        if commands.is_empty() {
            return Ok(());
        }
        match self.on_stderr {
            true => command_lines(&mut stderr(), &commands),
            false => command_lines(&mut stdout(), &commands),
        }
        Ok(())
    }
}

/// The commands for failures, the gravest first.
fn commands(failures: &[TakeFinished]) -> String {
    let mut commands = String::new();
    for take in failures.iter().take(SHOWN) {
        let name = Printable(&take.name).to_string();
        let title = format!("{} {name}", take.status);
        // Writing to a string does not fail.
        let _ = writeln!(
            commands,
            "::error file={},title={}::{}",
            property(&name),
            property(&title),
            message(&full_text(take))
        );
    }
    if let Some(omitted) = failures.len().checked_sub(SHOWN).filter(|omitted| *omitted > 0) {
        let text = format!(
            "{} more failed and are not annotated; all are in the output of this step",
            count(omitted as u64, "take")
        );
        let _ = writeln!(commands, "::notice title=retake test::{}", message(&text));
    }
    commands
}

/// The text of a command, cut where it is too long.
fn message(text: &str) -> String {
    let mut cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() {
        cut += "...";
    }
    cut.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_or_a_property_is_escaped() {
        assert_eq!(message("50%\r\n::error::x"), "50%25%0D%0A::error::x");
        assert_eq!(property("a,b:c%\n"), "a%2Cb%3Ac%25%0A");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        let long = "ä".repeat(LONGEST + 1);
        assert_eq!(message(&long), "ä".repeat(LONGEST) + "...");
        assert_eq!(message(&"ä".repeat(LONGEST)), "ä".repeat(LONGEST));
    }
}
