//! Owns the output of a suite for people: a line per take when it ends, then the failures in full, then a
//! summary. Progress is on stderr, and only on a terminal.

use std::io::stdout;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use retake_chain::Printable;
use retake_verifier::suite::{SuiteEvent, SuiteFinished, SuiteStarted, TakeFinished, TakeNotRun};

use crate::console::text_lines;
use crate::printer::form::SuitePrinter;
use crate::printer::suite::summary::{Builds, Failures, full_text, given_up, in_words};
use crate::words::count;

const RULE: &str = "------------";

pub struct TextSuite {
    bar: ProgressBar,
    failures: Failures,
    builds: Builds,
    failed: u64,
}

impl TextSuite {
    pub fn new() -> Self {
        // It shows on a terminal alone.
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("  Replaying [{bar:24}] {pos}/{len} takes{msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        TextSuite { bar, failures: Failures::default(), builds: Builds::default(), failed: 0 }
    }

    fn print(&self, text: &str) {
        self.bar.suspend(|| text_lines(&mut stdout(), text));
    }

    fn started(&self, started: &SuiteStarted) {
        self.bar.set_length(started.takes);
        self.bar.enable_steady_tick(Duration::from_millis(100));
        let part = started.partition.map_or(String::new(), |partition| {
            format!(" (partition {partition}, of {})", count(started.suite.takes, "take"))
        });
        self.print(&format!("    Starting {}{part}", count(started.takes, "take")));
    }

    fn finished(&mut self, take: &TakeFinished) {
        self.print(&line(take));
        self.failed += u64::from(take.exit.code() != 0);
        if self.failed > 0 {
            self.bar.set_message(format!(", {} failed", self.failed));
        }
        self.bar.inc(1);
    }

    fn summary(&mut self, end: &SuiteFinished) {
        self.bar.finish_and_clear();
        let failures = std::mem::take(&mut self.failures).ranked();
        for take in &failures {
            self.print(&format!("{RULE}\n{}\n{}", line(take), full_text(take)));
        }
        self.print(&format!("{RULE}\n     Summary [{:>8.3}s] {}", end.seconds, in_words(end)));
        if let Some(builds) = self.builds.in_words() {
            self.print(&format!("      Builds {builds}"));
        }
    }
}

fn line(take: &TakeFinished) -> String {
    let TakeFinished { status, name, seconds, settings, build, .. } = take;
    let (calls, events) = (count(take.calls, "call"), count(take.events, "event"));
    let labels = match settings.labels.is_empty() {
        true => String::new(),
        false => format!(" [{}]", Printable(settings.labels.join(", "))),
    };
    let given_up = given_up(take).map_or(String::new(), |given_up| format!("; {given_up}"));
    let (name, build) = (Printable(name), Printable(build));
    format!("{status:>12} [{seconds:>8.3}s] {name} ({calls}, {events}{given_up}), {build}{labels}")
}

impl SuitePrinter for TextSuite {
    fn hear(&mut self, event: &SuiteEvent) {
        self.failures.hear(event);
        self.builds.hear(event);
        match event {
            SuiteEvent::SuiteStarted(started) => self.started(started),
            SuiteEvent::TakeStarted { .. } => {}
            SuiteEvent::TakeFinished(take) => self.finished(take),
            SuiteEvent::TakeNotRun(TakeNotRun { name, .. }) => {
                self.bar.inc(1);
                self.print(&format!("{:>12} {:11} {}", "NOT RUN", "", Printable(name)));
            }
            SuiteEvent::SuiteFinished(end) => self.summary(end),
        }
    }
}
