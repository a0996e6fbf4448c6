//! Owns [`WindowSender`]: through it the reader gives a re-run its events.

use std::sync::Arc;

use retake_chain::{ChainEvent, ChainEventPayload};

use super::flow::{Flow, LaneId, Window, size_of_event};
use super::recorded::Position;

/// The reader's end of a lane: gathers events into windows. Dropping it closes the lane.
pub(crate) struct WindowSender {
    flow: Arc<Flow>,
    lane: LaneId,
    window: Window,
}

impl WindowSender {
    /// The end of this lane.
    pub fn new(flow: &Arc<Flow>, lane: LaneId) -> WindowSender {
        WindowSender { flow: flow.clone(), lane, window: Window::new(flow) }
    }

    /// The re-run that the events are for.
    pub fn lane(&self) -> LaneId {
        self.lane
    }

    /// Adds an event. Returns whether more full windows wait for the re-run than may.
    pub fn push(&mut self, event: ChainEvent, payload: ChainEventPayload, position: Position) -> bool {
        self.window.held.add(size_of_event(&event));
        self.window.chain.0.push(event.clone());
        self.window.decoded.push((event, payload, position));
        if !self.window.is_full() {
            return false;
        }
        self.flush();
        self.flow.is_ahead_of(self.lane)
    }

    /// Passes on the gathered events.
    pub fn flush(&mut self) {
        if self.window.decoded.is_empty() {
            return;
        }
        let next = Window::new(&self.flow);
        let window = std::mem::replace(&mut self.window, next);
        self.flow.send(self.lane, window);
    }

    /// Passes on the remaining events. The recording of this chain ends here.
    pub fn close(mut self) {
        self.flush();
    }
}

impl Drop for WindowSender {
    fn drop(&mut self) {
        self.flow.close(self.lane);
    }
}
