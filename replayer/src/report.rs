//! Owns the report of a replay: what the re-runs of the chains found, and what the reader found of the take, as one answer.

use std::collections::BTreeSet;

use retake_chain::{SealKind, SessionStart, TakeState, TheaterId};
use retake_verifier::{
    Divergence, RenamedInterface, ReplayReport, ReplayedChain, Report, Verdict, VerifyFault,
};

use crate::actor_rerun::ChainRerun;
use crate::error::ReplayError;
use crate::program::Program;
use crate::replay::TakeEnd;
use crate::stand_in::Stop;
use crate::timeouts::TimedOut;

/// Puts the report together. Events from the number `intact` on are not what their hashes say.
pub(crate) fn summarize(
    first: &SessionStart,
    program: &Program,
    reruns: Vec<(TheaterId, ChainRerun)>,
    report: &Result<Report, VerifyFault>,
    intact: u64,
    end: &TakeEnd,
) -> Result<ReplayReport, ReplayError> {
    let (mut calls, mut given_up, mut unchecked, mut events) = (0, 0, 0, 0);
    let mut chains = Vec::new();
    let mut renamed_interfaces = BTreeSet::new();
    let mut earliest: Option<(u64, Box<Divergence>)> = None;
    let mut timed_out: Option<(u64, Box<TimedOut>)> = None;
    let mut ends_inside_a_call = false;
    for (id, rerun) in reruns {
        calls += rerun.calls;
        given_up += rerun.given_up;
        unchecked += rerun.unchecked;
        events += rerun.events;
        chains.push(ReplayedChain { id, events: rerun.events, head: rerun.head });
        let renamed = rerun.renamed.into_iter();
        renamed_interfaces
            .extend(renamed.map(|(recorded, replayed)| RenamedInterface { recorded, replayed }));
        match rerun.stop {
            Some(Stop::Failed(error)) => return Err(error),
            Some(Stop::RecordingEnds) => ends_inside_a_call = true,
            Some(Stop::Diverged(number, divergence)) => {
                if number < intact && earliest.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
                    earliest = Some((number, divergence));
                }
            }
            Some(Stop::TimedOut(number, place)) => {
                if number < intact && timed_out.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
                    timed_out = Some((number, place));
                }
            }
            Some(Stop::Altered(..) | Stop::Superseded) | None => {}
        }
    }
    let fault = report.as_ref().err().map(VerifyFault::to_string);
    // What stopped first in the take is the answer; a difference after a call that took too long may not be the first.
    let timed_out = match (timed_out, &earliest) {
        (Some((number, _)), Some((earlier, _))) if earlier < &number => None,
        (timed_out, _) => timed_out.map(|(_, place)| place),
    };
    let is_whole =
        matches!(report, Ok(Report { state: TakeState::Sealed, seal: Some(SealKind::Complete), .. }));
    // That the take is not whole is graver.
    let timed_out = match timed_out {
        Some(place) if is_whole => return Err(ReplayError::TimedOut(place)),
        timed_out => timed_out.map(|place| place.to_string()),
    };
    let verdict = match (earliest, timed_out.as_ref().or(fault.as_ref())) {
        (Some((_, divergence)), _) if timed_out.is_none() => Verdict::Diverged(divergence),
        (_, Some(fault)) => Verdict::Unfinished { reason: fault.clone() },
        (_, None) if ends_inside_a_call => {
            Verdict::Unfinished { reason: "the recording ends inside a call".into() }
        }
        (_, None) if calls == unchecked => Verdict::NothingToCheck,
        (_, None) => Verdict::Identical,
    };
    Ok(ReplayReport {
        verdict,
        calls,
        given_up,
        unchecked,
        events,
        chains,
        recorded_digest: first.actor.digest,
        replayed_digest: program.digest,
        profile: first.profile.clone(),
        renamed_interfaces: renamed_interfaces.into_iter().collect(),
        take_state: report.as_ref().ok().map(|report| report.state),
        seal: end.seal.as_ref().map(|seal| seal.kind.clone()),
        fault,
    })
}
