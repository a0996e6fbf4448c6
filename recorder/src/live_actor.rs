//! Owns [`LiveActor`]: one actor while it is recorded, from the genesis of its chain to the shutdown. It does
//! one operation of its mailbox at a time.

use std::sync::Arc;

use retake_actor::{ActorError, ActorHandle, ActorOperation, ActorStore, HasActor, Mailbox, Messenger};
use retake_chain::{ActorMessage, ChainEventData, StateChain, TheaterId, Value};
use tokio_util::sync::CancellationToken;

use crate::error::RecordError;
use crate::incoming_message::{drop_message, take_message};
use crate::program::Program;
use crate::recorded_actor::RecordedActor;
use crate::recorder::Recorder;
use crate::running_actor::RunningActor;
use crate::session::Session;

/// Events that are kept for an actor that asks for its chain.
const HISTORY: usize = 4096;

/// An actor being recorded. What is asked through its handle is done here and written to its chain.
///
/// # Examples
///
/// ```
/// use retake_recorder::{
///     Actor, CancellationToken, Durability, Host, LiveActor, LogWriter, Permissions, Recorder, Session, SessionKind,
///     SessionOptions, Value,
/// };
///
/// const ADDER: &str = r#"(component
///     (core module $m (func (export "add") (param i32 i32) (result i32)
///         (i32.add (local.get 0) (local.get 1))))
///     (core instance $i (instantiate $m))
///     (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))"#;
///
/// # let runtime = tokio::runtime::Runtime::new()?;
/// # runtime.block_on(async {
/// let options = SessionOptions { kind: Some(SessionKind::Invoke), ..SessionOptions::default() };
/// let program = Host::program(Actor::new(ADDER.as_bytes())?, options, Permissions::default())?;
/// let recorder = Recorder::start(LogWriter::create(Vec::new())?, Durability::Call)?;
/// let actor = LiveActor::start(&program, &recorder, &Session::new(), CancellationToken::new()).await?;
/// let actor = actor.spawn()?;
///
/// let sum = actor.handle().call_function("add", vec![Value::from(2u32), Value::from(3u32)]).await?;
/// assert_eq!(sum, Some(Value::from(5u32)));
///
/// actor.handle().shutdown().await?;
/// actor.join().await?;
/// assert_eq!(recorder.seal().await?.events, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LiveActor<T: HasActor> {
    actor: RecordedActor<T>,
    mailbox: Mailbox,
}

impl<T: HasActor> LiveActor<T> {
    /// Creates an actor, subscribes the recorder to its chain and writes the genesis. `cancel` gives up its
    /// calls.
    ///
    /// # Errors
    /// [`RecordError`] if the recorder takes no chain any more.
    pub async fn start(
        program: &Arc<Program<T>>,
        recorder: &Recorder,
        session: &Session,
        cancel: CancellationToken,
    ) -> Result<Self, RecordError> {
        let id = TheaterId::generate();
        let chain = Arc::new(StateChain::new(id));
        recorder.subscribe(&chain).await?;
        let (handle, mailbox) = ActorHandle::channel();
        session.add(id, handle.clone());
        let actor = ActorStore::new(id, session.theater_tx().clone(), handle, chain, Value::None);
        let actor = if program.asks_for_chain() { actor.with_history(HISTORY) } else { actor };
        actor.record_event(ChainEventData::session(program.genesis(id))).await?;
        let actor = RecordedActor::new(program.clone(), actor, recorder.clone(), cancel);
        Ok(LiveActor { actor, mailbox })
    }

    /// Lets the actor live beside the caller: it does what is asked through its handle.
    ///
    /// # Errors
    /// [`RecordError::NoThread`] if there is no thread for it.
    pub fn spawn(self) -> Result<RunningActor, RecordError> {
        self.spawn_with(LiveActor::live)
    }

    /// Does `work` with the actor beside the caller.
    pub(crate) fn spawn_with<F>(self, work: impl FnOnce(Self) -> F) -> Result<RunningActor, RecordError>
    where
        F: Future<Output = Result<(), RecordError>> + Send + 'static,
    {
        let actor = self.actor.actor();
        let identity = (actor.get_actor_handle(), actor.chain.clone());
        let (cancel, yields) = (self.actor.cancel().clone(), self.actor.program().yields());
        RunningActor::start(identity, cancel, yields, work(self))
    }

    /// The actor, for calls that do not come through the mailbox.
    pub(crate) fn recorded(&mut self) -> &mut RecordedActor<T> {
        &mut self.actor
    }

    /// Does what comes through the mailbox until a shutdown is asked for, or the actor cannot go on.
    async fn live(mut self) -> Result<(), RecordError> {
        while let Some(operation) = self.next_operation().await {
            if !self.operate(operation).await? {
                return Ok(());
            }
        }
        self.shutdown().await
    }

    /// The next operation; `None` when there are no more.
    pub(crate) async fn next_operation(&mut self) -> Option<ActorOperation> {
        self.mailbox.recv().await
    }

    /// Does what is asked. Returns false if the actor has ended.
    pub(crate) async fn operate(&mut self, operation: ActorOperation) -> Result<bool, RecordError> {
        match operation {
            ActorOperation::CallFunction { name, params, answer } => {
                let (reply, recorded) = match self.actor.call_function(&name, params).await {
                    Ok(reply) => (reply, Ok(())),
                    Err(error) => (Err(ActorError::NotRecorded { reason: error.to_string() }), Err(error)),
                };
                // The caller may have gone.
                let _ = answer.send(reply);
                recorded?;
            }
            ActorOperation::Message { messenger: Messenger { from, number }, message, answer } => {
                let is_request = answer.is_some();
                let message = ActorMessage { from, number, is_request, content: message };
                let response = take_message(&mut self.actor, message).await?;
                if let Some(answer) = answer {
                    let _ = answer.send(response);
                }
            }
            ActorOperation::GetState { answer } => drop(answer.send(Ok(self.actor.actor().get_state()))),
            ActorOperation::Shutdown { answer } => {
                self.shutdown().await?;
                let _ = answer.send(Ok(()));
                return Ok(false);
            }
        }
        if self.actor.has_to_end() {
            self.shutdown().await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Ends the chain cleanly. Whoever waits in the mailbox is answered that the actor has ended, and the
    /// chain says which messages were dropped.
    pub(crate) async fn shutdown(&mut self) -> Result<(), RecordError> {
        self.actor.append_shutdown_request().await?;
        self.mailbox.close();
        while let Some(operation) = self.mailbox.recv().await {
            if let ActorOperation::Message { messenger: Messenger { from, number }, message, answer } =
                operation
            {
                let message = ActorMessage { from, number, is_request: answer.is_some(), content: message };
                drop_message(&mut self.actor, &message).await?;
            }
        }
        self.actor.append(ChainEventData::shutdown()).await
    }
}
