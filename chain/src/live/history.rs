//! Owns [`History`], the window of a chain's latest events that a store answers questions from, and the check
//! of such a window. The chain itself keeps no events.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc};
use tokio::task::AbortHandle;

use crate::codec::event::LinkFault;
use crate::live::state_chain::StateChain;
use crate::model::event::ChainEvent;
use crate::model::ids::TheaterId;

/// Events between the chain and the window. Small: they are only moved.
const HAND_OVER: usize = 64;
/// Events that a listener may lag behind before it misses some.
const LISTENERS_BEHIND: usize = 1024;

/// A subscriber that keeps a chain's latest events, up to a capacity, and passes them on to listeners. It
/// never makes the chain wait for whoever reads it.
///
/// What was appended before a question is asked is in the answer.
#[derive(Debug)]
pub struct History {
    shared: Arc<SharedHistory>,
    drainer: AbortHandle,
}

#[derive(Debug)]
struct SharedHistory {
    window: Mutex<RecentEvents>,
    listeners: broadcast::Sender<ChainEvent>,
    capacity: usize,
}

#[derive(Debug)]
struct RecentEvents {
    arriving: mpsc::Receiver<(TheaterId, ChainEvent)>,
    events: VecDeque<ChainEvent>,
    lost: u64,
}

/// Events of a window, and how many came before them that it no longer has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventWindow {
    /// The events.
    pub events: Vec<ChainEvent>,
    /// Events that were asked for, or may have been, and that the window had to let go.
    pub lost: u64,
}

/// Where a window of a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index} (`{event_type}`): {fault}")]
pub struct BrokenChain {
    /// Index of the event in the chain.
    pub index: u64,
    /// The event's type.
    pub event_type: String,
    /// What is wrong with the event.
    pub fault: LinkFault,
}

impl EventWindow {
    /// Whether nothing was lost.
    pub fn is_complete(&self) -> bool {
        self.lost == 0
    }

    /// Recomputes every hash and checks every link. The parent of the first event is checked only if nothing
    /// was lost.
    ///
    /// # Errors
    /// [`BrokenChain`] with the first event that is wrong.
    pub fn verify(&self) -> Result<(), BrokenChain> {
        let mut before = self.is_complete().then_some(None);
        for (index, event) in (self.lost..).zip(&self.events) {
            event
                .check_hash()
                .and_then(|()| before.map_or(Ok(()), |before| event.check_link(before)))
                .map_err(|fault| BrokenChain { index, event_type: event.event_type.to_string(), fault })?;
            before = Some(Some(event.hash));
        }
        Ok(())
    }
}

impl History {
    /// Subscribes to a chain, keeping up to `capacity` events (at least one). A task on `runtime` takes them
    /// as they come, until the chain ends or the history is dropped.
    pub fn attach(chain: &StateChain, capacity: usize, runtime: &Handle) -> History {
        let (sender, arriving) = mpsc::channel(HAND_OVER);
        chain.add_subscriber(sender);
        let shared = Arc::new(SharedHistory {
            window: Mutex::new(RecentEvents { arriving, events: VecDeque::new(), lost: 0 }),
            listeners: broadcast::Sender::new(LISTENERS_BEHIND),
            capacity: capacity.max(1),
        });
        let drained = shared.clone();
        let drainer = runtime.spawn(async move {
            // The lock is held for a poll only, so that who asks can take what has arrived too.
            poll_fn(|cx| {
                let mut window = drained.window();
                loop {
                    match window.arriving.poll_recv(cx) {
                        Poll::Ready(Some((_, event))) => drained.keep(&mut window, event),
                        Poll::Ready(None) => return Poll::Ready(()),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            })
            .await;
        });
        History { shared, drainer: drainer.abort_handle() }
    }

    /// Every event of the window that `wanted` wants, oldest first.
    pub fn events(&self, wanted: impl Fn(&ChainEvent) -> bool) -> EventWindow {
        let window = self.shared.up_to_date();
        let events = window.events.iter().filter(|event| wanted(event)).cloned().collect();
        EventWindow { events, lost: window.lost }
    }

    /// The last `count` events, newest first.
    pub fn recent(&self, count: usize) -> EventWindow {
        let window = self.shared.up_to_date();
        let events: Vec<_> = window.events.iter().rev().take(count).cloned().collect();
        let lost = window.lost.min((count - events.len()) as u64);
        EventWindow { events, lost }
    }

    /// A listener that hears every later event. One that lags too far behind gets the number of events that
    /// it missed.
    pub fn listen(&self) -> broadcast::Receiver<ChainEvent> {
        // What has arrived already is not later.
        let _window = self.shared.up_to_date();
        self.shared.listeners.subscribe()
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.drainer.abort();
    }
}

impl SharedHistory {
    fn window(&self) -> MutexGuard<'_, RecentEvents> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up_to_date(&self) -> MutexGuard<'_, RecentEvents> {
        let mut window = self.window();
        while let Ok((_, event)) = window.arriving.try_recv() {
            self.keep(&mut window, event);
        }
        window
    }

    fn keep(&self, window: &mut RecentEvents, event: ChainEvent) {
        if window.events.len() == self.capacity {
            window.events.pop_front();
            window.lost += 1;
        }
        window.events.push_back(event.clone());
        // An error says that nobody listens.
        let _ = self.listeners.send(event);
    }
}
