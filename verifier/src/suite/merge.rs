//! Owns the joining of the reports of parts into one verdict on the suite. A part that is missing, doubled, cut off, or of other
//! takes is refused: a verdict on less than the suite would look like one on the suite.

use std::collections::BTreeMap;
use std::fmt;

use retake_chain::ContentRef;
use thiserror::Error;

use super::event::{
    REPORT_VERSION, SuiteEvent, SuiteFinished, SuiteStarted, TakeFinished, TakeNotRun, TakeStatus,
};
use super::identity::{SuiteId, TakeId};
use super::partition::{Partition, PartitionKind};
use super::settings::{BuildSource, SuiteSettings, TakeSettings};

/// The report of one part, read to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What to call it in an error: its file.
    pub name: String,
    started: SuiteStarted,
    finished: Vec<TakeFinished>,
    not_run: Vec<TakeNotRun>,
    seconds: f64,
}

/// Why reports are no whole.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// There is no report.
    #[error("there is no report to merge")]
    NoReport,
    /// A report has no begin.
    #[error("`{report}` does not begin with `suite-started`: it is no report of `retake test`")]
    NotAReport {
        /// Whose.
        report: String,
    },
    /// A report is of another version.
    #[error("`{report}` has version {version}, this `retake` reads {REPORT_VERSION}")]
    Version {
        /// Whose.
        report: String,
        /// Its version.
        version: u32,
    },
    /// A report ends before its run did.
    #[error("`{report}` is cut off: it does not end with `suite-finished`; its run was not finished")]
    CutOff {
        /// Whose.
        report: String,
    },
    /// What a report says at its end is not what its takes add up to.
    #[error("`{report}` does not add up: {reason}")]
    DoesNotAddUp {
        /// Whose.
        report: String,
        /// In what.
        reason: String,
    },
    /// Two reports are of different suites.
    #[error("`{report}` ran other takes than `{first}`: they are not parts of one suite")]
    OtherTakes {
        /// The report that differs...
        report: String,
        /// ...from this one.
        first: String,
    },
    /// Two reports divide the suite in different ways.
    #[error("`{report}` ran {partition}, `{first}` ran {other}: they do not divide the suite alike")]
    OtherPartition {
        /// The report that differs...
        report: String,
        /// ...in what it ran...
        partition: String,
        /// ...from this one...
        first: String,
        /// ...and what that ran.
        other: String,
    },
    /// Two reports are of one part.
    #[error("`{report}` and `{first}` both ran {partition}")]
    Doubled {
        /// The second report.
        report: String,
        /// The first.
        first: String,
        /// Of which part.
        partition: String,
    },
    /// No report is of these parts.
    #[error("no report of {missing}: the suite was not run as a whole")]
    Missing {
        /// Of which parts.
        missing: String,
    },
    /// Two reports were made with different settings.
    #[error(
        "`{report}` was run with {what} {found}, `{first}` with {expected}: run all parts of a suite alike"
    )]
    OtherSettings {
        /// The report that differs...
        report: String,
        /// ...from this one...
        first: String,
        /// ...in this setting...
        what: &'static str,
        /// ...which it has so...
        found: String,
        /// ...and the first so.
        expected: String,
    },
    /// Two takes were replayed with different components of one path.
    #[error("`{path}` was {found}, and {expected}: the parts ran different builds")]
    OtherBuild {
        /// The configured path.
        path: String,
        /// The take that differs...
        found: Box<BuildSeen>,
        /// ...from this one.
        expected: Box<BuildSeen>,
    },
    /// The takes in the reports do not have the settings of the suite.
    #[error(
        "the reports do not have the settings of the suite: their takes come to {found}, and the suite has {expected}"
    )]
    NotTheSettings {
        /// Digest over the settings of the takes.
        found: ContentRef,
        /// What the reports say that it is.
        expected: ContentRef,
    },
    /// The reports have not the takes that the suite has.
    #[error("the reports have not the takes of the suite: {found} takes, and the suite has {expected}")]
    NotTheSuite {
        /// Takes in the reports.
        found: u64,
        /// Takes in the suite.
        expected: u64,
    },
}

/// A build, and where a report says that it was replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildSeen {
    /// SHA-256 of the component.
    pub digest: ContentRef,
    /// The take that was replayed with it.
    pub take: String,
    /// The report.
    pub report: String,
}

impl fmt::Display for BuildSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA-256 {} for `{}` in `{}`", self.digest, self.take, self.report)
    }
}

impl Part {
    /// Takes a report's events.
    ///
    /// # Errors
    /// The variants of [`MergeError`] that one report alone can have.
    pub fn new(name: &str, events: impl IntoIterator<Item = SuiteEvent>) -> Result<Part, MergeError> {
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
                    let reason = "there is more behind its end".into();
                    return Err(MergeError::DoesNotAddUp { report: report(), reason });
                }
                SuiteEvent::TakeFinished(take) => finished.push(*take),
                SuiteEvent::TakeNotRun(take) => not_run.push(take),
                SuiteEvent::SuiteFinished(found) => end = Some(found),
                SuiteEvent::TakeStarted { .. } => {}
                SuiteEvent::SuiteStarted(_) => {
                    let reason = "it begins twice".into();
                    return Err(MergeError::DoesNotAddUp { report: report(), reason });
                }
            }
        }
        let Some(end) = end else { return Err(MergeError::CutOff { report: report() }) };
        let part = Part { name: report(), started, finished, not_run, seconds: end.seconds };
        part.check(&end)?;
        Ok(part)
    }

    fn check(&self, end: &SuiteFinished) -> Result<(), MergeError> {
        let refuse = |reason: String| MergeError::DoesNotAddUp { report: self.name.clone(), reason };
        let not_run = self.not_run.len() as u64;
        let found = self.finished.len() as u64 + not_run;
        if found != self.started.takes {
            return Err(refuse(format!("{found} takes came to an end, of {}", self.started.takes)));
        }
        for take in &self.finished {
            let TakeFinished { name, settings, build, .. } = take;
            let is_configured = build.source == settings.source() && build.path == settings.actor;
            let misses_build = settings.require_build && build.source == BuildSource::Recorded;
            if !is_configured || misses_build && take.status == TakeStatus::Passed {
                return Err(refuse(format!("the build of `{name}` is not what its settings say")));
            }
        }
        let counted = SuiteFinished::of(&self.finished, not_run, end.seconds);
        if (counted.totals, counted.unchecked_calls, counted.exit)
            != (end.totals, end.unchecked_calls, end.exit)
        {
            return Err(refuse("its end does not say what its takes say".into()));
        }
        Ok(())
    }

    /// The part of the suite that was run; a run without a partition is the only part of one.
    fn partition(&self) -> Partition {
        let whole = Partition { kind: PartitionKind::Slice, index: 1, count: 1 };
        self.started.partition.unwrap_or(whole)
    }

    fn settings(&self) -> impl Iterator<Item = (&str, &TakeSettings)> {
        let finished = self.finished.iter().map(|take| (take.name.as_str(), &take.settings));
        finished.chain(self.not_run.iter().map(|take| (take.name.as_str(), &take.settings)))
    }

    fn ids(&self) -> impl Iterator<Item = &TakeId> {
        self.finished.iter().map(|take| &take.id).chain(self.not_run.iter().map(|take| &take.id))
    }
}

/// Joins the reports of all parts of a suite into the events of one run: as if it had been run at once, the takes in the order of
/// their names.
///
/// # Errors
/// [`MergeError`] if the parts are not the whole.
pub fn merge(parts: Vec<Part>) -> Result<Vec<SuiteEvent>, MergeError> {
    let Some(first) = parts.first() else { return Err(MergeError::NoReport) };
    let suite = first.started.suite.clone();
    check_parts(&parts, first)?;
    let ids: Vec<&TakeId> = parts.iter().flat_map(Part::ids).collect();
    if SuiteId::of(ids.iter().copied()) != suite {
        return Err(MergeError::NotTheSuite { found: ids.len() as u64, expected: suite.takes });
    }
    let settings = first.started.settings.clone();
    let digest = TakeSettings::digest_of(parts.iter().flat_map(Part::settings));
    if digest != settings.digest {
        return Err(MergeError::NotTheSettings { found: digest, expected: settings.digest });
    }
    check_builds(&parts)?;
    let started =
        SuiteStarted { version: REPORT_VERSION, takes: suite.takes, suite, partition: None, settings };
    let seconds = parts.iter().map(|part| part.seconds).fold(0.0, f64::max);
    let (mut finished, mut not_run) = (Vec::new(), Vec::new());
    for part in parts {
        finished.extend(part.finished);
        not_run.extend(part.not_run);
    }
    finished.sort_by(|one, other| one.name.cmp(&other.name));
    not_run.sort_by(|one, other| one.name.cmp(&other.name));
    let end = SuiteFinished::of(&finished, not_run.len() as u64, seconds);
    let mut events = vec![SuiteEvent::SuiteStarted(started)];
    events.extend(finished.into_iter().map(|take| SuiteEvent::TakeFinished(Box::new(take))));
    events.extend(not_run.into_iter().map(SuiteEvent::TakeNotRun));
    events.push(SuiteEvent::SuiteFinished(end));
    Ok(events)
}

/// Checks that the parts are of one suite, divided alike, each there once.
fn check_parts(parts: &[Part], first: &Part) -> Result<(), MergeError> {
    let divided = first.partition();
    let mut seen: BTreeMap<u64, &Part> = BTreeMap::new();
    for part in parts {
        let partition = part.partition();
        if part.started.suite != first.started.suite {
            return Err(MergeError::OtherTakes { report: part.name.clone(), first: first.name.clone() });
        }
        if let Some((what, found, expected)) = difference(&part.started.settings, &first.started.settings) {
            return Err(MergeError::OtherSettings {
                report: part.name.clone(),
                first: first.name.clone(),
                what,
                found,
                expected,
            });
        }
        if (partition.kind, partition.count) != (divided.kind, divided.count) {
            return Err(MergeError::OtherPartition {
                report: part.name.clone(),
                partition: partition.to_string(),
                first: first.name.clone(),
                other: divided.to_string(),
            });
        }
        if let Some(earlier) = seen.insert(partition.index, part) {
            return Err(MergeError::Doubled {
                report: part.name.clone(),
                first: earlier.name.clone(),
                partition: partition.to_string(),
            });
        }
    }
    // A report may claim any number of parts; the first few that are missing say enough.
    let missing = (1..=divided.count).filter(|index| !seen.contains_key(index)).take(SHOWN);
    let missing: Vec<String> = missing.map(|index| Partition { index, ..divided }.to_string()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(MergeError::Missing { missing: missing.join(", ") }),
    }
}

/// The first setting in which two runs differ: what it is, and both values.
fn difference(one: &SuiteSettings, other: &SuiteSettings) -> Option<(&'static str, String, String)> {
    // Taken apart, so that a setting that is added is compared.
    let values = |SuiteSettings { retake, engine, actor, fuel, require_build, digest }: &SuiteSettings| {
        let none = || "none".to_string();
        [
            ("retake", retake.clone()),
            ("the engine", engine.clone()),
            ("the build for all takes", actor.as_ref().map_or_else(none, |path| format!("`{path}`"))),
            ("the fuel for all takes", fuel.map_or_else(none, |fuel| fuel.to_string())),
            ("`require-build`", require_build.to_string()),
            ("settings of takes that come to SHA-256", digest.to_string()),
        ]
    };
    let mut pairs = values(one).into_iter().zip(values(other));
    pairs.find(|(one, other)| one != other).map(|((what, one), (_, other))| (what, one, other))
}

/// Checks that one path was one build, whichever part replayed it.
fn check_builds(parts: &[Part]) -> Result<(), MergeError> {
    let mut seen: BTreeMap<&str, (&Part, &TakeFinished, ContentRef)> = BTreeMap::new();
    for (part, take) in parts.iter().flat_map(|part| part.finished.iter().map(move |take| (part, take))) {
        let (Some(path), Some(digest)) = (&take.build.path, take.build.digest) else { continue };
        let (first, other, expected) = *seen.entry(path).or_insert((part, take, digest));
        if digest != expected {
            let seen = |part: &Part, take: &TakeFinished, digest| {
                Box::new(BuildSeen { digest, take: take.name.clone(), report: part.name.clone() })
            };
            let (found, expected) = (seen(part, take, digest), seen(first, other, expected));
            return Err(MergeError::OtherBuild { path: path.clone(), found, expected });
        }
    }
    Ok(())
}

/// How many missing parts are named.
const SHOWN: usize = 5;
