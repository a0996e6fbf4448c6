//! Owns the merging of the reports of all parts into one result for the suite. A part that is missing,
//! duplicate, cut off or of different takes is refused: a result for less than the suite would look like one
//! for the suite.

use std::collections::BTreeMap;

use retake_chain::ContentRef;

use super::event::{REPORT_VERSION, SuiteEvent, SuiteFinished, SuiteStarted, TakeFinished};
use super::identity::{SuiteId, TakeId};
use super::merge_error::{BuildSeen, MergeError};
use super::part_report::PartReport;
use super::partition::Partition;
use super::settings::{SuiteSettings, TakeSettings};

/// How many missing parts an error names.
const MAX_NAMED: usize = 5;

/// Merges the reports of all parts of a suite into the events of one run. The takes come in the order of
/// their names.
///
/// # Errors
/// [`MergeError`] if the reports are not those of all parts of one suite.
pub fn merge(parts: Vec<PartReport>) -> Result<Vec<SuiteEvent>, MergeError> {
    let Some(first) = parts.first() else { return Err(MergeError::NoReport) };
    let suite = first.started.suite.clone();
    check_parts(&parts, first)?;
    let ids: Vec<&TakeId> = parts.iter().flat_map(PartReport::ids).collect();
    if SuiteId::of(ids.iter().copied()) != suite {
        return Err(MergeError::NotTheSuite { found: ids.len() as u64, expected: suite.takes });
    }
    let settings = first.started.settings.clone();
    let digest = TakeSettings::digest_of(parts.iter().flat_map(PartReport::settings));
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

/// Checks that the reports are of one suite, divided in one way, with each part once.
fn check_parts(parts: &[PartReport], first: &PartReport) -> Result<(), MergeError> {
    let divided = first.partition();
    let mut seen: BTreeMap<u64, &PartReport> = BTreeMap::new();
    for part in parts {
        let partition = part.partition();
        if part.started.suite != first.started.suite {
            return Err(MergeError::DifferentSuites { report: part.name.clone(), first: first.name.clone() });
        }
        if let Some((what, found, expected)) = difference(&part.started.settings, &first.started.settings) {
            return Err(MergeError::DifferentSettings {
                report: part.name.clone(),
                first: first.name.clone(),
                what,
                found,
                expected,
            });
        }
        if (partition.kind, partition.count) != (divided.kind, divided.count) {
            return Err(MergeError::DifferentPartitions {
                report: part.name.clone(),
                partition: partition.to_string(),
                first: first.name.clone(),
                other: divided.to_string(),
            });
        }
        if let Some(earlier) = seen.insert(partition.index, part) {
            return Err(MergeError::DuplicatePart {
                report: part.name.clone(),
                first: earlier.name.clone(),
                partition: partition.to_string(),
            });
        }
    }
    // A report may claim any number of parts, so the error names only the first few missing ones.
    let missing = (1..=divided.count).filter(|index| !seen.contains_key(index)).take(MAX_NAMED);
    let missing: Vec<String> = missing.map(|index| Partition { index, ..divided }.to_string()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(MergeError::Missing { missing: missing.join(", ") }),
    }
}

/// The first setting in which two runs differ: its name and both values.
fn difference(one: &SuiteSettings, other: &SuiteSettings) -> Option<(&'static str, String, String)> {
    // The pattern names every field, so a new setting cannot be forgotten here.
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

/// Checks that all parts replayed the same build at the same path.
fn check_builds(parts: &[PartReport]) -> Result<(), MergeError> {
    let mut seen: BTreeMap<&str, (&PartReport, &TakeFinished, ContentRef)> = BTreeMap::new();
    for (part, take) in parts.iter().flat_map(|part| part.finished.iter().map(move |take| (part, take))) {
        let (Some(path), Some(digest)) = (&take.build.path, take.build.digest) else { continue };
        let (first, other, expected) = *seen.entry(path).or_insert((part, take, digest));
        if digest != expected {
            let seen = |part: &PartReport, take: &TakeFinished, digest| {
                Box::new(BuildSeen { digest, take: take.name.clone(), report: part.name.clone() })
            };
            let (found, expected) = (seen(part, take, digest), seen(first, other, expected));
            return Err(MergeError::DifferentBuilds { path: path.clone(), found, expected });
        }
    }
    Ok(())
}
