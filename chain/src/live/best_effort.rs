//! Owns the best-effort way to drain a chain: a task that always takes, into a ring that forgets the oldest.
//! The strict way is a plain `mpsc::Receiver` given to [`StateChain::add_subscriber`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use crate::live::state_chain::StateChain;
use crate::model::event::ChainEvent;
use crate::model::ids::TheaterId;

/// Events between the chain and the drainer task. Small: the task does nothing but move them.
const HAND_OVER: usize = 64;

/// A subscriber that never makes its chain wait for its reader. It keeps the latest events up to a capacity;
/// older ones are dropped and counted.
#[derive(Debug)]
pub struct BestEffortSubscriber {
    ring: Arc<Ring>,
    drainer: AbortHandle,
}

#[derive(Debug)]
struct Ring {
    slots: Mutex<Slots>,
    arrived: Notify,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Slots {
    events: VecDeque<(TheaterId, ChainEvent)>,
    dropped: u64,
    closed: bool,
}

impl BestEffortSubscriber {
    /// Subscribes to `chain`, keeping up to `capacity` events (at least one). The drainer task runs on
    /// `runtime` until the chain ends or this subscriber is dropped.
    pub fn attach(chain: &StateChain, capacity: usize, runtime: &Handle) -> Self {
        let (sender, receiver) = mpsc::channel(HAND_OVER);
        let capacity = capacity.max(1);
        let ring = Arc::new(Ring { slots: Mutex::default(), arrived: Notify::new(), capacity });
        chain.add_subscriber(sender);
        let drainer = runtime.spawn(drain(receiver, ring.clone())).abort_handle();
        Self { ring, drainer }
    }

    /// The oldest event still kept, waiting for one if there is none. `None` after the chain's last.
    pub async fn recv(&mut self) -> Option<(TheaterId, ChainEvent)> {
        loop {
            let arrived = self.ring.arrived.notified();
            {
                let mut slots = self.ring.slots();
                let event = slots.events.pop_front();
                if event.is_some() || slots.closed {
                    return event;
                }
            }
            arrived.await;
        }
    }

    /// The oldest event still kept, if there is one now.
    pub fn try_recv(&mut self) -> Option<(TheaterId, ChainEvent)> {
        self.ring.slots().events.pop_front()
    }

    /// How many events were dropped because the reader was too slow.
    pub fn dropped(&self) -> u64 {
        self.ring.slots().dropped
    }
}

impl Drop for BestEffortSubscriber {
    fn drop(&mut self) {
        self.drainer.abort();
    }
}

impl Ring {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn drain(mut receiver: mpsc::Receiver<(TheaterId, ChainEvent)>, ring: Arc<Ring>) {
    while let Some(event) = receiver.recv().await {
        let mut slots = ring.slots();
        if slots.events.len() == ring.capacity {
            slots.events.pop_front();
            slots.dropped += 1;
        }
        slots.events.push_back(event);
        drop(slots);
        ring.arrived.notify_one();
    }
    ring.slots().closed = true;
    ring.arrived.notify_one();
}
