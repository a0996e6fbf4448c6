//! Owns the re-runs of one chain: one re-run, or one for each segment if its calls do not depend on each
//! other and slots are free. A segment is a series of whole calls. It starts with the recorded hash of the
//! event before it. The re-run before it must reach that hash, so the answer is the same as that of one
//! re-run.

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
use crate::clocks::TakeClock;
use crate::earliest::Earliest;
use crate::error::ReplayError;
use crate::program::Program;
use crate::rerun_slots::{RerunSlot, RerunSlots};
use crate::stack::{StackRule, thread_stack};
use crate::stand_in::{Answers, Start};
use crate::window::{Cursor, Flow, LaneId, Position, WindowSender};

/// A segment is cut when it has this many events...
const SEGMENT_EVENTS: u64 = 256;
/// ...or this many bytes of data.
const SEGMENT_BYTES: usize = 256 << 10;

/// How many segments may wait for an earlier one.
const MOST_CLOSED: usize = 256;

/// What all re-runs of a chain share.
#[derive(Clone)]
pub(crate) struct RerunConfig {
    pub program: Arc<Program>,
    pub mode: InstanceMode,
    pub stack: StackRule,
    pub earliest: Arc<Earliest>,
    pub clock: TakeClock,
    /// What all chains of the take have in memory.
    pub flow: Arc<Flow>,
    /// Slots for more re-runs than one.
    pub slots: Option<Arc<RerunSlots>>,
    /// Cut before each call, however short the segment is.
    pub thread_per_call: bool,
}

/// A chain that is being re-run while it is read.
pub(crate) struct Segments<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    config: RerunConfig,
    number: ChainNumber,
    id: TheaterId,
    /// The results of finished segments, in chain order.
    done: ChainRerun,
    /// The segments after them that have all their events, in chain order.
    closed: VecDeque<ClosedSegment<'scope>>,
    open: Option<OpenSegment<'scope>>,
    seen: ChainProgress,
}

/// A segment that has all its events.
struct ClosedSegment<'scope> {
    lane: LaneId,
    handle: ScopedJoinHandle<'scope, ChainRerun>,
}

/// The last segment.
struct OpenSegment<'scope> {
    windows: WindowSender,
    handle: ScopedJoinHandle<'scope, ChainRerun>,
    /// Set when the segment is closed: the slot that it keeps until its re-run ends.
    slot: Arc<OnceLock<RerunSlot>>,
    events: u64,
    bytes: usize,
}

/// What was read of the chain.
struct ChainProgress {
    events: u64,
    /// Calls that ended.
    calls: u64,
    head: Option<EventHash>,
    grammar: Grammar,
}

impl<'scope, 'env> Segments<'scope, 'env> {
    /// Starts the first re-run of a chain. Events come with [`push`](Self::push).
    pub fn begin(
        scope: &'scope Scope<'scope, 'env>,
        config: RerunConfig,
        number: ChainNumber,
        id: TheaterId,
    ) -> Result<Self, ReplayError> {
        let seen = ChainProgress { events: 0, calls: 0, head: None, grammar: Grammar::unbound() };
        let (done, closed) = (ChainRerun::default(), VecDeque::new());
        let mut segments = Segments { scope, config, number, id, done, closed, open: None, seen };
        segments.open = Some(segments.start()?);
        Ok(segments)
    }

    /// Takes the next event; there is none after a shutdown. Returns whether more full windows wait for the
    /// re-run than may.
    pub fn push(
        &mut self,
        event: ChainEvent,
        payload: ChainEventPayload,
        position: Position,
    ) -> Result<bool, ReplayError> {
        if payload.kind() == EventKind::Call {
            self.cut_if_a_slot_is_free()?;
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

    /// Passes on the events that were gathered for the re-run.
    pub fn flush(&mut self) {
        if let Some(open) = &mut self.open {
            open.windows.flush();
        }
    }

    /// The re-run that takes the next event; `None` if there is no next one.
    pub fn open_lane(&self) -> Option<LaneId> {
        self.open.as_ref().map(|open| open.windows.lane())
    }

    /// Whether all re-runs have ended, which `has_ended` says of each.
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
            self.closed.push_back(ClosedSegment { lane: open.windows.lane(), handle: open.handle });
            open.windows.close();
        }
    }

    /// Waits for the re-runs, and joins what they found.
    pub fn finish(mut self) -> Result<ChainRerun, ReplayError> {
        self.close();
        while !self.closed.is_empty() {
            self.join_first()?;
        }
        Ok(self.done)
    }

    /// Waits for the first closed segment. Until then its thread keeps its stack.
    fn join_first(&mut self) -> Result<(), ReplayError> {
        let Some(closed) = self.closed.pop_front() else { return Ok(()) };
        let part = closed.handle.join().map_err(|_| ReplayError::RerunPanicked { chain: self.number.0 })?;
        self.done = std::mem::take(&mut self.done).followed_by(part);
        Ok(())
    }

    /// Called before a call: closes the segment if it is long enough and a slot is free, and starts another
    /// one.
    fn cut_if_a_slot_is_free(&mut self) -> Result<(), ReplayError> {
        let (Some(_), Some(open)) = (&self.config.slots, &self.open) else { return Ok(()) };
        let is_long = open.events >= SEGMENT_EVENTS
            || open.bytes >= SEGMENT_BYTES
            || self.config.thread_per_call && self.seen.calls > 0;
        if !is_long
            || self.seen.grammar.open_call().is_some()
            || !self.config.program.calls_are_independent(self.config.mode)
        {
            return Ok(());
        }
        while self.closed.front().is_some_and(|closed| closed.handle.is_finished()) {
            self.join_first()?;
        }
        let (Some(slots), Some(open)) = (&self.config.slots, &self.open) else { return Ok(()) };
        let Some(slot) = slots.take().filter(|_| self.closed.len() < MOST_CLOSED) else { return Ok(()) };
        let next = self.start()?;
        // It is set once: the segment is closed now.
        let _ = open.slot.set(slot);
        self.close();
        self.open = Some(next);
        Ok(())
    }

    /// Starts the re-run of the next segment.
    fn start(&self) -> Result<OpenSegment<'scope>, ReplayError> {
        let ChainProgress { events, calls, head, .. } = self.seen;
        let chain = match head {
            None => ChainHead::new(),
            Some(head) => ChainHead::continuing(head, events),
        };
        let actor = actor_without_session(self.id);
        let flow = &self.config.flow;
        let lane = flow.open_lane();
        let windows = WindowSender::new(flow, lane);
        let cursor = Cursor::new(flow, lane, actor.extensions.clone(), events);
        let RerunConfig { program, mode, stack: rule, earliest, clock, .. } = self.config.clone();
        let start = Start { id: self.id, chain_number: self.number, chain, calls_before: calls };
        let answers = Answers::new(start, cursor, rule, earliest, clock);
        let slot = Arc::new(OnceLock::new());
        let held = slot.clone();
        let stack = thread_stack(program.tuning);
        let run = move || {
            let _held = held;
            rerun(&program, mode, actor, answers)
        };
        let handle = thread::Builder::new()
            .name(format!("retake-replay-{}", self.number))
            .stack_size(stack)
            .spawn_scoped(self.scope, run)
            .map_err(|error| ReplayError::no_thread("the re-run of a chain", &error))?;
        Ok(OpenSegment { windows, handle, slot, events: 0, bytes: 0 })
    }
}

impl ChainProgress {
    /// Takes the next event. The reader has found it to be in its place, unless the take was read again and
    /// has changed.
    fn event(&mut self, event: &ChainEvent, payload: &ChainEventPayload) -> Result<(), ReplayError> {
        let kind = self.grammar.admit(payload).map_err(|_| ReplayError::TakeChanged)?;
        self.calls += u64::from(kind == EventKind::End);
        self.events += 1;
        self.head = Some(event.hash);
        Ok(())
    }
}

/// The actor of a re-run. Only the recording calls it, and there is no session that takes its commands. Its
/// own chain stays empty: no host function runs that could look at it, and what the actor does goes to
/// [`Answers`].
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
    use crate::options::ReplayOptions;
    use crate::stack::StackRoom;
    use crate::time_bound::Timeouts;

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
    fn rerun_three(mode: InstanceMode, slots: usize, thread_per_call: bool) -> (usize, ChainRerun) {
        let actor = Actor::new(NOTHING.as_bytes()).expect("a component");
        let program = ReplayOptions::default().program(&actor, &default_profile(), StackRoom::Ample);
        let program = program.expect("it can be re-run");
        let config = RerunConfig {
            program,
            mode,
            stack: StackRule::RecordedBuild,
            earliest: Arc::new(Earliest::new()),
            clock: TakeClock::start(Timeouts::default()),
            flow: Flow::new(),
            slots: Some(RerunSlots::new(slots)),
            thread_per_call,
        };
        let id = TheaterId::generate();
        thread::scope(|scope| {
            let mut segments = Segments::begin(scope, config, ChainNumber(0), id).expect("a thread");
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
        for (mode, slots, thread_per_call, expected) in table {
            let (segments, rerun) = rerun_three(mode, slots, thread_per_call);
            assert_eq!(segments, expected, "{mode:?}, {slots} slots");
            assert!(rerun.stop.is_none() && rerun.altered.is_none());
            assert_eq!((rerun.calls, rerun.events), (3, 6));
        }
    }
}
