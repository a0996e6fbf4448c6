//! Owns [`Cursor`]: through it a re-run reads its events.

use std::sync::Arc;
use std::time::Duration;

use retake_actor::Extensions;
use retake_chain::{HttpReplayChain, Outcome};

use super::flow::{DecodedEvent, Flow, HeldBytes, LaneId, Window, size_of_event};
use super::recorded::{Position, RecordedEvent};

/// The re-run's end of a lane: one event after the other.
pub(crate) struct Cursor {
    flow: Arc<Flow>,
    lane: LaneId,
    /// The events of the window. Its bytes count until the next one comes.
    decoded: Arc<Vec<DecodedEvent>>,
    held: Option<HeldBytes>,
    position: usize,
    /// Index in the chain of the event at `position`.
    index: u64,
    /// How long it has waited for windows.
    waited: Duration,
    /// The extensions of the actor, where its host sees the window.
    extensions: Extensions,
}

impl Cursor {
    /// The end of this lane, whose first event has the index `first` in its chain. The extensions of the
    /// actor have an [`HttpReplayChain`] from now on: the events of the window, copied when somebody asks for
    /// them.
    pub fn new(flow: &Arc<Flow>, lane: LaneId, extensions: Extensions, first: u64) -> Cursor {
        extensions.set(HttpReplayChain::default());
        Cursor {
            flow: flow.clone(),
            lane,
            decoded: Arc::default(),
            held: None,
            position: 0,
            index: first,
            waited: Duration::ZERO,
            extensions,
        }
    }

    /// The next event, or `None` at the end of the recording. Waits for the reader.
    pub fn peek(&mut self) -> Option<RecordedEvent<'_>> {
        if self.position == self.decoded.len() {
            self.next_window();
        }
        let (event, payload, position) = self.decoded.get(self.position)?;
        Some(RecordedEvent { event, payload, index: self.index, position: *position })
    }

    /// The outcome of the call in progress, if in the recording its stack was exhausted before it did
    /// anything else. Notes of the host may come first.
    pub fn exhaustion(&mut self) -> Option<Outcome> {
        let first = self.peek()?;
        if !first.is_of_the_host() {
            return first.exhaustion();
        }
        let mut is_extended = false;
        let mut ahead = 1;
        loop {
            let next = self.decoded.get(self.position + ahead);
            let next = next.map(|(event, payload, position)| {
                let index = self.index + ahead as u64;
                RecordedEvent { event, payload, index, position: *position }
            });
            match next {
                Some(next) if next.is_of_the_host() => ahead += 1,
                Some(next) => return next.exhaustion(),
                // It looks no further, as all of it stays in memory.
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
        let mut kept = self.take_window();
        kept.decoded.drain(..std::mem::take(&mut self.position));
        self.next_window();
        let next = self.take_window();
        let is_there = !next.decoded.is_empty();
        kept.decoded.extend(next.decoded);
        kept.held.merge(next.held);
        self.show(kept);
        is_there.then_some(())
    }

    /// Replaces the window, all of which was read, with the next one; with none at the end.
    fn next_window(&mut self) {
        self.position = 0;
        let read = self.take_window();
        // While it waits for the next event, the re-run holds the event that it checked last.
        let last = read.decoded.last().map_or(0, |(event, ..)| size_of_event(event));
        let mut held = HeldBytes::new(&self.flow);
        held.add(last);
        drop(read);
        let (next, waited) = self.flow.next_window(self.lane, last);
        self.waited += waited;
        // The reader hears of the bytes when they are dropped.
        drop(held);
        if let Some(window) = next {
            self.show(window);
        }
    }

    /// The window, which nobody sees any more.
    fn take_window(&mut self) -> Window {
        self.extensions.set(HttpReplayChain::default());
        let held = self.held.take().unwrap_or_else(|| HeldBytes::new(&self.flow));
        // Only somebody who asks for it at this moment has it too.
        Window { decoded: Arc::unwrap_or_clone(std::mem::take(&mut self.decoded)), held }
    }

    /// Goes through this window next. The actor's host sees it if it asks.
    fn show(&mut self, window: Window) {
        self.decoded = Arc::new(window.decoded);
        self.held = Some(window.held);
        let decoded = self.decoded.clone();
        self.extensions
            .set_made(move || HttpReplayChain(decoded.iter().map(|(event, ..)| event.clone()).collect()));
    }

    /// How long it has waited for the reader.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The position of the next event, if it is known without waiting.
    pub fn here(&self) -> Option<Position> {
        self.decoded.get(self.position).map(|(_, _, position)| *position)
    }

    /// Steps over the event that [`peek`](Self::peek) showed.
    pub fn advance(&mut self) {
        self.position += 1;
        self.index += 1;
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.flow.remove_lane(self.lane);
    }
}
