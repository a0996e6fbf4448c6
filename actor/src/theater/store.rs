//! Owns [`ActorStore`], everything that belongs to one actor, and [`ActorContext`], the part of a wasmtime
//! store's data that Retake needs.

use std::sync::Arc;

use retake_chain::log::{LogWriter, SealSummary, Storage, WriteError};
use retake_chain::{
    BrokenChain, ChainError, ChainEvent, ChainEventData, EngineProfile, EventWindow, History, SHUTDOWN,
    StateChain, TheaterId, TheaterRuntimeEventData, Value, WasmEventData,
};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, broadcast, mpsc};
use wasmtime::component::ResourceTable;

use super::command::TheaterCommand;
use super::extensions::Extensions;
use super::handle::ActorHandle;
use crate::{Limits, Tap, profile};

/// One actor: its identity, its chain, its state, and what its host keeps with it.
///
/// Clones share the chain, the history, the resource table and the extensions; each has a state of its own.
///
/// The chain keeps no events. Questions about past ones are answered from a history of the size given to
/// [`with_history`](Self::with_history); a store without one answers as if every event were lost.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use retake_actor::{ActorHandle, ActorStore};
/// use retake_chain::{HttpReplayChain, StateChain, TheaterId, TheaterRuntimeEventData, Value};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let id = TheaterId::generate();
/// let (handle, _mailbox) = ActorHandle::channel();
/// let (theater_tx, _commands) = tokio::sync::mpsc::channel(8);
/// let store = ActorStore::new(id, theater_tx, handle, Arc::new(StateChain::new(id)), Value::None).with_history(100);
///
/// store.record_theater_runtime_event(TheaterRuntimeEventData::ActorStarted).await?;
/// assert_eq!(store.get_events_by_type("theater-runtime/actor-started").events.len(), 1);
/// assert!(store.verify_chain().is_ok());
///
/// store.set_extension(String::from("kept with the actor"));
/// assert_eq!(store.get_extension::<String>().as_deref(), Some("kept with the actor"));
///
/// // A host that must know whether its actor is being replayed: the replayer keeps its window of the recording there.
/// assert!(!store.has_extension::<HttpReplayChain>());
/// # Ok::<(), retake_chain::ChainError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct ActorStore {
    id: TheaterId,
    theater_tx: mpsc::Sender<TheaterCommand>,
    actor_handle: ActorHandle,
    /// The actor's chain.
    pub chain: Arc<StateChain>,
    /// Resources that the host made for the actor. Held by the actor's instance while it has one.
    pub resource_table: Arc<Mutex<ResourceTable>>,
    /// Values that the host keeps with the actor.
    pub extensions: Extensions,
    /// The actor's state: the component model's `option<list<u8>>`.
    pub state: Value,
    history: Option<Arc<History>>,
}

/// Whether a history has an event of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has one.
    Present,
    /// The chain has none.
    Absent,
    /// The history has none, but has lost events.
    Unknown {
        /// How many.
        lost: u64,
    },
}

/// Why a chain was not saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// The history no longer has all of the chain.
    #[error(
        "the chain cannot be saved: its history has lost the first {lost} events; keep a larger history, since the first event"
    )]
    Lost {
        /// How many.
        lost: u64,
    },
    /// The chain has not ended.
    #[error("the chain cannot be saved before it has ended; shut the actor down first")]
    NotEnded,
    /// The chain is broken.
    #[error(transparent)]
    Broken(#[from] BrokenChain),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl ActorStore {
    /// A store without a history.
    pub fn new(
        id: TheaterId,
        theater_tx: mpsc::Sender<TheaterCommand>,
        actor_handle: ActorHandle,
        chain: Arc<StateChain>,
        initial_state: Value,
    ) -> Self {
        ActorStore {
            id,
            theater_tx,
            actor_handle,
            chain,
            resource_table: Arc::default(),
            extensions: Extensions::default(),
            state: initial_state,
            history: None,
        }
    }

    /// Starts to keep the latest events, up to `size` of them. Call it within a tokio runtime, and before the
    /// first event to keep all events.
    pub fn with_history(mut self, size: usize) -> Self {
        self.history = Some(Arc::new(History::attach(&self.chain, size, &Handle::current())));
        self
    }

    /// The actor's identity.
    pub fn get_id(&self) -> TheaterId {
        self.id
    }

    /// Where the actor's session takes commands.
    pub fn get_theater_tx(&self) -> mpsc::Sender<TheaterCommand> {
        self.theater_tx.clone()
    }

    /// The handle that the actor is called by.
    pub fn get_actor_handle(&self) -> ActorHandle {
        self.actor_handle.clone()
    }

    /// The state of this clone.
    pub fn get_state(&self) -> Value {
        self.state.clone()
    }

    /// Sets the state of this clone.
    pub fn set_state(&mut self, state: Value) {
        self.state = state;
    }

    /// Appends an event to the chain.
    ///
    /// # Errors
    /// [`ChainError`] if the chain has ended or no take can hold the event.
    pub async fn record_event(&self, event: ChainEventData) -> Result<ChainEvent, ChainError> {
        self.chain.add_typed_event(event).await
    }

    /// Appends a step of a call of the host to the actor.
    ///
    /// # Errors
    /// As [`record_event`](Self::record_event).
    pub async fn record_wasm_event(&self, data: WasmEventData) -> Result<ChainEvent, ChainError> {
        self.record_event(ChainEventData::wasm(data)).await
    }

    /// Appends an action of the runtime itself. A replay copies it.
    ///
    /// # Errors
    /// As [`record_event`](Self::record_event).
    pub async fn record_theater_runtime_event(
        &self,
        data: TheaterRuntimeEventData,
    ) -> Result<ChainEvent, ChainError> {
        self.record_event(ChainEventData::theater_runtime(data)).await
    }

    /// Recomputes every hash and link that the history has.
    ///
    /// # Errors
    /// [`BrokenChain`] with the first event that is wrong.
    pub fn verify_chain(&self) -> Result<(), BrokenChain> {
        self.get_all_events().verify()
    }

    /// The last event.
    pub fn get_last_event(&self) -> Option<ChainEvent> {
        self.get_recent_events(1).events.pop()
    }

    /// Every event of the history, oldest first.
    pub fn get_all_events(&self) -> EventWindow {
        self.events(|_| true)
    }

    /// The same as [`get_all_events`](Self::get_all_events), as Theater has both.
    pub fn get_chain(&self) -> EventWindow {
        self.get_all_events()
    }

    /// The events of exactly that type, oldest first.
    pub fn get_events_by_type(&self, event_type: &str) -> EventWindow {
        self.events(|event| &*event.event_type == event_type)
    }

    /// The last `count` events, newest first.
    pub fn get_recent_events(&self, count: usize) -> EventWindow {
        match &self.history {
            Some(history) => history.recent(count),
            None => self.all_lost(),
        }
    }

    /// Whether there is an event of exactly that type.
    pub fn has_event_type(&self, event_type: &str) -> Presence {
        match self.get_events_by_type(event_type) {
            EventWindow { events, .. } if !events.is_empty() => Presence::Present,
            EventWindow { lost: 0, .. } => Presence::Absent,
            EventWindow { lost, .. } => Presence::Unknown { lost },
        }
    }

    /// A listener for every later event. One that is too slow learns how many events it missed. `None`
    /// without a history.
    pub fn subscribe_to_events(&self) -> Option<broadcast::Receiver<ChainEvent>> {
        self.history.as_ref().map(|history| history.listen())
    }

    /// Writes the chain as a sealed take.
    ///
    /// # Errors
    /// [`SaveError`] if the chain goes on or the history has not all of it, and if it cannot be written.
    pub fn save_chain<S: Storage>(&self, storage: S) -> Result<SealSummary, SaveError> {
        let window = self.get_all_events();
        if !window.is_complete() {
            return Err(SaveError::Lost { lost: window.lost });
        }
        if window.events.last().is_none_or(|event| &*event.event_type != SHUTDOWN) {
            return Err(SaveError::NotEnded);
        }
        window.verify()?;
        let mut writer = LogWriter::create(storage)?;
        let chain = writer.add_chain(self.id)?;
        for event in &window.events {
            writer.append(chain, event)?;
        }
        Ok(writer.seal()?.1)
    }

    /// Keeps a value with the actor, in place of the one of its type.
    pub fn set_extension<T: Send + Sync + 'static>(&self, value: T) {
        self.extensions.set(value);
    }

    /// A clone of the value of that type.
    pub fn get_extension<T: Clone + 'static>(&self) -> Option<T> {
        self.extensions.get()
    }

    /// Whether a value of that type is kept with the actor.
    pub fn has_extension<T: 'static>(&self) -> bool {
        self.extensions.has::<T>()
    }

    /// Takes the value of that type away.
    pub fn remove_extension<T: 'static>(&self) -> Option<T> {
        self.extensions.remove()
    }

    fn events(&self, wanted: impl Fn(&ChainEvent) -> bool) -> EventWindow {
        match &self.history {
            Some(history) => history.events(wanted),
            None => self.all_lost(),
        }
    }

    fn all_lost(&self) -> EventWindow {
        EventWindow { events: Vec::new(), lost: self.chain.event_count() }
    }
}

/// What Retake keeps in the data of a wasmtime store: the actor, the tap of its instance, and the instance's
/// limits.
#[derive(Debug)]
pub struct ActorContext {
    /// The actor.
    pub store: ActorStore,
    /// The tap of the instance.
    pub tap: Tap,
    /// The limits of the instance.
    pub limits: Limits,
}

/// Data of a wasmtime store in which an actor lives.
pub trait HasActor: Send + 'static {
    /// The actor's part.
    fn actor(&mut self) -> &mut ActorContext;
}

impl ActorContext {
    /// For a fresh instance of the actor.
    pub fn new(store: ActorStore, profile: &EngineProfile) -> Self {
        let tap = Tap::new(store.chain.clone());
        ActorContext { store, tap, limits: profile::limits(profile) }
    }
}
