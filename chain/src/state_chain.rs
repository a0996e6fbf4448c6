//! Owns [`StateChain`]: the head of one actor's chain, the appending of events, and their delivery to
//! subscribers. Events are not kept here; who wants them subscribes (`best_effort.rs` for those who may lose some).

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, Semaphore, mpsc};

use crate::count::check_values;
use crate::event::{ChainEvent, ChainEventData};
use crate::grammar::{Admitted, Grammar, GrammarFault};
use crate::hash::EventHash;
use crate::ids::TheaterId;
use crate::log::{MAX_EVENT, MAX_EVENT_TYPE};
use crate::payload::{SHUTDOWN, WasmEventData, is_message};
use crate::trap::WasmErrorKind;
use crate::value::{MAX_VALUE_DEPTH, MAX_VALUES};

/// Events of up to so many bytes share memory...
const SMALL: usize = 1 << 10;
/// ...in blocks of so many.
const BLOCK: usize = 16 << 10;

/// Where a chain delivers its events.
pub type EventSender = mpsc::Sender<(TheaterId, ChainEvent)>;

/// An event that a chain does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The chain ended with `shutdown`.
    #[error("chain {actor} ended with `shutdown` after {events} events; start another chain")]
    Ended {
        /// Whose chain.
        actor: TheaterId,
        /// How many events it has.
        events: u64,
    },
    /// The grammar of a chain does not have such an event there.
    #[error("event {index} (`{event_type}`) cannot be appended: {fault}")]
    Misplaced {
        /// Index the event would have had in the chain.
        index: u64,
        /// The event's type.
        event_type: String,
        /// Why.
        fault: GrammarFault,
    },
    /// The type is not the payload's.
    #[error("event {index}: type `{event_type}` does not fit its payload `{payload}`; use a constructor")]
    WrongType {
        /// Index the event would have had in the chain.
        index: u64,
        /// The type given.
        event_type: String,
        /// The payload's name.
        payload: &'static str,
    },
    /// The type is longer than a log can hold.
    #[error("event {index}: its type has {len} bytes, at most {MAX_EVENT_TYPE} fit; shorten the name")]
    TypeTooLong {
        /// Index the event would have had in the chain.
        index: u64,
        /// Bytes of the type.
        len: usize,
    },
    /// The data is larger than a log can hold.
    #[error("event {index} (`{event_type}`): {len} bytes of data, at most {MAX_EVENT} fit; split the call")]
    TooLarge {
        /// Index the event would have had in the chain.
        index: u64,
        /// The event's type.
        event_type: String,
        /// Bytes of data.
        len: usize,
    },
    /// A value nests deeper than readers accept.
    #[error("event {index} (`{event_type}`): a value nests {depth} deep, at most {MAX_VALUE_DEPTH} fit")]
    TooDeep {
        /// Index the event would have had in the chain.
        index: u64,
        /// The event's type.
        event_type: String,
        /// Depth of the deepest value.
        depth: usize,
    },
    /// A record has two fields of one name.
    #[error("event {index} (`{event_type}`): a record has two fields `{key}`; name them apart")]
    DuplicateKey {
        /// Index the event would have had in the chain.
        index: u64,
        /// The event's type.
        event_type: String,
        /// The name.
        key: String,
    },
    /// More values than readers accept.
    #[error("event {index} (`{event_type}`): more than the {MAX_VALUES} values that fit; split the call")]
    TooManyValues {
        /// Index the event would have had in the chain.
        index: u64,
        /// The event's type.
        event_type: String,
    },
}

/// The chain of one actor: the head and the subscribers, and no events.
///
/// Appenders queue on an append lock that nothing else takes. Head and subscriber list sit behind a short lock
/// that is never held across an await, so that looking at the head or (un)subscribing never waits for a slow
/// subscriber.
///
/// # Order
///
/// A chain that starts with a genesis holds the [grammar](Grammar) of a take's chains: any other event is refused. One that
/// starts with something else is a chain that no take holds, and takes every event until `shutdown`.
///
/// # Delivery
///
/// An append advances the head, then delivers to the subscribers of that moment in turn, waiting for each that
/// is full, until it has room, hangs up or is removed. A subscriber that has hung up is dropped from the list at
/// the next event. After `shutdown` was delivered the chain lets go of all subscribers, so their channels close.
///
/// # Cancellation
///
/// An append future that is dropped before it has the append lock leaves no trace. Dropped later, which is only
/// possible while it waits for a full subscriber, its event is in the chain: the next append continues from it,
/// and first delivers it to those that lack it. The chain never forks and no subscriber sees a gap.
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
    /// Held by appenders alone.
    append: AsyncMutex<Appender>,
    short: Mutex<Short>,
}

struct Short {
    head: Option<EventHash>,
    count: u64,
    messages: u64,
    ended: bool,
    /// Replaced as a whole on change, so that an append needs no copy of the list.
    subscribers: Arc<[Arc<Subscription>]>,
}

struct Subscription {
    sender: EventSender,
    /// Has no permits, and is closed when the subscriber is removed: who waits for one is told.
    removed: Semaphore,
}

/// What the append whose turn it is works with.
struct Appender {
    /// What a dropped append left to be delivered.
    left: Option<Undelivered>,
    /// What may come next, and the export call in progress.
    grammar: Grammar,
    /// Where events are encoded.
    scratch: Vec<u8>,
    /// Memory that small events share. Allocated one by one and freed by a subscriber's thread, they would cost the
    /// allocator more than their encoding costs.
    block: BytesMut,
}

struct Undelivered {
    event: ChainEvent,
    /// Those that lack the event, the next one last.
    waiting: Vec<Arc<Subscription>>,
}

impl StateChain {
    /// An empty chain of that actor, without subscribers.
    pub fn new(actor_id: TheaterId) -> Self {
        let short = Short { head: None, count: 0, messages: 0, ended: false, subscribers: Arc::new([]) };
        let appender = Appender::new(Grammar::unbound());
        Self { actor_id, append: AsyncMutex::new(appender), short: Mutex::new(short) }
    }

    /// The part of a chain behind its first `count` events, the last of which has the hash `head`: for a re-run that does not
    /// begin at the start. No call is in progress there.
    pub fn continuing(actor_id: TheaterId, head: EventHash, count: u64) -> Self {
        let short = Short { head: Some(head), count, messages: 0, ended: false, subscribers: Arc::new([]) };
        let appender = Appender::new(Grammar::between_calls());
        Self { actor_id, append: AsyncMutex::new(appender), short: Mutex::new(short) }
    }

    /// Whose chain this is.
    pub fn actor_id(&self) -> TheaterId {
        self.actor_id
    }

    /// Hash of the last event, or `None` before the first.
    pub fn head_hash(&self) -> Option<EventHash> {
        self.short().head
    }

    /// How many events were appended.
    pub fn event_count(&self) -> u64 {
        self.short().count
    }

    /// How many messages to other actors were appended, whatever became of them: the number of the next one.
    pub fn message_count(&self) -> u64 {
        self.short().messages
    }

    /// Hashes the event after the head, advances the head, and delivers the event to every subscriber,
    /// waiting for those that are full. Returns the event.
    ///
    /// # Errors
    /// [`ChainError`] for an event that no take can hold or that may not come next, and after `shutdown`. Nothing changes
    /// then.
    pub async fn add_typed_event(&self, data: ChainEventData) -> Result<ChainEvent, ChainError> {
        if !data.data.fits(&data.event_type) {
            let (event_type, payload) = (data.event_type.to_string(), data.data.name());
            return Err(ChainError::WrongType { index: self.event_count(), event_type, payload });
        }
        let mut appender = self.append_lock().await;
        let seen = data.data.encode_into(&mut appender.scratch);
        if seen.depth > MAX_VALUE_DEPTH {
            let (event_type, depth) = (data.event_type.to_string(), seen.depth);
            return Err(ChainError::TooDeep { index: self.event_count(), event_type, depth });
        }
        if let Some(key) = seen.doubled {
            let event_type = data.event_type.to_string();
            return Err(ChainError::DuplicateKey { index: self.event_count(), event_type, key });
        }
        if check_values(&appender.scratch).is_err() {
            let event_type = data.event_type.to_string();
            return Err(ChainError::TooManyValues { index: self.event_count(), event_type });
        }
        let bytes = appender.take_encoded();
        let admitted = appender.grammar.check(&data.data).map(Some);
        self.append_locked(&mut appender, data.event_type, bytes, admitted).await
    }

    /// Appends an event that a replay copies from its recording: type and data are kept, the hash is made
    /// again after this chain's head. Meant for events in which the guest has no part ([`Origin`](crate::Origin)).
    ///
    /// # Errors
    /// As [`StateChain::add_typed_event`]; data that cannot be decoded is taken as it is.
    pub async fn append_recorded(&self, recorded: &ChainEvent) -> Result<ChainEvent, ChainError> {
        let mut appender = self.append_lock().await;
        let payload = recorded.payload().ok();
        let admitted = payload.map(|payload| appender.grammar.check(&payload)).transpose();
        self.append_locked(&mut appender, recorded.event_type.clone(), recorded.data.clone(), admitted).await
    }

    /// Ends the chain from outside, for an actor that cannot do it: the export call in progress, if there is one, as given
    /// up, with that message for people, and the chain with `shutdown`. Nothing comes between, and what the actor appends later
    /// is refused. A chain that has ended is left as it is. Dropped while it waits, it may leave `shutdown` out: end the
    /// chain again.
    ///
    /// # Errors
    /// [`ChainError`] if the chain does not take the message.
    pub async fn end(&self, message: &str) -> Result<(), ChainError> {
        let mut appender = self.append_lock().await;
        if self.short().ended {
            return Ok(());
        }
        if let Some(function_name) = appender.grammar.open_call().map(str::to_owned) {
            let (kind, message) = (WasmErrorKind::Cancelled, message.into());
            let error = WasmEventData::WasmError { function_name, kind, message };
            self.append_own(&mut appender, ChainEventData::wasm(error)).await?;
        }
        self.append_own(&mut appender, ChainEventData::shutdown()).await?;
        Ok(())
    }

    /// Delivers what a dropped append left, if it left anything.
    pub async fn settle(&self) {
        drop(self.append_lock().await);
    }

    /// The turn to append; what a dropped append left has been delivered.
    async fn append_lock(&self) -> AsyncMutexGuard<'_, Appender> {
        let mut appender = match self.append.try_lock() {
            Ok(appender) => appender,
            Err(_) => self.append.lock().await,
        };
        if appender.left.is_some() {
            self.deliver_left(&mut appender.left).await;
        }
        appender
    }

    /// Appends an event that the chain makes itself.
    async fn append_own(&self, appender: &mut Appender, data: ChainEventData) -> Result<(), ChainError> {
        let admitted = appender.grammar.check(&data.data).map(Some);
        self.append_locked(appender, data.event_type, data.data.encode(), admitted).await.map(drop)
    }

    /// `admitted` is what the grammar says of the event, if it was asked.
    async fn append_locked(
        &self,
        appender: &mut Appender,
        event_type: Arc<str>,
        data: Bytes,
        admitted: Result<Option<Admitted>, GrammarFault>,
    ) -> Result<ChainEvent, ChainError> {
        let parent = self.admit(&event_type, data.len())?;
        match admitted {
            Ok(Some(admitted)) => appender.grammar.take(admitted),
            Ok(None) => {}
            Err(fault) => {
                let (index, event_type) = (self.event_count(), event_type.to_string());
                return Err(ChainError::Misplaced { index, event_type, fault });
            }
        }
        let left = &mut appender.left;
        let event = ChainEvent::link(parent, event_type, data);

        let subscribers = {
            let mut short = self.short();
            short.head = Some(event.hash);
            short.count += 1;
            short.messages += u64::from(is_message(&event.event_type));
            short.ended = &*event.event_type == SHUTDOWN;
            short.subscribers.clone()
        };
        // From here on the event is in the chain, whatever becomes of this future.
        if !subscribers.is_empty() {
            self.deliver(left, &event, &subscribers).await;
        }
        if &*event.event_type == SHUTDOWN {
            self.short().subscribers = Arc::new([]);
        }
        Ok(event)
    }

    /// The head to append to, if the chain takes such an event. The append lock is held.
    fn admit(&self, event_type: &str, data_len: usize) -> Result<Option<EventHash>, ChainError> {
        let short = self.short();
        let (index, head) = (short.count, short.head);
        if short.ended {
            return Err(ChainError::Ended { actor: self.actor_id, events: index });
        }
        if event_type.len() > MAX_EVENT_TYPE {
            return Err(ChainError::TypeTooLong { index, len: event_type.len() });
        }
        if data_len > MAX_EVENT {
            return Err(ChainError::TooLarge { index, event_type: event_type.to_owned(), len: data_len });
        }
        Ok(head)
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
                self.short().subscribers = Arc::new([]);
            }
        }
        *left = None;
    }

    fn evict(&self) {
        let mut short = self.short();
        short.subscribers =
            short.subscribers.iter().filter(|other| !other.sender.is_closed()).cloned().collect();
    }

    /// Delivers every later event to `subscriber`; earlier ones are not delivered. After `shutdown` there are
    /// no later ones, and the sender is dropped at once.
    pub fn add_subscriber(&self, subscriber: EventSender) {
        let subscription = Arc::new(Subscription { sender: subscriber, removed: Semaphore::new(0) });
        let mut short = self.short();
        if !short.ended {
            short.subscribers = short.subscribers.iter().cloned().chain([subscription]).collect();
        }
    }

    /// Lets go of the subscriber with this channel, also if an append waits for it. Returns whether it was there.
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

    /// Nothing can fail while the short lock is held, so a poisoned one is as good as any.
    fn short(&self) -> MutexGuard<'_, Short> {
        self.short.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Appender {
    fn new(grammar: Grammar) -> Self {
        Appender { left: None, grammar, scratch: Vec::new(), block: BytesMut::new() }
    }

    /// What is in `scratch`, which is free again.
    fn take_encoded(&mut self) -> Bytes {
        if self.scratch.len() > SMALL {
            return mem::take(&mut self.scratch).into();
        }
        if self.block.capacity() < self.scratch.len() {
            self.block = BytesMut::with_capacity(BLOCK);
        }
        self.block.extend_from_slice(&self.scratch);
        self.block.split().freeze()
    }
}

impl fmt::Debug for StateChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.short();
        f.debug_struct("StateChain")
            .field("head", &short.head.map(|head| head.short()))
            .field("actor", &self.actor_id)
            .field("events", &short.count)
            .field("subscribers", &short.subscribers.len())
            .finish()
    }
}
