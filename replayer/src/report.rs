//! Owns the report of a replay: the results of the chains' re-runs and the state of the take, as one answer.

use std::collections::BTreeSet;

use retake_chain::{Seal, SealKind, SessionStart, TakeState, TheaterId};
use retake_verifier::{Divergence, RenamedInterface, ReplayReport, Report, RerunChain, Verdict, VerifyFault};

use crate::actor_rerun::ChainRerun;
use crate::error::ReplayError;
use crate::program::Program;
use crate::stand_in::RerunStop;
use crate::time_bound::{TimeBound, TimedOut};

/// How a take ends, as its reader found.
pub(crate) struct TakeEnd {
    pub state: TakeState,
    pub seal: Option<Seal>,
    pub bytes: u64,
}

/// What the re-runs of all chains found.
#[derive(Default)]
struct RerunFindings {
    calls: u64,
    given_up: u64,
    unchecked: u64,
    events: u64,
    chains: Vec<RerunChain>,
    renamed: BTreeSet<RenamedInterface>,
    /// The earliest difference, with its number in the take.
    divergence: Option<(u64, Box<Divergence>)>,
    /// The earliest re-run that took too long, with the number of the next event in the take.
    timed_out: Option<(u64, Box<TimedOut>)>,
    ends_inside_a_call: bool,
}

impl RerunFindings {
    /// Adds the re-run of a chain. Events from the number `intact` on do not have their hashes.
    fn add(&mut self, id: TheaterId, rerun: ChainRerun, intact: u64) -> Result<(), ReplayError> {
        self.calls += rerun.calls;
        self.given_up += rerun.given_up;
        self.unchecked += rerun.unchecked;
        self.events += rerun.events;
        self.chains.push(RerunChain { id, events: rerun.events, head: rerun.head });
        let renamed = rerun.renamed.into_iter();
        self.renamed.extend(renamed.map(|(recorded, replayed)| RenamedInterface { recorded, replayed }));
        match rerun.stop {
            Some(RerunStop::Failed(error)) => return Err(error),
            Some(RerunStop::RecordingEnds) => self.ends_inside_a_call = true,
            Some(RerunStop::Diverged(number, divergence)) => {
                if number < intact {
                    keep_earliest(&mut self.divergence, number, divergence);
                }
            }
            Some(RerunStop::TimedOut(number, place)) => {
                if number < intact {
                    keep_earliest(&mut self.timed_out, number, place);
                }
            }
            Some(RerunStop::Altered(..) | RerunStop::Superseded) | None => {}
        }
        Ok(())
    }
}

fn keep_earliest<T>(kept: &mut Option<(u64, T)>, number: u64, found: T) {
    if kept.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
        *kept = Some((number, found));
    }
}

/// Puts the report together. Events from the number `intact` on do not have their hashes.
pub(crate) fn summarize(
    first: &SessionStart,
    program: &Program,
    reruns: Vec<(TheaterId, ChainRerun)>,
    report: &Result<Report, VerifyFault>,
    intact: u64,
    end: &TakeEnd,
) -> Result<ReplayReport, ReplayError> {
    let mut found = RerunFindings::default();
    for (id, rerun) in reruns {
        found.add(id, rerun, intact)?;
    }
    let fault = report.as_ref().err().map(VerifyFault::to_string);
    // What stopped first in the take is the answer: a difference after a call that took too long may not be
    // the first.
    let timed_out = match (found.timed_out, &found.divergence) {
        (Some((number, _)), Some((earlier, _))) if earlier < &number => None,
        (timed_out, _) => timed_out.map(|(_, place)| place),
    };
    let is_whole =
        matches!(report, Ok(Report { state: TakeState::Sealed, seal: Some(SealKind::Complete), .. }));
    // A take that is not whole is worse than one that took too long.
    let timed_out = match timed_out {
        Some(place) if is_whole => return Err(ReplayError::TimedOut(place)),
        timed_out => timed_out.map(|place| place.to_string()),
    };
    let verdict = match (found.divergence, timed_out.as_ref().or(fault.as_ref())) {
        (Some((_, divergence)), _) if timed_out.is_none() => Verdict::Diverged(divergence),
        (_, Some(fault)) => Verdict::Unfinished { reason: fault.clone() },
        (_, None) if found.ends_inside_a_call => {
            Verdict::Unfinished { reason: "the recording ends inside a call".into() }
        }
        (_, None) if found.calls == found.unchecked => Verdict::NothingToCheck,
        (_, None) => Verdict::Identical,
    };
    Ok(ReplayReport {
        verdict,
        calls: found.calls,
        given_up: found.given_up,
        unchecked: found.unchecked,
        events: found.events,
        chains: found.chains,
        recorded_digest: first.actor.digest,
        replayed_digest: program.digest,
        profile: first.profile.clone(),
        renamed_interfaces: found.renamed.into_iter().collect(),
        take_state: report.as_ref().ok().map(|report| report.state),
        seal: end.seal.as_ref().map(|seal| seal.kind.clone()),
        fault,
    })
}

/// Why there is no answer for a take that was not read to the end for lack of time: the first re-run that was
/// stopped, if one was.
pub(crate) fn out_of_time(
    bound: TimeBound,
    events: u64,
    reruns: Vec<(TheaterId, ChainRerun)>,
) -> ReplayError {
    let stopped = reruns.into_iter().filter_map(|(_, rerun)| match rerun.stop {
        Some(RerunStop::TimedOut(number, place)) => Some((number, place)),
        _ => None,
    });
    match stopped.min_by_key(|(number, _)| *number) {
        Some((_, place)) => ReplayError::TimedOut(place),
        None => ReplayError::TakeTimedOut { bound, events },
    }
}
