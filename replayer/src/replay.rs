//! Owns [`replay`]: reads a take once, from front to back, and re-runs its chains beside each other as they stream.

use std::io::Read;
use std::sync::Arc;
use std::thread::{self, Scope};

use retake_chain::{ChainEventPayload, ChainNumber, LogReader, Record, SessionStart, TakeState, TheaterId};
use retake_verifier::{Alone, Checked, IntegrityChecker, ReplayReport, Report, VerifyError, VerifyFault};

use crate::actor_rerun::ChainRerun;
use crate::earliest::Earliest;
use crate::error::ReplayError;
use crate::options::{ActorBytes, ReplayOptions};
use crate::program::Program;
use crate::report::summarize;
use crate::segments::{Course, Segments};
use crate::stand_in::Stop;
use crate::timeouts::{TakeClock, Ticker, TimeBound};
use crate::window::Position;

/// Re-runs the actor of a take from the take alone, and checks every event.
///
/// Chains run beside each other, each on a thread of its own; memory is bounded by the windows that are read ahead,
/// whatever the length of the take, of a chain or of a call. A difference is an answer, not an error.
///
/// # Errors
/// [`ReplayError`] if the take cannot be read as far as its first genesis, or the actor cannot be had or run.
pub fn replay(input: impl Read, actor: ActorBytes<'_>) -> Result<ReplayReport, ReplayError> {
    replay_with(input, actor, ReplayOptions::default())
}

/// As [`replay`], with options.
///
/// # Errors
/// As [`replay`], and [`ReplayError::TwoBounds`].
pub fn replay_with(
    input: impl Read,
    actor: ActorBytes<'_>,
    options: ReplayOptions,
) -> Result<ReplayReport, ReplayError> {
    let clock = TakeClock::start(options.timeouts);
    let mut reader = LogReader::open(input)
        .map_err(|fault| VerifyError { fault: fault.into(), checked: Checked::default() })?;
    thread::scope(|scope| {
        let mut replay = Replay {
            scope,
            actor,
            options,
            embedded: Vec::new(),
            first: None,
            checker: IntegrityChecker::new(),
            chains: Vec::new(),
            earliest: Arc::new(Earliest::new()),
            clock,
            ticker: None,
            out_of_time: None,
        };
        let fault = replay.read(&mut reader)?;
        replay.finish(&reader, fault)
    })
}

struct Replay<'scope, 'env, 'a> {
    scope: &'scope Scope<'scope, 'env>,
    actor: ActorBytes<'a>,
    options: ReplayOptions,
    embedded: Vec<u8>,
    /// What the first genesis says, and the program made for it.
    first: Option<(Box<SessionStart>, Arc<Program>)>,
    checker: IntegrityChecker,
    chains: Vec<Chain<'scope, 'env>>,
    /// Where a re-run stopped first.
    earliest: Arc<Earliest>,
    clock: TakeClock,
    ticker: Option<Ticker>,
    /// The take was not read further, for lack of time.
    out_of_time: Option<TimeBound>,
}

/// A chain of the take; it is re-run from its genesis on.
struct Chain<'scope, 'env> {
    id: TheaterId,
    running: Option<Segments<'scope, 'env>>,
}

impl Replay<'_, '_, '_> {
    /// Reads to the end of the take, or to its first fault, which is returned.
    fn read<R: Read>(&mut self, reader: &mut LogReader<R>) -> Result<Option<VerifyFault>, ReplayError> {
        loop {
            if let Some(bound) = self.clock.exceeded() {
                // The re-runs that are under way say where they were, if any of them computes.
                self.out_of_time = Some(bound);
                return Ok(None);
            }
            let record = match reader.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(None),
                Err(fault) => return Ok(Some(fault.into())),
            };
            // The hashes are checked where the chains are re-run.
            let payload = match self.checker.record_with(&record, Alone::unhashed(&record)) {
                Ok(payload) => payload,
                Err(fault) => return Ok(Some(fault.into())),
            };
            match (record, payload) {
                (Record::Actor { bytes, .. }, _) => self.embedded.extend_from_slice(&bytes),
                (Record::Chain { id, .. }, _) => self.chains.push(Chain { id, running: None }),
                (Record::Event { number, chain, event, offset }, Some(payload)) => {
                    if let ChainEventPayload::Session(start) = &payload {
                        self.begin(chain, start)?;
                    }
                    if let Some(Chain { running: Some(segments), .. }) = self.chains.get_mut(chain.0 as usize)
                    {
                        segments.push(event, payload, Position { number, offset })?;
                    }
                }
                (Record::Event { .. }, None) => {}
            }
        }
    }

    /// Starts the re-run of a chain whose genesis is there.
    fn begin(&mut self, number: ChainNumber, start: &SessionStart) -> Result<(), ReplayError> {
        let program = match &self.first {
            Some((first, _))
                if first.actor.digest != start.actor.digest || first.profile != start.profile =>
            {
                return Err(ReplayError::MixedSession { chain: number.0 });
            }
            Some((_, program)) => program.clone(),
            None => {
                let actor = self.actor.load(start, &mut self.embedded)?;
                let program = self.options.program(&actor, start)?;
                self.earliest.interrupts(&program.engine);
                self.ticker = self.clock.ticker(&program.engine)?;
                self.first = Some((Box::new(start.clone()), program.clone()));
                program
            }
        };
        let course = Course {
            program,
            mode: start.instance_mode,
            earliest: self.earliest.clone(),
            clock: self.clock,
            jobs: self.options.jobs.clone(),
            thread_per_call: self.options.thread_per_call,
        };
        let Some(chain) = self.chains.get_mut(number.0 as usize) else { return Ok(()) };
        chain.running = Some(Segments::begin(self.scope, course, number, chain.id)?);
        Ok(())
    }

    /// Waits for the re-runs and puts the report together.
    fn finish<R: Read>(
        self,
        reader: &LogReader<R>,
        fault: Option<VerifyFault>,
    ) -> Result<ReplayReport, ReplayError> {
        let checked = Checked {
            chains: self.checker.chains(),
            events: self.checker.events(),
            calls: self.checker.calls(),
        };
        let mut running: Vec<_> =
            self.chains.into_iter().filter_map(|chain| Some((chain.id, chain.running?))).collect();
        running.iter_mut().for_each(|(_, segments)| segments.close());
        let mut reruns = Vec::new();
        for (id, segments) in running {
            reruns.push((id, segments.finish()?));
        }
        if let Some(bound) = self.out_of_time {
            return Err(out_of_time(bound, self.checker.events(), reruns));
        }
        // Every event of a chain was found to be in its place before the chain's thread checked its hash.
        let altered = reruns.iter_mut().filter_map(|(_, rerun)| rerun.altered.take());
        let (intact, fault) = match altered.min_by_key(|(number, _)| *number) {
            Some((number, altered)) => (number, Some(altered.into())),
            None => (u64::MAX, fault),
        };
        let report = match fault {
            None => {
                self.checker.finish(reader.state(), reader.seal(), reader.bytes()).map_err(VerifyFault::from)
            }
            Some(fault) => Err(fault),
        };
        let Some((first, program)) = self.first else {
            return match report {
                Ok(Report { state: TakeState::Sealed, .. }) => Err(ReplayError::NothingToCheck),
                Ok(Report { state: TakeState::Torn { offset }, .. }) => {
                    Err(ReplayError::TornEarly { offset })
                }
                Ok(Report { state: TakeState::Unsealed, .. }) => Err(ReplayError::UnsealedEarly),
                Err(fault) => Err(VerifyError { fault, checked }.into()),
            };
        };
        summarize(&first, &program, reruns, &report, intact, reader)
    }
}

/// Why there is no answer for a take that was not read to its end for lack of time: the first re-run that was stopped, if one was.
fn out_of_time(bound: TimeBound, events: u64, reruns: Vec<(TheaterId, ChainRerun)>) -> ReplayError {
    let stopped = reruns.into_iter().filter_map(|(_, rerun)| match rerun.stop {
        Some(Stop::TimedOut(number, place)) => Some((number, place)),
        _ => None,
    });
    match stopped.min_by_key(|(number, _)| *number) {
        Some((_, place)) => ReplayError::TimedOut(place),
        None => ReplayError::TakeTimedOut { bound, events },
    }
}
