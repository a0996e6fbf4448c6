//! Owns the re-runs of one chain: one for the whole of it, or, where its calls do not depend on each other and places are free,
//! one for each of its segments, which are whole calls in a row. Each begins with the recorded hash of the event before it; as the
//! re-run before it has to come to that hash, the answer is that of one re-run from begin to end.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::thread::{self, Scope, ScopedJoinHandle};

use retake_actor::{ActorHandle, ActorStore};
use retake_chain::{
    ChainEvent, ChainEventPayload, ChainHead, ChainNumber, EventHash, EventKind, Grammar, InstanceMode,
    StateChain, TheaterId, Value,
};
use tokio::sync::mpsc;

use crate::actor_rerun::{ChainRerun, rerun};
use crate::earliest::Earliest;
use crate::error::ReplayError;
use crate::jobs::{Job, Jobs};
use crate::program::Program;
use crate::stack::{StackRule, thread_stack};
use crate::stand_in::{Answers, Start};
use crate::timeouts::TakeClock;
use crate::window::{Flow, LaneId, Position, WindowSender};

/// A segment is not cut before it has this many events...
const SEGMENT_EVENTS: u64 = 256;
/// ...or this many bytes of data.
const SEGMENT_BYTES: usize = 256 << 10;

/// How many segments may wait for one before them to be done.
const MOST_CLOSED: usize = 256;

/// What the re-runs of a chain share.
#[derive(Clone)]
pub(crate) struct Course {
    pub program: Arc<Program>,
    pub mode: InstanceMode,
    pub stack: StackRule,
    pub earliest: Arc<Earliest>,
    pub clock: TakeClock,
    /// What all chains of the take have in memory.
    pub flow: Arc<Flow>,
    /// Places for more re-runs than one.
    pub jobs: Option<Arc<Jobs>>,
    /// Cut before every call, however short the segment is.
    pub thread_per_call: bool,
}

/// A chain that is being re-run while it is read.
pub(crate) struct Segments<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    course: Course,
    number: ChainNumber,
    id: TheaterId,
    /// What those found that are done, from the begin of the chain on.
    done: Option<ChainRerun>,
    /// Those behind them that have all their events, in order.
    closed: VecDeque<Closed<'scope>>,
    open: Option<Open<'scope>>,
    seen: Seen,
}

/// A segment that has all its events.
struct Closed<'scope> {
    lane: LaneId,
    handle: ScopedJoinHandle<'scope, ChainRerun>,
}

/// The last segment.
struct Open<'scope> {
    windows: WindowSender,
    handle: ScopedJoinHandle<'scope, ChainRerun>,
    /// Once it is closed: the place that it has beside the one that is open, until it ends.
    place: Arc<OnceLock<Job>>,
    events: u64,
    bytes: usize,
}

/// What was read of the chain.
struct Seen {
    events: u64,
    /// Calls that ended.
    calls: u64,
    head: Option<EventHash>,
    grammar: Grammar,
}

impl<'scope, 'env> Segments<'scope, 'env> {
    /// Begins with the chain; events come with [`push`](Self::push).
    pub fn begin(
        scope: &'scope Scope<'scope, 'env>,
        course: Course,
        number: ChainNumber,
        id: TheaterId,
    ) -> Result<Self, ReplayError> {
        let seen = Seen { events: 0, calls: 0, head: None, grammar: Grammar::unbound() };
        let closed = VecDeque::new();
        let mut segments = Segments { scope, course, number, id, done: None, closed, open: None, seen };
        segments.open = Some(segments.start()?);
        Ok(segments)
    }

    /// Takes the next event; after a shutdown there is none. Returns whether more than one full window waits for the re-run.
    pub fn push(
        &mut self,
        event: ChainEvent,
        payload: ChainEventPayload,
        position: Position,
    ) -> Result<bool, ReplayError> {
        if payload.kind() == EventKind::Call {
            self.cut_if_there_is_a_place()?;
        }
        self.seen.event(&event, &payload)?;
        let is_last = matches!(payload, ChainEventPayload::Shutdown);
        let Some(open) = &mut self.open else { return Ok(false) };
        open.events += 1;
        open.bytes += event.data.len();
        let is_behind = open.windows.push(event, payload, position);
        if is_last {
            self.close();
        }
        Ok(is_behind)
    }

    /// Passes on what was gathered for the re-run.
    pub fn flush(&mut self) {
        if let Some(open) = &mut self.open {
            open.windows.flush();
        }
    }

    /// The re-run that takes the next event; `None` if there is no next one.
    pub fn open_lane(&self) -> Option<LaneId> {
        self.open.as_ref().map(|open| open.windows.lane())
    }

    /// Whether there is nothing left to wait for, as `has_ended` says of each re-run.
    pub fn is_over(&self, has_ended: &dyn Fn(LaneId) -> bool) -> bool {
        self.open.is_none() && self.closed.iter().all(|closed| has_ended(closed.lane))
    }

    /// Number of the chain in the take.
    pub fn number(&self) -> ChainNumber {
        self.number
    }

    /// How many events were pushed, and the hash of the last one.
    pub fn seen(&self) -> (u64, Option<EventHash>) {
        (self.seen.events, self.seen.head)
    }

    /// The recording of the chain ends here.
    pub fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.closed.push_back(Closed { lane: open.windows.lane(), handle: open.handle });
            open.windows.close();
        }
    }

    /// Waits for the re-runs, and puts together what they found.
    pub fn finish(mut self) -> Result<ChainRerun, ReplayError> {
        self.close();
        while !self.closed.is_empty() {
            self.join_first()?;
        }
        self.done.ok_or_else(|| ReplayError::Engine { reason: "a chain without a re-run".into() })
    }

    /// Waits for the first of those that are closed. Until then its thread keeps its stack.
    fn join_first(&mut self) -> Result<(), ReplayError> {
        let Some(closed) = self.closed.pop_front() else { return Ok(()) };
        let part =
            closed.handle.join().map_err(|_| ReplayError::Engine { reason: "a re-run panicked".into() })?;
        self.done = Some(match self.done.take() {
            None => part,
            Some(done) => done.followed_by(part),
        });
        Ok(())
    }

    /// Before a call: leaves those before it to a re-run of their own, if that is worth it and there is a place for one.
    fn cut_if_there_is_a_place(&mut self) -> Result<(), ReplayError> {
        let (Some(_), Some(open)) = (&self.course.jobs, &self.open) else { return Ok(()) };
        let is_long = open.events >= SEGMENT_EVENTS
            || open.bytes >= SEGMENT_BYTES
            || self.course.thread_per_call && self.seen.calls > 0;
        if !is_long
            || self.seen.grammar.open_call().is_some()
            || !self.course.program.calls_are_independent(self.course.mode)
        {
            return Ok(());
        }
        while self.closed.front().is_some_and(|closed| closed.handle.is_finished()) {
            self.join_first()?;
        }
        let (Some(jobs), Some(open)) = (&self.course.jobs, &self.open) else { return Ok(()) };
        let Some(place) = jobs.take().filter(|_| self.closed.len() < MOST_CLOSED) else { return Ok(()) };
        let next = self.start()?;
        // It is set once: the segment is closed now.
        let _ = open.place.set(place);
        self.close();
        self.open = Some(next);
        Ok(())
    }

    /// Starts the re-run of what comes next.
    fn start(&self) -> Result<Open<'scope>, ReplayError> {
        let Seen { events, calls, head, .. } = self.seen;
        let chain = match head {
            None => ChainHead::new(),
            Some(head) => ChainHead::continuing(head, events),
        };
        let actor = actor_without_session(self.id);
        let (windows, cursor) = self.course.flow.windows(actor.extensions.clone(), events);
        let Course { program, mode, stack: rule, earliest, clock, .. } = self.course.clone();
        let start = Start { id: self.id, chain_number: self.number, chain, calls_before: calls };
        let answers = Answers::new(start, cursor, rule, earliest, clock);
        let place = Arc::new(OnceLock::new());
        let held = place.clone();
        let stack = thread_stack(program.tuning);
        let run = move || {
            let _held = held;
            rerun(&program, mode, actor, answers)
        };
        let handle = thread::Builder::new()
            .name(format!("retake-replay-{}", self.number))
            .stack_size(stack)
            .spawn_scoped(self.scope, run)
            .map_err(|error| ReplayError::Engine {
                reason: format!("no thread for chain {}: {error}", self.number),
            })?;
        Ok(Open { windows, handle, place, events: 0, bytes: 0 })
    }
}

impl Seen {
    /// Takes the next event. The reader has found it to be in its place, unless the take was read again and has changed.
    fn event(&mut self, event: &ChainEvent, payload: &ChainEventPayload) -> Result<(), ReplayError> {
        let kind = self.grammar.admit(payload).map_err(|_| ReplayError::TakeChanged)?;
        self.calls += u64::from(kind == EventKind::End);
        self.events += 1;
        self.head = Some(event.hash);
        Ok(())
    }
}

/// The actor of a re-run: nobody calls it but the recording, and nobody takes what it would ask of a session. Its own chain stays
/// empty, for no host function runs that could look at it; what the actor does goes to [`Answers`].
fn actor_without_session(id: TheaterId) -> ActorStore {
    let (theater_tx, _) = mpsc::channel(1);
    let chain = Arc::new(StateChain::new(id));
    ActorStore::new(id, theater_tx, ActorHandle::channel().0, chain, Value::None)
}

#[cfg(test)]
mod tests {
    use retake_actor::Actor;
    use retake_actor::profile::default_profile;
    use retake_chain::{ChainEventData, Outcome, WasmEventData};

    use super::*;
    use crate::options::{ReplayOptions, Timeouts};

    const NOTHING: &str = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func (export "f") (canon lift (core func $i "f"))))"#;

    /// The events of three calls of `f`, in which nothing happens.
    fn calls() -> Vec<(ChainEvent, ChainEventPayload)> {
        let mut chain = ChainHead::new();
        let call = WasmEventData::WasmCall { function_name: "f".into(), params: Vec::new() };
        let result = WasmEventData::ended("f".into(), None, Outcome::Returned(None));
        let events = [call, result].into_iter().cycle().take(6).map(ChainEventData::wasm);
        let append = |data: ChainEventData| {
            let payload = data.data.clone();
            let event = chain.append(data).expect("it fits");
            (event, payload)
        };
        events.map(append).collect()
    }

    /// Re-runs three calls; returns in how many segments, and what was found.
    fn rerun_three(mode: InstanceMode, places: usize, thread_per_call: bool) -> (usize, ChainRerun) {
        let actor = Actor::new(NOTHING.as_bytes()).expect("a component");
        let program = Program::load(&actor, &default_profile(), &ReplayOptions::default());
        let program = program.expect("it can be re-run");
        let course = Course {
            program,
            mode,
            stack: StackRule::RecordedBuild,
            earliest: Arc::new(Earliest::new()),
            clock: TakeClock::start(Timeouts::default()),
            flow: Flow::new(),
            jobs: Some(Jobs::new(places)),
            thread_per_call,
        };
        let id = TheaterId::generate();
        thread::scope(|scope| {
            let mut segments = Segments::begin(scope, course, ChainNumber(0), id).expect("a thread");
            let mut cuts = 0;
            for (number, (event, payload)) in (0..).zip(calls()) {
                let first = segments.open.as_ref().map_or(0, |open| open.events);
                segments.push(event, payload, Position { number, offset: 0 }).expect("a thread");
                // The event is the first of its segment.
                cuts += usize::from(segments.open.as_ref().is_some_and(|open| open.events <= first));
            }
            (cuts + 1, segments.finish().expect("no panic"))
        })
    }

    #[test]
    fn every_call_has_a_thread_of_its_own_where_that_is_asked_for_and_nowhere_else() {
        let table = [
            (InstanceMode::PerCall, 4, true, 3),
            (InstanceMode::PerCall, 0, true, 1),
            (InstanceMode::PerCall, 4, false, 1),
            (InstanceMode::Session, 4, true, 1),
        ];
        for (mode, places, thread_per_call, expected) in table {
            let (segments, rerun) = rerun_three(mode, places, thread_per_call);
            assert_eq!(segments, expected, "{mode:?}, {places} places");
            assert!(rerun.stop.is_none() && rerun.altered.is_none());
            assert_eq!((rerun.calls, rerun.events), (3, 6));
        }
    }
}
