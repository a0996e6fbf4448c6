//! Owns [`Flow`]: the windows of all chains of a take on their way to the re-runs, and the limit on their
//! size.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use retake_chain::{ChainEvent, ChainEventPayload, HttpReplayChain, Value};

use super::recorded::Position;

/// A window is passed on when it holds this many events...
const WINDOW_EVENTS: usize = 1024;
/// ...or takes about this many bytes of memory when decoded.
pub(super) const WINDOW_BYTES: usize = 1 << 20;
/// Bytes that all windows of a take may have together, not counting the largest single event.
pub(super) const FLOW_BYTES: usize = 64 << 20;
/// Full windows that may wait for a re-run.
const WAITING: usize = 1;

/// The windows of all chains of a take.
pub(crate) struct Flow {
    state: Mutex<FlowState>,
    /// Signalled when a re-run has taken a window, waits for one, or has ended.
    changed: Condvar,
    /// Bytes in memory, in windows and in re-runs that wait.
    pub(super) bytes: AtomicUsize,
    /// How many of them are allowed.
    limit: AtomicUsize,
}

#[derive(Default)]
struct FlowState {
    /// One for each re-run that has not ended.
    lanes: HashMap<LaneId, Lane>,
    opened: u64,
}

/// Names a re-run, by a count from the first.
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
pub(crate) struct Window {
    pub chain: HttpReplayChain,
    /// Each event again, its payload and its position.
    pub decoded: Vec<(ChainEvent, ChainEventPayload, Position)>,
    pub held: HeldBytes,
}

/// Bytes in memory, which count in a flow until this is dropped.
pub(crate) struct HeldBytes {
    flow: Arc<Flow>,
    bytes: usize,
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

    /// A lane for one more re-run. It stays until it is [removed](Self::remove_lane).
    pub fn open_lane(&self) -> LaneId {
        let mut state = self.lock();
        let lane = LaneId(state.opened);
        state.opened += 1;
        let (windows, more) = (VecDeque::new(), Arc::default());
        state.lanes.insert(lane, Lane { windows, closed: false, waiting: false, held: 0, more });
        lane
    }

    /// Removes the lane of a re-run that has ended.
    pub fn remove_lane(&self, lane: LaneId) {
        let lane = self.lock().lanes.remove(&lane);
        // Its windows take the lock when they are dropped.
        drop(lane);
        self.changed.notify_one();
    }

    /// The next window of a lane; `None` if no more comes. Waits for the reader, with an event of `held`
    /// bytes in memory. Also returns how long that took.
    pub fn next_window(&self, lane: LaneId, held: usize) -> (Option<Window>, Duration) {
        let mut state = self.lock();
        let mut began = None;
        let mut next = None;
        // The lane is there as long as the cursor.
        while let Some(lane) = state.lanes.get_mut(&lane) {
            if let Some(window) = lane.windows.pop_front() {
                (lane.waiting, lane.held) = (false, 0);
                next = Some(window);
                break;
            }
            if lane.closed {
                break;
            }
            began = began.or_else(|| Some(Instant::now()));
            (lane.waiting, lane.held) = (true, held);
            let more = lane.more.clone();
            self.changed.notify_one();
            state = more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        (next, began.map_or(Duration::ZERO, |began| began.elapsed()))
    }

    /// Whether more is in memory than is allowed.
    pub fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.limit.load(Ordering::Relaxed)
    }

    /// Waits until there is room again, in the given lane too, or until all re-runs have used up what they
    /// got. The senders must be empty.
    pub fn wait_for_room(&self, lane: Option<LaneId>) {
        let mut state = self.lock();
        loop {
            let is_behind =
                |lane: LaneId| state.lanes.get(&lane).is_some_and(|lane| lane.windows.len() > WAITING);
            // One event may be larger than the limit; it is in memory anyway.
            let largest = state.lanes.values().map(|lane| lane.held).max().unwrap_or(0);
            self.limit.store(FLOW_BYTES + largest, Ordering::Relaxed);
            let has_room = self.bytes.load(Ordering::Relaxed) <= FLOW_BYTES / 2 + largest;
            if has_room && !lane.is_some_and(is_behind) || state.lanes.values().all(Lane::is_idle) {
                return;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until `is_over` returns true. It is given a function that says whether a re-run has ended, and
    /// must ask for re-runs that get no more events.
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

    /// Whether more full windows wait for a re-run than may.
    pub fn is_ahead_of(&self, lane: LaneId) -> bool {
        self.lock().lanes.get(&lane).is_some_and(|lane| lane.windows.len() > WAITING)
    }

    /// Adds a window to a lane.
    pub fn send(&self, lane: LaneId, window: Window) {
        let mut state = self.lock();
        match state.lanes.get_mut(&lane) {
            Some(lane) => {
                lane.windows.push_back(window);
                lane.more.notify_one();
            }
            // It has ended. The window counts until it is dropped, and dropping it takes the lock.
            None => {
                drop(state);
                drop(window);
            }
        }
    }

    /// No more comes in a lane.
    pub fn close(&self, lane: LaneId) {
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

impl HeldBytes {
    /// No bytes yet.
    pub fn new(flow: &Arc<Flow>) -> HeldBytes {
        HeldBytes { flow: flow.clone(), bytes: 0 }
    }

    /// Takes over the bytes of another.
    pub fn merge(&mut self, mut other: HeldBytes) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    pub fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.flow.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.flow.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        // Locked, so that the reader does not look before this and wait after it.
        drop(self.flow.lock());
        self.flow.changed.notify_one();
    }
}

impl Window {
    pub fn new(flow: &Arc<Flow>) -> Window {
        Window { chain: HttpReplayChain::default(), decoded: Vec::new(), held: HeldBytes::new(flow) }
    }

    pub fn is_full(&self) -> bool {
        self.decoded.len() >= WINDOW_EVENTS || self.held.bytes >= WINDOW_BYTES
    }
}

/// Memory that a decoded event takes. A value can be one byte of data and a whole `Value` in memory.
pub(super) fn size_of_event(event: &ChainEvent) -> usize {
    event.data.len() + event.value_count() * size_of::<Value>()
}
