//! Owns the events that are in memory while a take is replayed: [`Flow`], through which the reader hands each re-run its events in
//! windows, and the [`Cursor`] through them. What all chains have in memory together is bounded, whatever the take holds.
//!
//! The reader is one, and never waits for a re-run that waits for the reader: before it waits, every re-run gets what was read for it;
//! and where all of them have used up what they got, nothing is to be waited for.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use retake_actor::Extensions;
use retake_chain::{
    ChainEvent, ChainEventPayload, EventKind, HttpReplayChain, Outcome, TrapKind, Value, WasmErrorKind,
    WasmEventData,
};

/// A window is passed on when it holds this many events...
const WINDOW_EVENTS: usize = 1024;
/// ...or takes about this many bytes of memory, decoded.
const WINDOW_BYTES: usize = 1 << 20;
/// Bytes that all windows of a take may take together, beside the largest single event.
const FLOW_BYTES: usize = 64 << 20;
/// Full windows that may wait for a re-run.
const WAITING: usize = 1;

/// The windows of all chains of a take.
pub(crate) struct Flow {
    state: Mutex<FlowState>,
    /// A re-run has taken a window, waits for one, or has ended.
    changed: Condvar,
    /// What is in memory, in windows and with re-runs that wait.
    bytes: AtomicUsize,
    /// More than this is too much.
    limit: AtomicUsize,
}

#[derive(Default)]
struct FlowState {
    /// One for each re-run that has not ended.
    lanes: HashMap<LaneId, Lane>,
    begun: u64,
}

/// Which re-run it is, counted from the first that began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LaneId(u64);

/// What is on its way to one re-run.
struct Lane {
    windows: VecDeque<Window>,
    /// No more will come.
    closed: bool,
    /// The re-run has used up what it got, and waits.
    waiting: bool,
    /// Bytes that it holds while it waits: those of its last event.
    held: usize,
    more: Arc<Condvar>,
}

impl Lane {
    fn is_idle(&self) -> bool {
        self.waiting && self.windows.is_empty() && !self.closed
    }
}

/// Consecutive events of one chain, checked and decoded.
struct Window {
    chain: HttpReplayChain,
    /// Each event again, what it says, and where it is.
    decoded: Vec<(ChainEvent, ChainEventPayload, Position)>,
    held: Held,
}

/// Bytes that count in a flow until this is dropped.
struct Held {
    flow: Arc<Flow>,
    bytes: usize,
}

/// Where an event is in the take.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    /// Its number, over all chains.
    pub number: u64,
    /// Where the frame that holds it begins.
    pub offset: u64,
}

/// The reader's end: gathers windows. Without [`close`](Self::close) the re-run is told that the recording ends.
pub(crate) struct WindowSender {
    lane: LaneId,
    window: Window,
}

/// The re-run's end: one event after the other.
pub(crate) struct Cursor {
    flow: Arc<Flow>,
    lane: LaneId,
    window: Option<Window>,
    position: usize,
    /// Index in the chain of the event at `position`.
    index: u64,
    /// How long it has waited for windows.
    waited: Duration,
    /// Of the actor: where its host sees the window.
    extensions: Extensions,
}

/// An event of the recording, as the cursor shows it.
pub(crate) struct Recorded<'a> {
    pub event: &'a ChainEvent,
    pub payload: &'a ChainEventPayload,
    /// Index in the chain.
    pub index: u64,
    pub position: Position,
}

impl Recorded<'_> {
    /// How a call ended that ends with this event because the guest's stack was exhausted.
    fn exhaustion(&self) -> Option<Outcome> {
        match self.payload {
            ChainEventPayload::Wasm(WasmEventData::WasmError {
                kind: WasmErrorKind::Trapped(kind @ TrapKind::StackExhausted),
                message,
                ..
            }) => Some(Outcome::Trapped { kind: *kind, message: message.clone() }),
            _ => None,
        }
    }

    /// Whether this is the host's own note of an HTTP exchange.
    pub fn is_observation(&self) -> bool {
        self.payload.kind() == EventKind::Observation
    }

    /// Whether this may stand between the last that a guest did in a call and the call's end.
    fn is_of_the_host(&self) -> bool {
        matches!(self.payload.kind(), EventKind::Observation | EventKind::Runtime)
    }
}

impl Flow {
    /// Nothing is on its way.
    pub fn new() -> Arc<Flow> {
        Arc::new(Flow {
            state: Mutex::default(),
            changed: Condvar::new(),
            bytes: AtomicUsize::new(0),
            limit: AtomicUsize::new(FLOW_BYTES),
        })
    }

    /// Both ends for the events of a chain from the index `first` on. From now on the actor's extensions have an
    /// [`HttpReplayChain`]: the events of the window.
    pub fn windows(self: &Arc<Self>, extensions: Extensions, first: u64) -> (WindowSender, Cursor) {
        let mut state = self.lock();
        let lane = LaneId(state.begun);
        state.begun += 1;
        let (windows, more) = (VecDeque::new(), Arc::default());
        state.lanes.insert(lane, Lane { windows, closed: false, waiting: false, held: 0, more });
        extensions.set(HttpReplayChain::default());
        let sender = WindowSender { lane, window: Window::new(self) };
        let flow = self.clone();
        let cursor = Cursor {
            flow,
            lane,
            window: None,
            position: 0,
            index: first,
            waited: Duration::ZERO,
            extensions,
        };
        (sender, cursor)
    }

    /// Whether more is in memory than there should be.
    pub fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.limit.load(Ordering::Relaxed)
    }

    /// Waits until there is room again, for the given lane too, or until all re-runs have used up what they got. Call it when
    /// nothing is left in the senders.
    pub fn wait_for_room(&self, lane: Option<LaneId>) {
        let mut state = self.lock();
        loop {
            let is_behind =
                |lane: LaneId| state.lanes.get(&lane).is_some_and(|lane| lane.windows.len() > WAITING);
            // One event may be larger than all that there may be; it is there anyway.
            let largest = state.lanes.values().map(|lane| lane.held).max().unwrap_or(0);
            self.limit.store(FLOW_BYTES + largest, Ordering::Relaxed);
            let has_room = self.bytes.load(Ordering::Relaxed) <= FLOW_BYTES / 2 + largest;
            if has_room && !lane.is_some_and(is_behind) || state.lanes.values().all(Lane::is_idle) {
                return;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until `is_over`, which is given whether a re-run has ended. It must be of re-runs that get no more events.
    pub fn wait_for_an_end(&self, is_over: impl Fn(&dyn Fn(LaneId) -> bool) -> bool) {
        let mut state = self.lock();
        while !is_over(&|lane| !state.lanes.contains_key(&lane)) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the re-run has ended.
    pub fn has_ended(&self, lane: LaneId) -> bool {
        !self.lock().lanes.contains_key(&lane)
    }

    /// Bytes that a re-run holds while it waits.
    pub fn held(&self, lane: LaneId) -> usize {
        self.lock().lanes.get(&lane).map_or(0, |lane| lane.held)
    }

    /// Whether more than one full window waits for a re-run.
    fn is_ahead_of(&self, lane: LaneId) -> bool {
        self.lock().lanes.get(&lane).is_some_and(|lane| lane.windows.len() > WAITING)
    }

    fn send(&self, lane: LaneId, window: Window) {
        let mut state = self.lock();
        match state.lanes.get_mut(&lane) {
            Some(lane) => {
                lane.windows.push_back(window);
                lane.more.notify_one();
            }
            // It has ended. The window counts until it is dropped, for which the lock is taken.
            None => {
                drop(state);
                drop(window);
            }
        }
    }

    fn close(&self, lane: LaneId) {
        if let Some(lane) = self.lock().lanes.get_mut(&lane) {
            lane.closed = true;
            lane.more.notify_one();
        }
    }

    /// Nothing fails while it is locked.
    fn lock(&self) -> MutexGuard<'_, FlowState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.flow.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.flow.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        // Locked, so that the reader does not look before and wait after.
        drop(self.flow.lock());
        self.flow.changed.notify_one();
    }
}

impl Window {
    fn new(flow: &Arc<Flow>) -> Window {
        let held = Held { flow: flow.clone(), bytes: 0 };
        Window { chain: HttpReplayChain::default(), decoded: Vec::new(), held }
    }

    fn is_full(&self) -> bool {
        self.decoded.len() >= WINDOW_EVENTS || self.held.bytes >= WINDOW_BYTES
    }
}

/// Memory that an event takes, decoded. A value can be a single byte of data, and a whole `Value` in memory.
fn size_of_event(event: &ChainEvent) -> usize {
    event.data.len() + event.value_count() * size_of::<Value>()
}

impl WindowSender {
    /// The re-run that the events are for.
    pub fn lane(&self) -> LaneId {
        self.lane
    }

    /// Adds an event. Returns whether the re-run is a full window behind.
    pub fn push(&mut self, event: ChainEvent, payload: ChainEventPayload, position: Position) -> bool {
        self.window.held.add(size_of_event(&event));
        self.window.chain.0.push(event.clone());
        self.window.decoded.push((event, payload, position));
        if !self.window.is_full() {
            return false;
        }
        self.flush();
        self.window.held.flow.is_ahead_of(self.lane)
    }

    /// Passes on what was gathered.
    pub fn flush(&mut self) {
        if self.window.decoded.is_empty() {
            return;
        }
        let next = Window::new(&self.window.held.flow);
        let window = std::mem::replace(&mut self.window, next);
        self.window.held.flow.send(self.lane, window);
    }

    /// Passes on what is left; the recording of this chain ends here.
    pub fn close(mut self) {
        self.flush();
    }
}

impl Drop for WindowSender {
    fn drop(&mut self) {
        self.window.held.flow.close(self.lane);
    }
}

impl Cursor {
    /// The next event, or `None` at the end of the recording. Waits for the reader.
    pub fn peek(&mut self) -> Option<Recorded<'_>> {
        let known = self.window.as_ref().map_or(0, |window| window.decoded.len());
        if self.position == known {
            self.next_window();
        }
        let (event, payload, position) = self.window.as_ref()?.decoded.get(self.position)?;
        Some(Recorded { event, payload, index: self.index, position: *position })
    }

    /// How the call in progress ended, if the recording says that its stack was exhausted before it did anything else. What the
    /// host noted after that may come first.
    pub fn exhaustion(&mut self) -> Option<Outcome> {
        let first = self.peek()?;
        if !first.is_of_the_host() {
            return first.exhaustion();
        }
        let mut is_extended = false;
        let mut ahead = 1;
        loop {
            let next = self.window.as_ref()?.decoded.get(self.position + ahead);
            let next = next.map(|(event, payload, position)| {
                let index = self.index + ahead as u64;
                Recorded { event, payload, index, position: *position }
            });
            match next {
                Some(next) if next.is_of_the_host() => ahead += 1,
                Some(next) => return next.exhaustion(),
                // More is not looked at, for all of it stays in memory.
                None if is_extended => return None,
                None => {
                    self.extend_window()?;
                    is_extended = true;
                }
            }
        }
    }

    /// Adds the next window to what is left of this one; `None` if there is no next one.
    fn extend_window(&mut self) -> Option<()> {
        let mut kept = self.window.take()?;
        kept.decoded.drain(..std::mem::take(&mut self.position));
        self.next_window();
        let next = self.window.take();
        let is_there = next.is_some();
        if let Some(Window { decoded, mut held, .. }) = next {
            kept.decoded.extend(decoded);
            kept.held.bytes += std::mem::take(&mut held.bytes);
        }
        let events = kept.decoded.iter().map(|(event, ..)| event.clone());
        self.extensions.set(HttpReplayChain(events.collect()));
        self.window = Some(kept);
        is_there.then_some(())
    }

    /// Replaces the window, which was read, by the next one, or by none at the end.
    fn next_window(&mut self) {
        self.position = 0;
        let read = self.window.take();
        // The re-run holds on to the event that it has checked last, while it waits for the next one.
        let last = read.as_ref().and_then(|window| window.decoded.last());
        let last = last.map_or(0, |(event, ..)| size_of_event(event));
        let mut held = Held { flow: self.flow.clone(), bytes: 0 };
        held.add(last);
        drop(read);
        self.extensions.set(HttpReplayChain::default());

        let mut state = self.flow.lock();
        let mut began = None;
        // The lane is there as long as the cursor.
        while let Some(lane) = state.lanes.get_mut(&self.lane) {
            if let Some(window) = lane.windows.pop_front() {
                (lane.waiting, lane.held) = (false, 0);
                self.window = Some(window);
                break;
            }
            if lane.closed {
                break;
            }
            began = began.or_else(|| Some(Instant::now()));
            (lane.waiting, lane.held) = (true, last);
            let more = lane.more.clone();
            self.flow.changed.notify_one();
            state = more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        // What it held is told to the reader when it is dropped.
        drop(held);
        self.waited += began.map_or(Duration::ZERO, |began| began.elapsed());
        if let Some(window) = &mut self.window {
            self.extensions.set(std::mem::take(&mut window.chain));
        }
    }

    /// How long it has waited for the reader.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Where the next event is, as far as it is known without waiting.
    pub fn here(&self) -> Option<Position> {
        self.window.as_ref()?.decoded.get(self.position).map(|(_, _, position)| *position)
    }

    /// Steps over the event that [`peek`](Self::peek) showed.
    pub fn advance(&mut self) {
        self.position += 1;
        self.index += 1;
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        let lane = self.flow.lock().lanes.remove(&self.lane);
        // Its windows take the lock when they are dropped.
        drop(lane);
        self.flow.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use retake_chain::{ChainEventData, HostFunctionCall};

    use super::*;

    const ANYWHERE: Position = Position { number: 0, offset: 0 };

    /// An event whose value takes this many bytes in memory, decoded.
    fn event(bytes: usize) -> (ChainEvent, ChainEventPayload) {
        let call = ChainEventData::host_function(HostFunctionCall {
            interface: Arc::from("a:b/c"),
            function: Arc::from("f"),
            input: vec![Value::List(vec![Value::None; bytes / size_of::<Value>()])],
            output: Outcome::Returned(None),
        });
        (call.to_chain_event(None), call.data)
    }

    #[test]
    fn a_window_is_full_by_the_memory_that_its_values_take() {
        let (event, payload) = event(WINDOW_BYTES);
        assert!(event.data.len() < WINDOW_BYTES / 16);
        let extensions = Extensions::default();
        let (mut sender, mut cursor) = Flow::new().windows(extensions.clone(), 0);
        assert_eq!(extensions.get::<HttpReplayChain>(), Some(HttpReplayChain::default()));

        assert!(!sender.push(event.clone(), payload, ANYWHERE), "one window may wait");

        assert_eq!(cursor.peek().map(|recorded| recorded.event), Some(&event));
        assert_eq!(extensions.get::<HttpReplayChain>(), Some(HttpReplayChain(vec![event])));
    }

    #[test]
    fn an_exhausted_stack_is_seen_after_an_observation_that_fills_its_window() {
        let head = Value::List(vec![Value::None; WINDOW_BYTES / size_of::<Value>()]);
        let observation = ChainEventData::host_function(HostFunctionCall {
            interface: Arc::from("wasi:http/incoming-handler@0.2.3"),
            function: Arc::from("handle"),
            input: vec![Value::record([("headers", head)])],
            output: Outcome::Returned(None),
        });
        let trap =
            Outcome::Trapped { kind: TrapKind::StackExhausted, message: "call stack exhausted".into() };
        let end = ChainEventData::wasm(WasmEventData::ended("handle".into(), None, trap.clone()));
        let extensions = Extensions::default();
        let (mut sender, mut cursor) = Flow::new().windows(extensions.clone(), 0);
        let mut chain = Vec::new();
        for (number, data) in (0..).zip([observation, end]) {
            let event = data.to_chain_event(chain.last().map(|event: &ChainEvent| event.hash));
            sender.push(event.clone(), data.data, Position { number, offset: 0 });
            chain.push(event);
            if number == 0 {
                assert!(cursor.peek().is_some_and(|recorded| recorded.is_observation()));
            }
        }
        sender.close();

        assert_eq!(cursor.exhaustion(), Some(trap));

        assert_eq!(extensions.get::<HttpReplayChain>(), Some(HttpReplayChain(chain.clone())));
        assert_eq!(cursor.peek().map(|recorded| recorded.index), Some(0));
        cursor.advance();
        assert_eq!(cursor.peek().map(|recorded| recorded.event), chain.last());
    }

    #[test]
    fn what_is_read_counts_until_its_rerun_goes_on_and_a_lane_that_ends_leaves_nothing() {
        let flow = Flow::new();
        let bytes = || flow.bytes.load(Ordering::Relaxed);
        let (mut sender, mut cursor) = flow.windows(Extensions::default(), 0);
        for _ in 0..3 {
            let (event, payload) = event(WINDOW_BYTES);
            sender.push(event, payload, ANYWHERE);
        }
        let three = bytes();
        assert!(three >= 3 * WINDOW_BYTES && flow.is_ahead_of(sender.lane()));
        assert!(cursor.peek().is_some());
        cursor.advance();
        assert!(cursor.peek().is_some());
        assert_eq!(bytes(), three / 3 * 2);
        drop(cursor);
        assert!(flow.has_ended(sender.lane()));
        let (event, payload) = event(WINDOW_BYTES);
        sender.push(event, payload, ANYWHERE);
        assert_eq!(bytes(), 0);
    }

    #[test]
    fn the_reader_waits_for_no_rerun_that_waits_for_it() {
        let flow = Flow::new();
        let (mut sender, mut cursor) = flow.windows(Extensions::default(), 0);
        let (event, payload) = event(2 * FLOW_BYTES);
        sender.push(event.clone(), payload.clone(), ANYWHERE);
        assert!(flow.is_full());
        thread::scope(|scope| {
            let rerun = scope.spawn(move || {
                let mut seen = 0;
                while cursor.peek().is_some() {
                    cursor.advance();
                    seen += 1;
                }
                seen
            });
            // It has used up the one event, and holds it.
            flow.wait_for_room(Some(sender.lane()));
            assert!(flow.held(sender.lane()) >= 2 * FLOW_BYTES && !flow.is_full());
            sender.push(event, payload, ANYWHERE);
            sender.close();
            assert_eq!(rerun.join().expect("no panic"), 2);
        });
        assert_eq!(flow.bytes.load(Ordering::Relaxed), 0);
    }
}
