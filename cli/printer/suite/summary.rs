//! Owns what several printers of a suite share: totals, builds, and the order of the failures.

use std::collections::BTreeMap;

use retake_chain::{Printable, PrintableLines};
use retake_verifier::ExitCode;
use retake_verifier::suite::{Build, BuildSource, SuiteEvent, SuiteFinished, TakeFinished};

use crate::words::count;

/// Why a take failed, in full; a report that is merged may have anything in it.
pub fn full_text(take: &TakeFinished) -> String {
    PrintableLines(take.text.as_deref().or(take.reason.as_deref()).unwrap_or_default()).to_string()
}

/// The calls of a take that were given up, in words, if there are any.
pub fn given_up(take: &TakeFinished) -> Option<String> {
    match (take.given_up, take.unchecked_calls) {
        (0, _) => None,
        (given_up, 0) => Some(format!("{} given up", count(given_up, "call"))),
        (given_up, unchecked) => {
            Some(format!("{} given up, {unchecked} not checked", count(given_up, "call")))
        }
    }
}

/// How a run came out, in words: `12 takes run: 10 passed, 2 diverged; 3 not run`.
pub fn in_words(end: &SuiteFinished) -> String {
    let totals = &end.totals;
    let parts = [
        (totals.passed, "passed"),
        (totals.diverged, "diverged"),
        (totals.unexpected, "not as expected"),
        (totals.damaged, "damaged"),
        (totals.unchecked, "could not be checked"),
        (totals.no_build, "without today's build"),
        (totals.nothing, "with nothing to check"),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, what)| format!("{number} {what}")).collect();
    let mut words = format!("{} run", count(totals.run(), "take"));
    if !parts.is_empty() {
        words += &format!(": {}", parts.join(", "));
    }
    if totals.not_run > 0 {
        words += &format!("; {} not run", totals.not_run);
    }
    if end.unchecked_calls > 0 {
        let calls = count(end.unchecked_calls, "call");
        words += &format!("; {calls} given up before the host had answered anything, and not checked");
    }
    words
}

/// How many takes ran which build.
#[derive(Default)]
pub struct Builds {
    /// By path and digest.
    configured: BTreeMap<Build, u64>,
    recorded: u64,
}

/// How many builds are named.
const SHOWN_BUILDS: usize = 5;

impl Builds {
    pub fn hear(&mut self, event: &SuiteEvent) {
        let SuiteEvent::TakeFinished(take) = event else { return };
        match take.build.source {
            _ if take.build.digest.is_none() => {}
            BuildSource::Configured => *self.configured.entry(take.build.clone()).or_default() += 1,
            BuildSource::Recorded => self.recorded += 1,
        }
    }

    /// `2 takes ran build ..., 1 take ran the recorded build`; nothing if none was run.
    pub fn in_words(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        for (build, takes) in self.configured.iter().take(SHOWN_BUILDS) {
            parts.push(format!("{} ran {}", count(*takes, "take"), Printable(build)));
        }
        let others: u64 = self.configured.values().skip(SHOWN_BUILDS).sum();
        if others > 0 {
            parts.push(format!("{} ran other builds", count(others, "take")));
        }
        if self.recorded > 0 {
            parts.push(format!("{} ran the recorded build", count(self.recorded, "take")));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// The graver a failure is, the lower: as exit codes win over each other.
pub fn rank(take: &TakeFinished) -> usize {
    use ExitCode::{Damaged, Diverged, Identical, Nothing, Unchecked, Usage};
    let order = [Usage, Damaged, Diverged, Unchecked, Nothing, Identical];
    order.iter().position(|exit| *exit == take.exit).unwrap_or(order.len())
}

/// The failures of a run, the gravest first, those that are alike by name.
#[derive(Default)]
pub struct Failures(Vec<TakeFinished>);

impl Failures {
    /// Keeps a take that did not pass.
    pub fn hear(&mut self, event: &SuiteEvent) {
        if let SuiteEvent::TakeFinished(take) = event
            && take.exit != ExitCode::Identical
        {
            self.0.push(TakeFinished { report: None, ..(**take).clone() });
        }
    }

    pub fn ranked(mut self) -> Vec<TakeFinished> {
        self.0.sort_by(|one, other| (rank(one), &one.name).cmp(&(rank(other), &other.name)));
        self.0
    }
}
