//! Owns the window of a chain that is in memory while it is replayed: batches of events that the reader sends ahead, and
//! the cursor through them. Memory does not grow with the take.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
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

/// Consecutive events of one chain, checked and decoded.
#[derive(Default)]
pub(crate) struct Window {
    chain: HttpReplayChain,
    /// Each event again, what it says, and where it is.
    decoded: Vec<(ChainEvent, ChainEventPayload, Position)>,
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

/// The reader's end: gathers windows.
pub(crate) struct WindowSender {
    window: Window,
    windows: SyncSender<Window>,
}

/// The re-run's end: one event after the other.
pub(crate) struct Cursor {
    window: Window,
    position: usize,
    /// Index in the chain of the event at `position`.
    index: u64,
    windows: Receiver<Window>,
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
}

/// A connected pair, for the events of a chain from the index `first` on. From now on the actor's extensions have an [`HttpReplayChain`]: the events of the window.
pub(crate) fn windows(extensions: Extensions, first: u64) -> (WindowSender, Cursor) {
    let (sender, receiver) = sync_channel(1);
    extensions.set(HttpReplayChain::default());
    (
        WindowSender { window: Window::default(), windows: sender },
        Cursor {
            window: Window::default(),
            position: 0,
            index: first,
            windows: receiver,
            waited: Duration::ZERO,
            extensions,
        },
    )
}

impl WindowSender {
    /// Adds an event; waits for the re-run when it is a window behind. Returns whether anybody still wants events.
    pub fn push(&mut self, event: ChainEvent, payload: ChainEventPayload, position: Position) -> bool {
        // A value can be a single byte of data, and a whole `Value` in memory.
        self.window.bytes += event.data.len() + event.value_count() * size_of::<Value>();
        self.window.chain.0.push(event.clone());
        self.window.decoded.push((event, payload, position));
        if self.window.decoded.len() < WINDOW_EVENTS && self.window.bytes < WINDOW_BYTES {
            return true;
        }
        self.send()
    }

    fn send(&mut self) -> bool {
        self.windows.send(std::mem::take(&mut self.window)).is_ok()
    }

    /// Passes on what is left; the recording of this chain ends here.
    pub fn finish(mut self) {
        if !self.window.decoded.is_empty() {
            self.send();
        }
    }
}

impl Cursor {
    /// The next event, or `None` at the end of the recording. Waits for the reader.
    pub fn peek(&mut self) -> Option<Recorded<'_>> {
        if self.position == self.window.decoded.len() {
            self.window = self.next_window()?;
            self.extensions.set(std::mem::take(&mut self.window.chain));
            self.position = 0;
        }
        let (event, payload, position) = self.window.decoded.get(self.position)?;
        Some(Recorded { event, payload, index: self.index, position: *position })
    }

    /// How the call in progress ended, if the recording says that its stack was exhausted before it did anything else. What the
    /// host noted after that may come first.
    pub fn exhaustion(&mut self) -> Option<Outcome> {
        let next = self.peek()?;
        if !next.is_observation() {
            return next.exhaustion();
        }
        if self.position + 1 == self.window.decoded.len() {
            let next = self.next_window()?;
            self.window.decoded.drain(..self.position);
            self.position = 0;
            let kept = self.window.decoded.iter().map(|(event, ..)| event.clone());
            self.extensions.set(HttpReplayChain(kept.chain(next.chain.0).collect()));
            self.window.decoded.extend(next.decoded);
        }
        let (event, payload, position) = self.window.decoded.get(self.position + 1)?;
        Recorded { event, payload, index: self.index + 1, position: *position }.exhaustion()
    }

    fn next_window(&mut self) -> Option<Window> {
        match self.windows.try_recv() {
            Ok(window) => return Some(window),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        let began = Instant::now();
        let window = self.windows.recv().ok();
        self.waited += began.elapsed();
        window
    }

    /// How long it has waited for the reader.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Where the next event is, as far as it is known without waiting.
    pub fn here(&self) -> Option<Position> {
        self.window.decoded.get(self.position).map(|(_, _, position)| *position)
    }

    /// Steps over the event that [`peek`](Self::peek) showed.
    pub fn advance(&mut self) {
        self.position += 1;
        self.index += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use retake_chain::{ChainEventData, HostFunctionCall};

    use super::*;

    #[test]
    fn a_window_is_full_by_the_memory_that_its_values_take() {
        let call = ChainEventData::host_function(HostFunctionCall {
            interface: Arc::from("a:b/c"),
            function: Arc::from("f"),
            input: vec![Value::List(vec![Value::None; WINDOW_BYTES / size_of::<Value>()])],
            output: Outcome::Returned(None),
        });
        let event = call.to_chain_event(None);
        assert!(event.data.len() < WINDOW_BYTES / 16);
        let extensions = Extensions::default();
        let (mut sender, mut cursor) = windows(extensions.clone(), 0);
        assert_eq!(extensions.get::<HttpReplayChain>(), Some(HttpReplayChain::default()));

        assert!(sender.push(event.clone(), call.data, Position { number: 0, offset: 0 }));

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
        let trap = Outcome::Trapped(Trap::StackOverflow.to_string());
        let end = ChainEventData::wasm(WasmEventData::ended("handle".into(), None, trap.clone()));
        let extensions = Extensions::default();
        let (mut sender, mut cursor) = windows(extensions.clone(), 0);
        let mut chain = Vec::new();
        for (number, data) in (0..).zip([observation, end]) {
            let event = data.to_chain_event(chain.last().map(|event: &ChainEvent| event.hash));
            sender.push(event.clone(), data.data, Position { number, offset: 0 });
            chain.push(event);
            if number == 0 {
                assert!(cursor.peek().is_some_and(|recorded| recorded.is_observation()));
            }
        }
        sender.finish();

        assert_eq!(cursor.exhaustion(), Some(trap));

        assert_eq!(extensions.get::<HttpReplayChain>(), Some(HttpReplayChain(chain.clone())));
        assert_eq!(cursor.peek().map(|recorded| recorded.index), Some(0));
        cursor.advance();
        assert_eq!(cursor.peek().map(|recorded| recorded.event), chain.last());
    }
}
