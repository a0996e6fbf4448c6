//! Owns [`Cursor`]: the re-run's end of a lane.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use retake_actor::Extensions;
use retake_chain::{ChainEvent, ChainEventPayload, HttpReplayChain, Outcome};

use super::flow::{Flow, HeldBytes, LaneId, Window, size_of_event};
use super::recorded::{Position, RecordedEvent};

/// The re-run's end of a lane: one event after the other.
pub(crate) struct Cursor {
    flow: Arc<Flow>,
    lane: LaneId,
    window: Option<Window>,
    position: usize,
    /// The event before the window.
    before: Option<(ChainEvent, Position)>,
    /// Index in the chain of the event at `position`.
    index: u64,
    /// How long it has waited for windows.
    waited: Duration,
    /// The extensions of the actor, where its host sees the window.
    extensions: Extensions,
}

impl Cursor {
    /// The end of this lane, whose first event has the index `first` in its chain. The extensions of the actor have an
    /// [`HttpReplayChain`] from now on: the events of the window.
    pub fn new(flow: &Arc<Flow>, lane: LaneId, extensions: Extensions, first: u64) -> Cursor {
        extensions.set(HttpReplayChain::default());
        Cursor {
            flow: flow.clone(),
            lane,
            window: None,
            position: 0,
            before: None,
            index: first,
            waited: Duration::ZERO,
            extensions,
        }
    }

    /// The next event, or `None` at the end of the recording. Waits for the reader.
    pub fn peek(&mut self) -> Option<RecordedEvent<'_>> {
        let known = self.window.as_ref().map_or(0, |window| window.decoded.len());
        if self.position == known {
            self.next_window();
        }
        let (event, payload, position) = self.window.as_ref()?.decoded.get(self.position)?;
        Some(RecordedEvent { event, payload, index: self.index, position: *position })
    }

    /// Takes out what the next event says, which [`peek`](Self::peek) then shows no more.
    pub fn take_payload(&mut self) -> Option<ChainEventPayload> {
        let (_, payload, _) = self.window.as_mut()?.decoded.get_mut(self.position)?;
        Some(mem::replace(payload, ChainEventPayload::Shutdown))
    }

    /// The event that was stepped over last, with its index in the chain.
    pub fn last(&self) -> Option<(&ChainEvent, u64, Position)> {
        let index = self.index.checked_sub(1)?;
        let (event, position) = match self.position.checked_sub(1) {
            Some(last) => {
                let (event, _, position) = self.window.as_ref()?.decoded.get(last)?;
                (event, position)
            }
            None => self.before.as_ref().map(|(event, position)| (event, position))?,
        };
        Some((event, index, *position))
    }

    /// The outcome of the call in progress, if in the recording its stack was exhausted before it did anything else. Notes of
    /// the host may come first.
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
        self.keep_last();
        let mut kept = self.window.take()?;
        kept.decoded.drain(..mem::take(&mut self.position));
        self.next_window();
        let next = self.window.take();
        let is_there = next.is_some();
        if let Some(Window { decoded, held, .. }) = next {
            kept.decoded.extend(decoded);
            kept.held.merge(held);
        }
        let events = kept.decoded.iter().map(|(event, ..)| event.clone());
        self.extensions.set(HttpReplayChain(events.collect()));
        self.window = Some(kept);
        is_there.then_some(())
    }

    /// Replaces the window, all of which was read, with the next one; with none at the end.
    fn next_window(&mut self) {
        self.keep_last();
        self.position = 0;
        let read = self.window.take();
        // While it waits for the next event, the re-run holds the event that it checked last.
        let last = self.before.as_ref().map_or(0, |(event, _)| size_of_event(event));
        let mut held = HeldBytes::new(&self.flow);
        held.add(last);
        drop(read);
        self.extensions.set(HttpReplayChain::default());
        let (next, waited) = self.flow.next_window(self.lane, last);
        self.window = next;
        self.waited += waited;
        // The reader hears of the bytes when they are dropped.
        drop(held);
        if let Some(window) = &mut self.window {
            self.extensions.set(mem::take(&mut window.chain));
        }
    }

    /// Keeps the last event beyond its window.
    fn keep_last(&mut self) {
        if let (1.., Some((event, _, position))) = (self.position, self.last()) {
            self.before = Some((event.clone(), position));
        }
    }

    /// How long it has waited for the reader.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The position of the next event, if it is known without waiting.
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
        self.flow.remove_lane(self.lane);
    }
}
