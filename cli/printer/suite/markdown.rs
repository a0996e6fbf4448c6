//! Owns the summary of a step of GitHub Actions: Markdown, appended to the file that `$GITHUB_STEP_SUMMARY`
//! names. GitHub refuses a summary of more than 1 MiB, so it has the most serious failures that fit, and the
//! number of the others.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use retake_chain::Printable;
use retake_verifier::suite::{SuiteEvent, SuiteFinished, TakeFinished};

use super::summary::{Builds, Failures, full_text, in_words};
use crate::printer::form::SuitePrinter;
use crate::words::count;

/// Bytes that the summary of one run may take of the MiB, which other runs of the step share.
const ROOM: usize = 256 << 10;
/// Bytes of one failure's text.
const TEXT: usize = 16 << 10;

pub struct MarkdownPrinter {
    path: PathBuf,
    failures: Failures,
    builds: Builds,
    end: Option<SuiteFinished>,
}

impl MarkdownPrinter {
    pub fn new(path: PathBuf) -> Self {
        MarkdownPrinter { path, failures: Failures::default(), builds: Builds::default(), end: None }
    }
}

impl SuitePrinter for MarkdownPrinter {
    fn hear(&mut self, event: &SuiteEvent) {
        self.failures.hear(event);
        self.builds.hear(event);
        if let SuiteEvent::SuiteFinished(end) = event {
            self.end = Some(end.clone());
        }
    }

    fn end(self: Box<Self>) -> Result<(), String> {
        let Some(end) = self.end else { return Ok(()) };
        let text = summary(&end, self.builds.in_words(), &self.failures.ranked());
        // To open a pipe could wait without end.
        let file = match fs::metadata(&self.path) {
            Ok(found) if found.file_type().is_fifo() => Err(io::Error::other("it is a pipe")),
            _ => OpenOptions::new().append(true).create(true).open(&self.path),
        };
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
            format!("`{}` (GITHUB_STEP_SUMMARY) cannot be written: {error}", self.path.display())
        })
    }
}

fn summary(end: &SuiteFinished, builds: Option<String>, failures: &[TakeFinished]) -> String {
    let mut text = format!("### retake test: {}\n\n", in_words(end));
    if let Some(builds) = builds {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}\n", code(&builds));
    }
    let mut shown = 0;
    for take in failures {
        let section = section(take);
        if text.len() + section.len() > ROOM {
            break;
        }
        text += &section;
        shown += 1;
    }
    if shown < failures.len() {
        let omitted = count((failures.len() - shown) as u64, "take");
        // Writing to a string does not fail.
        let _ = writeln!(text, "{omitted} more failed; there was no room for them here.\n");
    }
    text
}

fn section(take: &TakeFinished) -> String {
    let text = full_text(take);
    let end = text.floor_char_boundary(TEXT);
    let (cut, more) = (&text[..end], if end < text.len() { "\n..." } else { "" });
    let fence = "`".repeat(longest_run(cut).max(2) + 1);
    let name = code(&Printable(&take.name).to_string());
    format!(
        "<details><summary>{} {name}</summary>\n\n{fence}text\n{}{more}\n{fence}\n\n</details>\n\n",
        take.status,
        cut.trim_end()
    )
}

/// A name as HTML.
fn code(name: &str) -> String {
    let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<code>{name}</code>")
}

/// How many backticks follow each other at most; a longer fence is not ended by them.
fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use retake_verifier::ExitCode;
    use retake_verifier::suite::{Build, BuildSource, TakeId, TakeSettings, TakeStatus};

    use super::*;

    fn failure(name: &str, text: String) -> TakeFinished {
        TakeFinished {
            name: name.into(),
            id: TakeId::of(name, Err::<fs::File, _>(io::ErrorKind::NotFound.into())),
            status: TakeStatus::Diverged,
            exit: ExitCode::Diverged,
            settings: TakeSettings::default(),
            build: Build { source: BuildSource::Recorded, path: None, digest: None },
            calls: 1,
            given_up: 0,
            unchecked_calls: 0,
            events: 1,
            seconds: 0.0,
            reason: None,
            text: Some(text),
            report: None,
        }
    }

    #[test]
    fn text_with_backticks_and_html_does_not_end_its_place() {
        let text = section(&failure("<b>.take", "x\n```\n````\ny".into()));
        assert!(text.contains("<code>&lt;b&gt;.take</code>") && text.contains("\n`````text\n"), "{text}");
    }

    #[test]
    fn a_summary_is_bounded_and_says_how_many_are_left_out() {
        let failures: Vec<_> = (0..100).map(|n| failure(&format!("{n}"), "x".repeat(TEXT + 1))).collect();
        let end = SuiteFinished::of(&failures, 0, 0.0);
        let text = summary(&end, None, &failures);
        let shown = text.matches("<details>").count();
        assert!(text.len() < ROOM + 1000 && shown > 1);
        assert!(text.contains(&format!("{} takes more failed", 100 - shown)), "{shown}");
    }
}
