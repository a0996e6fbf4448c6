//! Owns the report of one part of a suite: reading it, and checking that it agrees with itself.

use super::event::{REPORT_VERSION, SuiteEvent, SuiteFinished, SuiteStarted, TakeFinished, TakeNotRun};
use super::identity::TakeId;
use super::merge_error::MergeError;
use super::partition::{Partition, PartitionKind};
use super::settings::{BuildSource, TakeSettings};
use super::status::TakeStatus;

/// A complete report of one part.
#[derive(Clone, Debug, PartialEq)]
pub struct PartReport {
    /// Its name in errors: the path of its file.
    pub name: String,
    pub(super) started: SuiteStarted,
    pub(super) finished: Vec<TakeFinished>,
    pub(super) not_run: Vec<TakeNotRun>,
    pub(super) seconds: f64,
}

impl PartReport {
    /// Reads a report from its events.
    ///
    /// # Errors
    /// [`MergeError`] if the report is not complete or contradicts itself.
    pub fn new(name: &str, events: impl IntoIterator<Item = SuiteEvent>) -> Result<PartReport, MergeError> {
        let report = || name.to_string();
        let mut events = events.into_iter();
        let Some(SuiteEvent::SuiteStarted(started)) = events.next() else {
            return Err(MergeError::NotAReport { report: report() });
        };
        if started.version != REPORT_VERSION {
            return Err(MergeError::Version { report: report(), version: started.version });
        }
        let (mut finished, mut not_run, mut end) = (Vec::new(), Vec::new(), None);
        for event in events {
            match event {
                _ if end.is_some() => {
                    let reason = "more events follow its end".into();
                    return Err(MergeError::DoesNotAddUp { report: report(), reason });
                }
                SuiteEvent::TakeFinished(take) => finished.push(*take),
                SuiteEvent::TakeNotRun(take) => not_run.push(take),
                SuiteEvent::SuiteFinished(found) => end = Some(found),
                SuiteEvent::TakeStarted { .. } => {}
                SuiteEvent::SuiteStarted(_) => {
                    let reason = "it starts twice".into();
                    return Err(MergeError::DoesNotAddUp { report: report(), reason });
                }
            }
        }
        let Some(end) = end else { return Err(MergeError::CutOff { report: report() }) };
        let part = PartReport { name: report(), started, finished, not_run, seconds: end.seconds };
        part.check(&end)?;
        Ok(part)
    }

    /// Checks that the end of the report agrees with its takes.
    fn check(&self, end: &SuiteFinished) -> Result<(), MergeError> {
        let refuse = |reason: String| MergeError::DoesNotAddUp { report: self.name.clone(), reason };
        let not_run = self.not_run.len() as u64;
        let found = self.finished.len() as u64 + not_run;
        if found != self.started.takes {
            return Err(refuse(format!(
                "expected the results of {} takes, found {found}",
                self.started.takes
            )));
        }
        for take in &self.finished {
            let TakeFinished { name, settings, build, .. } = take;
            let is_configured = build.source == settings.source() && build.path == settings.actor;
            let misses_build = settings.require_build && build.source == BuildSource::Recorded;
            if !is_configured || misses_build && take.status == TakeStatus::Passed {
                return Err(refuse(format!("the build of `{name}` is not the one in its settings")));
            }
        }
        let counted = SuiteFinished::of(&self.finished, not_run, end.seconds);
        if (counted.totals, counted.unchecked_calls, counted.exit)
            != (end.totals, end.unchecked_calls, end.exit)
        {
            return Err(refuse("the totals at its end are not those of its takes".into()));
        }
        Ok(())
    }

    /// The part that was run. A run without a partition is part 1 of 1.
    pub(super) fn partition(&self) -> Partition {
        let whole = Partition { kind: PartitionKind::Slice, index: 1, count: 1 };
        self.started.partition.unwrap_or(whole)
    }

    /// The name and settings of each take.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&str, &TakeSettings)> {
        let finished = self.finished.iter().map(|take| (take.name.as_str(), &take.settings));
        finished.chain(self.not_run.iter().map(|take| (take.name.as_str(), &take.settings)))
    }

    /// The id of each take.
    pub(super) fn ids(&self) -> impl Iterator<Item = &TakeId> {
        self.finished.iter().map(|take| &take.id).chain(self.not_run.iter().map(|take| &take.id))
    }
}
