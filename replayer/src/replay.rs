//! Owns [`replay`]: reads a take from front to back, and re-runs its chains beside each other as they stream. Up to 1024 run at once; those
//! that get no place are re-run when the take is read again. Where another build may or may not have exhausted its stack as the recorded one
//! did, the take is replayed once more, as it was recorded.

use std::io::{Read, Seek};
use std::sync::Arc;
use std::thread::{self, Scope};

use retake_chain::{
    ChainEvent, ChainEventPayload, ChainNumber, LogReader, Record, Seal, SessionStart, TakeState, TheaterId,
};
use retake_verifier::{
    Checked, IntegrityChecker, RecordCheck, ReplayReport, Report, Verdict, VerifyError, VerifyFault,
};

use crate::actor_rerun::ChainRerun;
use crate::earliest::Earliest;
use crate::error::ReplayError;
use crate::options::{ActorBytes, ReplayOptions};
use crate::program::Program;
use crate::report::summarize;
use crate::segments::{Course, Segments};
use crate::stack::{StackRoom, StackRule};
use crate::stand_in::Stop;
use crate::timeouts::{TakeClock, Ticker, TimeBound};
use crate::window::{Flow, Position};

/// Re-runs the actor of a take from the take alone, and checks every event.
///
/// Chains run beside each other, each on a thread of its own, up to a number. Where more of
/// them are under way at one place of the take, the take is read again for those that had no place. Memory is bounded by what is read
/// ahead for all of them together, whatever the length of the take, of a chain or of a call, and however many chains
/// there are. A difference is an answer, not an error.
///
/// # Errors
/// [`ReplayError`] if the take cannot be read as far as its first genesis, or the actor cannot be had or run.
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
    // Every guest came to an end by itself as far as that. So it can be re-run in an engine that cannot interrupt it.
    input.rewind().map_err(not_read_again)?;
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
            chains: Vec::new(),
            active: Vec::new(),
            put_off: 0,
            flow: Flow::new(),
            earliest,
            clock,
            ticker: None,
            out_of_time: None,
        };
        let fault = replay.read(&mut reader)?;
        let end = TakeEnd { state: reader.state(), seal: reader.seal().cloned(), bytes: reader.bytes() };
        drop(reader);
        replay.end_pass()?;
        while replay.put_off > 0 && replay.out_of_time.is_none() {
            input.rewind().map_err(not_read_again)?;
            let mut reader = LogReader::open(&mut input).map_err(not_read_again)?;
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
    chains: Vec<Chain<'scope, 'env>>,
    /// Numbers of the chains that are being re-run, in the order in which they began.
    active: Vec<ChainNumber>,
    /// How many chains have begun and wait for the take to be read again.
    put_off: usize,
    flow: Arc<Flow>,
    /// Where a re-run stopped first.
    earliest: Arc<Earliest>,
    clock: TakeClock,
    ticker: Option<Ticker>,
    /// The take was not read further, for lack of time.
    out_of_time: Option<TimeBound>,
}

/// A chain of the take.
struct Chain<'scope, 'env> {
    id: TheaterId,
    rerun: ChainState<'scope, 'env>,
}

/// How far the re-run of a chain is.
enum ChainState<'scope, 'env> {
    /// Its genesis was not read.
    NotBegun,
    Running(Box<Segments<'scope, 'env>>),
    /// There was no place for it; it is re-run from its genesis on when the take is read again.
    PutOff,
    Done(Box<ChainRerun>),
}

/// How a take ends, as its reader has found.
pub(crate) struct TakeEnd {
    pub state: TakeState,
    pub seal: Option<Seal>,
    pub bytes: u64,
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
                (Record::Chain { id, .. }, _) => self.chains.push(Chain { id, rerun: ChainState::NotBegun }),
                (Record::Event { number, chain, event, offset }, Some(payload)) => {
                    if let ChainEventPayload::Session(start) = &payload {
                        self.begin(chain, start)?;
                    }
                    self.push(chain, event, payload, Position { number, offset })?;
                }
                (Record::Event { .. }, None) => {}
            }
        }
    }

    /// Reads the take again, as far as it was found to be right, for chains that had no place.
    fn read_again<R: Read>(&mut self, reader: &mut LogReader<R>) -> Result<(), ReplayError> {
        // Those that were put off before; others may be put off now.
        let mut left = self.put_off;
        while (left > 0 || !self.active.is_empty()) && !self.is_out_of_time() {
            let record = match reader.next_record() {
                Ok(Some(record)) => record,
                Ok(None) | Err(_) => break,
            };
            let Record::Event { number, chain, event, offset } = record else { continue };
            if number >= self.checker.events() {
                break;
            }
            let begins = event.parent_hash.is_none();
            let takes_part = match self.chains.get(chain.0 as usize).map(|chain| &chain.rerun) {
                Some(ChainState::PutOff) if begins => true,
                Some(ChainState::Running(_)) => !begins,
                _ => false,
            };
            if !takes_part {
                continue;
            }
            let payload = event.payload().map_err(|_| ReplayError::TakeChanged)?;
            if begins {
                let ChainEventPayload::Session(start) = &payload else {
                    return Err(ReplayError::TakeChanged);
                };
                left = left.saturating_sub(1);
                self.put_off -= 1;
                self.begin(chain, start)?;
            }
            self.push(chain, event, payload, Position { number, offset })?;
            self.close_if_whole(chain);
        }
        Ok(())
    }

    /// Whether the take is read no further, for lack of time; the re-runs that are under way say where they were.
    fn is_out_of_time(&mut self) -> bool {
        self.out_of_time = self.out_of_time.or_else(|| self.clock.exceeded());
        self.out_of_time.is_some()
    }

    /// Starts the re-run of a chain whose genesis is there, if there is a place for it; else it is put off.
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
                let program = self.options.program(&actor, start, self.room)?;
                self.earliest.interrupts(&program.engine);
                self.ticker = self.clock.ticker(&program.engine)?;
                self.first = Some((Box::new(start.clone()), program.clone()));
                program
            }
        };
        let has_place = self.has_place()?;
        let Some(chain) = self.chains.get_mut(number.0 as usize) else { return Ok(()) };
        if !has_place {
            chain.rerun = ChainState::PutOff;
            self.put_off += 1;
            return Ok(());
        }
        let course = Course {
            stack: StackRule::of(self.room, program.digest == start.actor.digest),
            program,
            mode: start.instance_mode,
            earliest: self.earliest.clone(),
            clock: self.clock,
            flow: self.flow.clone(),
            jobs: self.options.jobs.clone(),
            thread_per_call: self.options.thread_per_call,
        };
        chain.rerun = ChainState::Running(Box::new(Segments::begin(self.scope, course, number, chain.id)?));
        self.active.push(number);
        Ok(())
    }

    /// Whether another chain can be re-run now. A chain that has ended in the take leaves its place, which is waited for; of
    /// those that go on none can be waited for.
    fn has_place(&mut self) -> Result<bool, ReplayError> {
        let places = self.options.chains_at_once();
        if self.active.len() < places {
            return Ok(true);
        }
        loop {
            self.take_done()?;
            if self.active.len() < places {
                return Ok(true);
            }
            if !self.running().any(|segments| segments.open_lane().is_none()) {
                return Ok(false);
            }
            self.flush();
            let closed: Vec<_> = self.running().filter(|segments| segments.open_lane().is_none()).collect();
            self.flow.wait_for_an_end(|has_ended| closed.iter().any(|segments| segments.is_over(has_ended)));
        }
    }

    /// Takes the results of the chains whose re-runs have ended.
    fn take_done(&mut self) -> Result<(), ReplayError> {
        let mut at = 0;
        while let Some(number) = self.active.get(at).copied() {
            let flow = &self.flow;
            let is_over =
                self.segments(number).is_none_or(|segments| segments.is_over(&|lane| flow.has_ended(lane)));
            match is_over {
                true => {
                    self.active.remove(at);
                    self.done(number)?;
                }
                false => at += 1,
            }
        }
        Ok(())
    }

    /// Waits for the re-run of a chain, which has all its events.
    fn done(&mut self, number: ChainNumber) -> Result<(), ReplayError> {
        let Some(chain) = self.chains.get_mut(number.0 as usize) else { return Ok(()) };
        if let ChainState::Running(segments) = std::mem::replace(&mut chain.rerun, ChainState::NotBegun) {
            let (events, head) = segments.seen();
            let expected = self.checker.chain(number).map(|report| (report.events, report.head));
            if self.out_of_time.is_none() && expected != Some((events, head)) {
                return Err(ReplayError::TakeChanged);
            }
            chain.rerun = ChainState::Done(Box::new(segments.finish()?));
        }
        Ok(())
    }

    /// Hands an event to the re-run of its chain, and waits while too much is on its way.
    fn push(
        &mut self,
        number: ChainNumber,
        event: ChainEvent,
        payload: ChainEventPayload,
        position: Position,
    ) -> Result<(), ReplayError> {
        let Some(Chain { rerun: ChainState::Running(segments), .. }) = self.chains.get_mut(number.0 as usize)
        else {
            return Ok(());
        };
        let is_behind = segments.push(event, payload, position)?;
        if !is_behind && !self.flow.is_full() {
            return Ok(());
        }
        let lane = segments.open_lane();
        self.flush();
        self.flow.wait_for_room(lane);
        while self.flow.is_full() && self.put_one_off() {}
        Ok(())
    }

    /// All re-runs wait, and hold too much together: gives the place of one of them up. The one that holds most stays, so that
    /// there is always one that goes on. Returns whether there was another.
    fn put_one_off(&mut self) -> bool {
        let open = self.running().filter_map(|segments| Some((segments.open_lane()?, segments.number())));
        let mut held: Vec<_> = open.map(|(lane, number)| (self.flow.held(lane), lane, number)).collect();
        held.sort_by_key(|(held, ..)| *held);
        let (Some(_most), Some((_, lane, number))) = (held.pop(), held.pop()) else { return false };
        self.active.retain(|active| *active != number);
        if let Some(chain) = self.chains.get_mut(number.0 as usize) {
            // Its re-run comes to the end of what it got, and is forgotten.
            chain.rerun = ChainState::PutOff;
            self.put_off += 1;
        }
        // What it held is free then.
        self.flow.wait_for_an_end(|has_ended| has_ended(lane));
        true
    }

    /// When the take is read again it is known where a chain ends.
    fn close_if_whole(&mut self, number: ChainNumber) {
        let expected = self.checker.chain(number).map(|report| report.events);
        if let Some(Chain { rerun: ChainState::Running(segments), .. }) =
            self.chains.get_mut(number.0 as usize)
            && expected.is_some_and(|events| segments.seen().0 >= events)
        {
            segments.close();
        }
    }

    /// Passes on what was read for each re-run. What one of them finds may be what another is stopped by.
    fn flush(&mut self) {
        for number in &self.active {
            if let Some(Chain { rerun: ChainState::Running(segments), .. }) =
                self.chains.get_mut(number.0 as usize)
            {
                segments.flush();
            }
        }
    }

    /// The take was read to its end, or as far as it is right: waits for the re-runs.
    fn end_pass(&mut self) -> Result<(), ReplayError> {
        for number in &self.active {
            if let Some(Chain { rerun: ChainState::Running(segments), .. }) =
                self.chains.get_mut(number.0 as usize)
            {
                segments.close();
            }
        }
        std::mem::take(&mut self.active).into_iter().try_for_each(|number| self.done(number))
    }

    fn segments(&self, number: ChainNumber) -> Option<&Segments<'scope, 'env>> {
        match self.chains.get(number.0 as usize).map(|chain| &chain.rerun) {
            Some(ChainState::Running(segments)) => Some(segments),
            _ => None,
        }
    }

    fn running(&self) -> impl Iterator<Item = &Segments<'scope, 'env>> {
        self.active.iter().filter_map(|number| self.segments(*number))
    }

    /// Puts the report together.
    fn finish(self, end: &TakeEnd, fault: Option<VerifyFault>) -> Result<ReplayReport, ReplayError> {
        let checked = Checked {
            chains: self.checker.chains(),
            events: self.checker.events(),
            calls: self.checker.calls(),
        };
        let mut reruns = Vec::new();
        for chain in self.chains {
            if let ChainState::Done(rerun) = chain.rerun {
                reruns.push((chain.id, *rerun));
            }
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

fn not_read_again(error: impl ToString) -> ReplayError {
    ReplayError::NotReadAgain { reason: error.to_string() }
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
