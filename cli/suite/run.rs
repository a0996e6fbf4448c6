//! Owns the run of a suite: its takes are replayed in parallel, and each step is an event.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use retake_actor::CodeCache;
use retake_chain::Printable;
use retake_replayer::{Programs, ReplayError, ReplayOptions, RerunSlot, RerunSlots};
use retake_verifier::suite::{
    Build, Judgement, SuiteEvent, SuiteFinished, TakeFinished, TakeNotRun, TakeStatus,
};
use retake_verifier::{ReplayReport, Verdict};

use crate::takes::ActorFiles;
use crate::words::replay::{exit_code, not_replayed, nothing, words};

use super::load::Suite;
use super::take::SuiteTake;

/// Chains that are re-run in parallel, over all takes.
const CHAINS_AT_ONCE: usize = 1024;
/// Chains of one take that are always allowed in parallel.
const LEAST_CHAINS_AT_ONCE: usize = 64;

/// How a suite is run.
pub struct RunLimits {
    /// Takes, and calls of long takes, that are replayed in parallel.
    pub jobs: usize,
    /// Start no further take after one failed.
    pub fail_fast: bool,
}

/// Replays the takes of a suite. `hear` gets every event, in the order in which they happen.
pub fn run(
    suite: &Suite,
    limits: &RunLimits,
    code_cache: Option<Arc<CodeCache>>,
    mut hear: impl FnMut(&SuiteEvent),
) -> SuiteFinished {
    let begin = Instant::now();
    hear(&SuiteEvent::SuiteStarted(suite.started.clone()));
    let slots = RerunSlots::new(limits.jobs);
    let workers = limits.jobs.min(suite.takes.len());
    let runner = Runner {
        takes: &suite.takes,
        next: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
        fail_fast: limits.fail_fast,
        actors: ActorFiles::default(),
        options: ReplayOptions {
            code_cache,
            programs: Some(Programs::new()),
            slots: Some(slots.clone()),
            // The number of threads hardly depends on the number of takes.
            chains_at_once: NonZero::new((CHAINS_AT_ONCE / workers.max(1)).max(LEAST_CHAINS_AT_ONCE)),
            ..ReplayOptions::default()
        },
    };
    let (events, heard) = channel();
    let (mut finished, mut not_run) = (Vec::new(), 0);
    thread::scope(|scope| {
        // A worker holds a slot while it replays takes. Then it leaves the slot to the calls of the takes
        // that are left.
        let held: Vec<Option<RerunSlot>> = (0..workers).map(|_| slots.take()).collect();
        for slot in held {
            let (runner, events) = (&runner, events.clone());
            scope.spawn(move || {
                let _slot = slot;
                runner.work(&events);
            });
        }
        drop(events);
        for event in heard {
            hear(&event);
            match event {
                SuiteEvent::TakeFinished(take) => {
                    // The report is the largest part, and is not needed any more.
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
    actors: ActorFiles,
    options: ReplayOptions,
}

impl Runner<'_> {
    /// Replays takes until there are no more.
    fn work(&self, events: &Sender<SuiteEvent>) {
        // The run listens until the last worker has ended.
        let report = |event| events.send(event).expect("the run listens to its workers");
        while let Some(take) = self.takes.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.stopped.load(Ordering::Relaxed) {
                let SuiteTake { name, id, settings, .. } = take;
                let (name, id, settings) = (name.clone(), id.clone(), settings.clone());
                report(SuiteEvent::TakeNotRun(TakeNotRun { name, id, settings }));
                continue;
            }
            report(SuiteEvent::TakeStarted { name: take.name.clone() });
            let finished = self.replay(take);
            if self.fail_fast && finished.status != TakeStatus::Passed {
                self.stopped.store(true, Ordering::Relaxed);
            }
            report(SuiteEvent::TakeFinished(Box::new(finished)));
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

/// The judgement on a take, and the text for people.
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
