//! Owns the run of a suite: its takes replayed side by side, and an event for all that happens.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use retake_actor::CodeCache;
use retake_chain::Printable;
use retake_replayer::{Job, Jobs, Programs, ReplayError, ReplayOptions};
use retake_verifier::suite::{
    Build, Judgement, SuiteEvent, SuiteFinished, TakeFinished, TakeNotRun, TakeStatus,
};
use retake_verifier::{ReplayReport, Verdict};

use crate::takes::Actors;
use crate::words::replay::{exit_code, not_replayed, nothing, words};

use super::load::Suite;
use super::take::SuiteTake;

/// Chains that are re-run at once, over all takes that are.
const CHAINS_AT_ONCE: usize = 1024;
/// Chains of one take that are re-run at once, however many takes are.
const LEAST_CHAINS_AT_ONCE: usize = 64;

/// How a suite is run.
pub struct Limits {
    /// Takes, and calls of long takes, that are replayed at once.
    pub jobs: usize,
    /// Begin no take after one has failed.
    pub fail_fast: bool,
}

/// Replays the takes of a suite. `hear` gets every event, in the order in which they come about.
pub fn run(
    suite: &Suite,
    limits: &Limits,
    code_cache: Option<Arc<CodeCache>>,
    mut hear: impl FnMut(&SuiteEvent),
) -> SuiteFinished {
    let begin = Instant::now();
    hear(&SuiteEvent::SuiteStarted(suite.started.clone()));
    let jobs = Jobs::new(limits.jobs);
    let workers = limits.jobs.min(suite.takes.len());
    let runner = Runner {
        takes: &suite.takes,
        next: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
        fail_fast: limits.fail_fast,
        actors: Actors::default(),
        options: ReplayOptions {
            code_cache,
            programs: Some(Programs::new()),
            jobs: Some(jobs.clone()),
            // However many takes there are at once, threads are about as many as for one.
            chains_at_once: NonZero::new((CHAINS_AT_ONCE / workers.max(1)).max(LEAST_CHAINS_AT_ONCE)),
            ..ReplayOptions::default()
        },
    };
    let (events, heard) = channel();
    let (mut finished, mut not_run) = (Vec::new(), 0);
    thread::scope(|scope| {
        // Who replays takes has a place; who has no more leaves it to the calls of those that are left.
        let places: Vec<Option<Job>> = (0..workers).map(|_| jobs.take()).collect();
        for place in places {
            let (runner, events) = (&runner, events.clone());
            scope.spawn(move || {
                let _place = place;
                runner.work(&events);
            });
        }
        drop(events);
        for event in heard {
            hear(&event);
            match event {
                SuiteEvent::TakeFinished(take) => {
                    // The report is the greater part, and nobody needs it any more.
                    finished.push(TakeFinished { report: None, text: None, ..*take });
                }
                SuiteEvent::TakeNotRun { .. } => not_run += 1,
                _ => {}
            }
        }
    });
    let end = SuiteFinished::of(&finished, not_run, begin.elapsed().as_secs_f64());
    hear(&SuiteEvent::SuiteFinished(end.clone()));
    end
}

/// What the workers share.
struct Runner<'a> {
    takes: &'a [SuiteTake],
    next: AtomicUsize,
    stopped: AtomicBool,
    fail_fast: bool,
    actors: Actors,
    options: ReplayOptions,
}

impl Runner<'_> {
    /// Replays takes until there are no more.
    fn work(&self, events: &Sender<SuiteEvent>) {
        // Whoever listens does so until the last worker is gone.
        let tell = |event| events.send(event).expect("the run listens to its workers");
        while let Some(take) = self.takes.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.stopped.load(Ordering::Relaxed) {
                let SuiteTake { name, id, settings, .. } = take;
                let (name, id, settings) = (name.clone(), id.clone(), settings.clone());
                tell(SuiteEvent::TakeNotRun(TakeNotRun { name, id, settings }));
                continue;
            }
            tell(SuiteEvent::TakeStarted { name: take.name.clone() });
            let finished = self.replay(take);
            if self.fail_fast && finished.status != TakeStatus::Passed {
                self.stopped.store(true, Ordering::Relaxed);
            }
            tell(SuiteEvent::TakeFinished(Box::new(finished)));
        }
    }

    fn replay(&self, take: &SuiteTake) -> TakeFinished {
        let begin = Instant::now();
        let options = ReplayOptions {
            fuel_if_unbounded: take.settings.fuel,
            timeouts: take.timeouts,
            ..self.options.clone()
        };
        let replayed = self.actors.replay(&take.path, take.actor.as_deref(), options);
        let seconds = begin.elapsed().as_secs_f64();
        let (Judgement { status, exit, reason }, text) = judge(take, &replayed);
        let report = replayed.ok();
        TakeFinished {
            name: take.name.clone(),
            id: take.id.clone(),
            status,
            exit,
            settings: take.settings.clone(),
            build: self.build(take, report.as_ref()),
            calls: report.as_ref().map_or(0, ReplayReport::checked_calls),
            given_up: report.as_ref().map_or(0, |report| report.given_up),
            unchecked_calls: report.as_ref().map_or(0, |report| report.unchecked),
            events: report.as_ref().map_or(0, |report| report.events),
            seconds,
            reason,
            text,
            report,
        }
    }
}

impl Runner<'_> {
    /// Which component was replayed, or would have been.
    fn build(&self, take: &SuiteTake, report: Option<&ReplayReport>) -> Build {
        let read = || take.actor.as_deref().and_then(|path| self.actors.named(path).ok());
        let digest = report.map(|report| report.replayed_digest).or_else(|| Some(read()?.digest));
        Build { source: take.settings.source(), path: take.settings.actor.clone(), digest }
    }
}

/// What is to be said of a take that came out so.
fn judge(take: &SuiteTake, replayed: &Result<ReplayReport, ReplayError>) -> (Judgement, Option<String>) {
    match replayed {
        Ok(report) => {
            let mut judgement = take.settings.judge(report);
            if judgement.status == TakeStatus::Passed {
                return (judgement, None);
            }
            let full = words(Path::new(&take.name), report);
            let unexpected = judgement.reason.take();
            let text = match &unexpected {
                Some(reason) => format!("{}: {reason}\n{full}", take.name),
                None => full.clone(),
            };
            judgement.reason = unexpected.or_else(|| Some(short(report, &full)));
            (judgement, Some(text))
        }
        Err(error) => {
            let exit = exit_code(error);
            let error = Printable(not_replayed(error)).to_string();
            let text = Some(format!("`{}`: {error}", take.name));
            let reason = Some(error);
            (Judgement { status: TakeStatus::of(exit), exit, reason }, text)
        }
    }
}

/// Why a take failed, in one line of the full text: the divergence, or else the verdict.
fn short(report: &ReplayReport, full: &str) -> String {
    let text = match &report.verdict {
        Verdict::Diverged(divergence) => divergence.to_string(),
        Verdict::Unfinished { reason } => reason.clone(),
        Verdict::NothingToCheck => nothing(report).to_string(),
        _ => full.lines().nth(1).unwrap_or(full).trim().to_string(),
    };
    text.lines().next().unwrap_or_default().to_string()
}
