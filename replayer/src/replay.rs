//! Owns [`replay`]: reads a take from front to back and re-runs its chains while it reads. If there are more
//! chains than can be re-run at once, it reads the take again for the others. If it is open whether another
//! build exhausted its stack as the recorded one did, it replays the take once more with the recorded stack.

use std::io::{Read, Seek};
use std::sync::Arc;
use std::thread::{self, Scope};

use retake_actor::Ticker;
use retake_chain::{ChainEventPayload, ChainNumber, LogReader, Record, SessionStart, TakeState};
use retake_verifier::{
    Checked, IntegrityChecker, RecordCheck, ReplayReport, Report, Verdict, VerifyError, VerifyFault,
};

use crate::actor_bytes::ActorBytes;
use crate::chain_reruns::ChainReruns;
use crate::clocks::TakeClock;
use crate::earliest::Earliest;
use crate::error::ReplayError;
use crate::options::ReplayOptions;
use crate::program::Program;
use crate::report::{TakeEnd, out_of_time, summarize};
use crate::segments::{RerunConfig, Segments};
use crate::stack::{StackRoom, StackRule};
use crate::time_bound::TimeBound;
use crate::window::Position;

/// Re-runs the actor of a take from the take alone, and checks every event.
///
/// Up to `ReplayOptions::chains_at_once` chains run at once, each on a thread of its own. If more are under
/// way in the take, it is read again for the others. Memory is bounded by what is read ahead for all chains
/// together. It does not depend on the length of the take, of a chain or of a call, or on the number of
/// chains. A difference is an answer, not an error.
///
/// # Errors
/// [`ReplayError`] if the take cannot be read as far as its first genesis, or the actor cannot be loaded or
/// run.
pub fn replay(input: impl Read + Seek, actor: ActorBytes<'_>) -> Result<ReplayReport, ReplayError> {
    replay_with(input, actor, ReplayOptions::default())
}

/// As [`replay`], with options.
///
/// # Errors
/// As [`replay`], and [`ReplayError::TwoBounds`].
pub fn replay_with(
    mut input: impl Read + Seek,
    mut actor: ActorBytes<'_>,
    options: ReplayOptions,
) -> Result<ReplayReport, ReplayError> {
    let clock = TakeClock::start(options.timeouts);
    let earliest = Arc::new(Earliest::new());
    let ample = replay_once(&mut input, &mut actor, &options, clock, StackRoom::Ample, earliest.clone());
    // Other errors are the answer, whatever the guests did.
    let is_answer = matches!(ample, Ok(_) | Err(ReplayError::TimedOut(_)));
    let Some(undecided) = earliest.undecided().filter(|_| is_answer) else { return ample };
    // Every guest before that came to an end by itself, so an engine that cannot interrupt it can re-run it.
    input.rewind().map_err(ReplayError::not_read_again)?;
    let earliest = Arc::new(Earliest::in_part(undecided));
    match replay_once(&mut input, &mut actor, &options, clock, StackRoom::AsRecorded, earliest) {
        Err(_) if ample.is_err() => ample,
        Ok(report) if undecided.end.is_some() && !matches!(report.verdict, Verdict::Diverged(_)) => ample,
        as_recorded => as_recorded,
    }
}

/// Replays the take with this much stack, as far as `earliest` says.
fn replay_once(
    mut input: impl Read + Seek,
    actor: &mut ActorBytes<'_>,
    options: &ReplayOptions,
    clock: TakeClock,
    room: StackRoom,
    earliest: Arc<Earliest>,
) -> Result<ReplayReport, ReplayError> {
    thread::scope(|scope| {
        let mut reader = LogReader::open(&mut input)
            .map_err(|fault| VerifyError { fault: fault.into(), checked: Checked::default() })?;
        let mut replay = Replay {
            scope,
            actor,
            options,
            room,
            embedded: Vec::new(),
            first: None,
            checker: IntegrityChecker::new(),
            chains: ChainReruns::new(options.chains_at_once()),
            earliest,
            clock,
            ticker: None,
            out_of_time: None,
        };
        let fault = replay.read(&mut reader)?;
        let end = TakeEnd { state: reader.state(), seal: reader.seal().cloned(), bytes: reader.bytes() };
        drop(reader);
        replay.end_pass()?;
        while replay.chains.put_off() > 0 && replay.out_of_time.is_none() {
            input.rewind().map_err(ReplayError::not_read_again)?;
            let mut reader = LogReader::open(&mut input).map_err(ReplayError::not_read_again)?;
            replay.read_again(&mut reader)?;
            replay.end_pass()?;
        }
        replay.finish(&end, fault)
    })
}

struct Replay<'scope, 'env, 'a, 'actor> {
    scope: &'scope Scope<'scope, 'env>,
    actor: &'a mut ActorBytes<'actor>,
    options: &'a ReplayOptions,
    /// How much stack the re-runs have.
    room: StackRoom,
    embedded: Vec<u8>,
    /// What the first genesis says, and the program made for it.
    first: Option<(Box<SessionStart>, Arc<Program>)>,
    checker: IntegrityChecker,
    chains: ChainReruns<'scope, 'env>,
    /// Where a re-run stopped first.
    earliest: Arc<Earliest>,
    clock: TakeClock,
    ticker: Option<Ticker>,
    /// The bound that stopped the reading of the take.
    out_of_time: Option<TimeBound>,
}

impl<'scope, 'env> Replay<'scope, 'env, '_, '_> {
    /// Reads to the end of the take, or to its first fault, which is returned.
    fn read<R: Read>(&mut self, reader: &mut LogReader<R>) -> Result<Option<VerifyFault>, ReplayError> {
        loop {
            if self.is_out_of_time() {
                return Ok(None);
            }
            let record = match reader.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(None),
                Err(fault) => return Ok(Some(fault.into())),
            };
            // The hashes are checked where the chains are re-run.
            let payload = match self.checker.record_with(&record, RecordCheck::unhashed(&record)) {
                Ok(payload) => payload,
                Err(fault) => return Ok(Some(fault.into())),
            };
            match (record, payload) {
                (Record::Actor { bytes, .. }, _) => self.embedded.extend_from_slice(&bytes),
                (Record::Chain { id, .. }, _) => self.chains.add(id),
                (Record::Event { number, chain, event, offset }, Some(payload)) => {
                    if let ChainEventPayload::Session(start) = &payload {
                        self.begin(chain, start)?;
                    }
                    self.chains.push(chain, event, payload, Position { number, offset })?;
                }
                (Record::Event { .. }, None) => {}
            }
        }
    }

    /// Reads the take again, as far as it was found to be right, for chains that were put off.
    fn read_again<R: Read>(&mut self, reader: &mut LogReader<R>) -> Result<(), ReplayError> {
        // Those that were put off before; others may be put off now.
        let mut left = self.chains.put_off();
        while (left > 0 || self.chains.is_active()) && !self.is_out_of_time() {
            let record = match reader.next_record() {
                Ok(Some(record)) => record,
                Ok(None) | Err(_) => break,
            };
            let Record::Event { number, chain, event, offset } = record else { continue };
            if number >= self.checker.events() {
                break;
            }
            let begins = event.parent_hash.is_none();
            if !self.chains.wants(chain, begins) {
                continue;
            }
            let payload = event.payload().map_err(|_| ReplayError::TakeChanged)?;
            if begins {
                let ChainEventPayload::Session(start) = &payload else {
                    return Err(ReplayError::TakeChanged);
                };
                left = left.saturating_sub(1);
                self.begin(chain, start)?;
            }
            self.chains.push(chain, event, payload, Position { number, offset })?;
            self.chains.close_if_whole(chain, &self.checker);
        }
        Ok(())
    }

    /// Whether the time for the take is over. Then it is read no further, and the re-runs under way say where
    /// they were.
    fn is_out_of_time(&mut self) -> bool {
        self.out_of_time = self.out_of_time.or_else(|| self.clock.exceeded());
        self.out_of_time.is_some()
    }

    /// Starts the re-run of a chain whose genesis was read, or puts it off.
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
                let program = self.options.program(&actor, &start.profile, self.room)?;
                self.earliest.interrupts(&program.engine);
                self.ticker = self.clock.ticker(&program.engine)?;
                self.first = Some((Box::new(start.clone()), program.clone()));
                program
            }
        };
        let config = RerunConfig {
            stack: StackRule::of(self.room, program.digest == start.actor.digest),
            program,
            mode: start.instance_mode,
            earliest: self.earliest.clone(),
            clock: self.clock,
            flow: self.chains.flow().clone(),
            slots: self.options.slots.clone(),
            thread_per_call: self.options.thread_per_call,
        };
        let scope = self.scope;
        self.chains.begin(number, &self.checker, |id| Segments::begin(scope, config, number, id))
    }

    /// The take was read to the end, or as far as it can be: waits for the re-runs.
    fn end_pass(&mut self) -> Result<(), ReplayError> {
        // Without the time to read the take, the re-runs have not got all events.
        let checker = self.out_of_time.is_none().then_some(&self.checker);
        self.chains.end_pass(checker)
    }

    /// Puts the report together.
    fn finish(self, end: &TakeEnd, fault: Option<VerifyFault>) -> Result<ReplayReport, ReplayError> {
        let checked = Checked {
            chains: self.checker.chains(),
            events: self.checker.events(),
            calls: self.checker.calls(),
        };
        let mut reruns = self.chains.into_results();
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
            None => self.checker.finish(end.state, end.seal.as_ref(), end.bytes).map_err(VerifyFault::from),
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
        summarize(&first, &program, reruns, &report, intact, end)
    }
}
