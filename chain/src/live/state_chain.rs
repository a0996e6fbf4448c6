//! Owns [`StateChain`]: a [`ChainHead`] that many tasks append to, and the delivery of its events to
//! subscribers. Events are not kept here; who wants them subscribes (`best_effort.rs` for those who may lose
//! some).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, Semaphore, mpsc};

use crate::head::{ChainError, ChainHead};
use crate::live::journal::Journal;
use crate::model::event::{ChainEvent, ChainEventData, EventRef};
use crate::model::event_type::SHUTDOWN;
use crate::model::hash::EventHash;
use crate::model::ids::TheaterId;
use crate::model::payload::WasmEventData;
use crate::model::trap::WasmErrorKind;

/// Where a chain delivers its events.
pub type EventSender = mpsc::Sender<(TheaterId, ChainEvent)>;

/// The chain of one actor: its head and its subscribers, and no events.
///
/// Appenders queue on an append lock that nothing else takes. Head and subscriber list are under a short lock
/// that is never held across an await, so that looking at the head or (un)subscribing never waits for a slow
/// subscriber.
///
/// # Order
///
/// Which event may come next is [`ChainHead`]'s to say.
///
/// # Delivery
///
/// An append waits until the journal, if there is one, has room. It advances the head and writes the event to
/// the journal. Then it delivers to the subscribers of that moment in turn, and waits for each that is full,
/// until it has room, hangs up or is removed. A subscriber that has hung up is dropped from the list at the
/// next event. After the delivery of `shutdown` the chain lets go of all subscribers, so their
/// channels close.
///
/// # Cancellation
///
/// An append future that is dropped before it has the append lock and the journal has room leaves no trace.
/// Dropped later, which is only possible while it waits for a full subscriber, its event is in the chain and
/// the journal: the next append continues from it, and first delivers it to those that lack it. The chain never forks and no subscriber sees a gap.
/// [`StateChain::settle`] does the remaining delivery alone.
///
/// # Examples
///
/// ```
/// use retake_chain::{ChainEventData, StateChain, TheaterId, TheaterRuntimeEventData};
/// use tokio::sync::mpsc;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let chain = StateChain::new(TheaterId::generate());
/// let (sender, mut events) = mpsc::channel(8);
/// chain.add_subscriber(sender);
///
/// let started = ChainEventData::theater_runtime(TheaterRuntimeEventData::ActorStarted);
/// let first = chain.add_typed_event(started).await?;
/// let last = chain.add_typed_event(ChainEventData::shutdown()).await?;
/// assert_eq!(last.parent_hash, Some(first.hash));
/// assert_eq!(chain.head_hash(), Some(last.hash));
///
/// assert_eq!(events.recv().await, Some((chain.actor_id(), first)));
/// assert_eq!(events.recv().await, Some((chain.actor_id(), last)));
/// assert_eq!(events.recv().await, None, "a chain that has ended lets its subscribers go");
/// # Ok::<(), retake_chain::ChainError>(())
/// # }).unwrap();
/// ```
pub struct StateChain {
    actor_id: TheaterId,
    /// The turn to append, with what a dropped append left to be delivered. Held by appenders alone.
    append: AsyncMutex<Option<Undelivered>>,
    short: Mutex<Short>,
}

struct Short {
    head: ChainHead,
    /// Gets each event while the lock is held, so in order.
    journal: Option<Arc<dyn Journal>>,
    /// The journal has to be waited for.
    full: bool,
    /// Replaced as a whole on change, so that an append needs no copy of the list.
    subscribers: Arc<[Arc<Subscription>]>,
}

struct Subscription {
    sender: EventSender,
    /// Has no permits, and is closed when the subscriber is removed: that wakes who waits for one.
    removed: Semaphore,
}

struct Undelivered {
    event: ChainEvent,
    /// Those that lack the event, the next one last.
    waiting: Vec<Arc<Subscription>>,
}

impl StateChain {
    /// An empty chain of that actor, without subscribers.
    pub fn new(actor_id: TheaterId) -> Self {
        let short = Short { head: ChainHead::new(), journal: None, full: false, subscribers: Arc::new([]) };
        Self { actor_id, append: AsyncMutex::new(None), short: Mutex::new(short) }
    }

    /// Whose chain this is.
    pub fn actor_id(&self) -> TheaterId {
        self.actor_id
    }

    /// Hash of the last event, or `None` before the first.
    pub fn head_hash(&self) -> Option<EventHash> {
        self.short().head.head()
    }

    /// How many events were appended.
    pub fn event_count(&self) -> u64 {
        self.short().head.count()
    }

    /// How many messages to other actors were appended, whatever became of them: the number of the next one.
    pub fn message_count(&self) -> u64 {
        self.short().head.message_count()
    }

    /// Appends an event and delivers it to every subscriber, waiting for those that are full. Returns the
    /// event.
    ///
    /// # Errors
    /// As [`ChainHead::append`].
    pub async fn add_typed_event(&self, data: ChainEventData) -> Result<ChainEvent, ChainError> {
        let mut turn = self.append_lock().await;
        self.append_locked(&mut turn, &data).await
    }

    /// Appends an event if nobody has to be waited for, as there is no subscriber and the journal has room.
    /// Gives it back for [`StateChain::add_typed_event`] otherwise.
    ///
    /// # Errors
    /// As [`ChainHead::append`].
    pub fn append_at_once(&self, data: ChainEventData) -> Result<Option<ChainEventData>, ChainError> {
        let Ok(turn) = self.append.try_lock() else { return Ok(Some(data)) };
        let mut short = self.short();
        if turn.is_some() || short.full || !short.subscribers.is_empty() {
            return Ok(Some(data));
        }
        short.append(&data)?;
        Ok(None)
    }

    /// Ends the chain from outside, for an actor that cannot do it: the export call in progress, if there is
    /// one, as given up, with that message for people, and the chain with `shutdown`. Nothing comes between,
    /// and what the actor appends later is refused. A chain that has ended is left as it is. Dropped while it
    /// waits, it may leave `shutdown` out: end the chain again.
    ///
    /// # Errors
    /// [`ChainError`] if the chain does not take the message.
    pub async fn end(&self, message: &str) -> Result<(), ChainError> {
        let mut turn = self.append_lock().await;
        let (has_ended, open_call) = {
            let head = &self.short().head;
            (head.has_ended(), head.open_call().map(str::to_owned))
        };
        if has_ended {
            return Ok(());
        }
        if let Some(function_name) = open_call {
            let (kind, message) = (WasmErrorKind::Cancelled, message.into());
            let error = WasmEventData::WasmError { function_name, kind, message };
            self.append_locked(&mut turn, &ChainEventData::wasm(error)).await?;
        }
        self.append_locked(&mut turn, &ChainEventData::shutdown()).await?;
        Ok(())
    }

    /// Delivers what a dropped append left, if it left anything.
    pub async fn settle(&self) {
        drop(self.append_lock().await);
    }

    /// The turn to append; what a dropped append left has been delivered.
    async fn append_lock(&self) -> AsyncMutexGuard<'_, Option<Undelivered>> {
        let mut left = match self.append.try_lock() {
            Ok(left) => left,
            Err(_) => self.append.lock().await,
        };
        if left.is_some() {
            self.deliver_left(&mut left).await;
        }
        left
    }

    async fn append_locked(
        &self,
        left: &mut Option<Undelivered>,
        data: &ChainEventData,
    ) -> Result<ChainEvent, ChainError> {
        self.await_room().await;
        let (event, subscribers) = {
            let mut short = self.short();
            let subscribers = short.subscribers.clone();
            (short.append(data)?.to_event(), subscribers)
        };
        // The event is in the chain now, whatever becomes of this future.
        if !subscribers.is_empty() {
            self.deliver(left, &event, &subscribers).await;
        }
        if &*event.event_type == SHUTDOWN {
            self.let_go();
        }
        Ok(event)
    }

    /// Waits until the journal has room.
    async fn await_room(&self) {
        let full = {
            let short = self.short();
            short.journal.clone().filter(|_| short.full)
        };
        if let Some(journal) = full {
            journal.room().await;
            self.short().full = false;
        }
    }

    /// Sends to each in turn. What is still to be done is noted in `left` before any wait, for that is where
    /// this future may be dropped.
    async fn deliver(
        &self,
        left: &mut Option<Undelivered>,
        event: &ChainEvent,
        subscribers: &[Arc<Subscription>],
    ) {
        let mut hung_up = false;
        for (i, subscriber) in subscribers.iter().enumerate() {
            match subscriber.sender.try_send((self.actor_id, event.clone())) {
                Ok(()) => {}
                Err(TrySendError::Closed(_)) => hung_up = true,
                Err(TrySendError::Full(_)) => {
                    let waiting = subscribers[i..].iter().rev().cloned().collect();
                    *left = Some(Undelivered { event: event.clone(), waiting });
                    break;
                }
            }
        }
        if hung_up {
            self.evict();
        }
        if left.is_some() {
            self.deliver_left(left).await;
        }
    }

    async fn deliver_left(&self, left: &mut Option<Undelivered>) {
        if let Some(Undelivered { event, waiting }) = left {
            while let Some(subscriber) = waiting.last() {
                tokio::select! {
                    biased;
                    // First, for nobody is served after `remove_subscriber` has let go of them.
                    _ = subscriber.removed.acquire() => {}
                    sent = subscriber.sender.send((self.actor_id, event.clone())) => if sent.is_err() {
                        self.evict();
                    }
                }
                waiting.pop();
            }
            if &*event.event_type == SHUTDOWN {
                self.let_go();
            }
        }
        *left = None;
    }

    /// The chain has ended: no subscriber gets another event.
    fn let_go(&self) {
        self.short().subscribers = Arc::new([]);
    }

    fn evict(&self) {
        let mut short = self.short();
        short.subscribers =
            short.subscribers.iter().filter(|other| !other.sender.is_closed()).cloned().collect();
    }

    /// Writes every later event to `journal`, in place of the one before, if there was one. An append waits
    /// for its room.
    pub fn set_journal(&self, journal: Arc<dyn Journal>) {
        let mut short = self.short();
        if !short.head.has_ended() {
            (short.journal, short.full) = (Some(journal), false);
        }
    }

    /// Delivers every later event to `subscriber`; earlier ones are not delivered. After `shutdown` there are
    /// no later ones, and the sender is dropped at once.
    pub fn add_subscriber(&self, subscriber: EventSender) {
        let subscription = Arc::new(Subscription { sender: subscriber, removed: Semaphore::new(0) });
        let mut short = self.short();
        if !short.head.has_ended() {
            short.subscribers = short.subscribers.iter().cloned().chain([subscription]).collect();
        }
    }

    /// Lets go of the subscriber with this channel, also if an append waits for it. Returns whether it was
    /// there.
    pub fn remove_subscriber(&self, subscriber: &EventSender) -> bool {
        let mut short = self.short();
        let all = short.subscribers.iter().cloned();
        let (removed, stay): (Vec<_>, Vec<_>) = all.partition(|other| other.sender.same_channel(subscriber));
        short.subscribers = stay.into();
        // Closing wakes the append that waits, which may want the lock.
        drop(short);
        for subscription in &removed {
            subscription.removed.close();
        }
        !removed.is_empty()
    }

    /// An append that fails leaves the head as it was, so a poisoned lock is as good as any.
    fn short(&self) -> MutexGuard<'_, Short> {
        self.short.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Short {
    /// Appends an event, and writes it to the journal. The last one ends both.
    fn append<'a>(&'a mut self, data: &'a ChainEventData) -> Result<EventRef<'a>, ChainError> {
        let event = self.head.append_lent(data)?;
        if let Some(journal) = &self.journal {
            self.full |= !journal.take(event);
        }
        if &**event.event_type == SHUTDOWN {
            self.journal = None;
        }
        Ok(event)
    }
}

impl fmt::Debug for StateChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.short();
        f.debug_struct("StateChain")
            .field("head", &short.head.head().map(|head| head.short()))
            .field("actor", &self.actor_id)
            .field("events", &short.head.count())
            .field("subscribers", &short.subscribers.len())
            .finish()
    }
}
