//! Owns [`LiveActor`]: one actor being recorded, from the genesis of its chain to the shutdown, called one call at a time.

use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use retake_actor::{
    ActorError, ActorHandle, ActorOperation, ActorStore, ArgumentError, Export, ExportCall, HasActor,
    Mailbox, Messenger, RaisedIn, ResolveError, Shortage, StatefulCall, TapError,
};
use retake_chain::{
    ChainEventData, InstanceMode, Outcome, StateChain, TheaterId, TheaterRuntimeEventData, Value,
    WasmEventData,
};
use tokio_util::sync::CancellationToken;
use wasmtime::Store;
use wasmtime::component::{Instance, Val};
use wasmtime_wasi::I32Exit;

use crate::actor_thread::ActorThread;
use crate::call_timeout::{LastPlace, TimedOutCall};
use crate::error::RecordError;
use crate::program::Program;
use crate::recorder::Recorder;
use crate::session::Session;
use crate::theater::ShutdownRequested;
use crate::wave::parameter_list;

/// The export that takes messages, and the one that takes requests.
const HANDLE_SEND: &str = "theater:simple/message-server-client/handle-send";
const HANDLE_REQUEST: &str = "theater:simple/message-server-client/handle-request";
/// Events that are kept for an actor that asks for its chain.
const HISTORY: usize = 4096;

/// An actor being recorded: everything that comes through its handle is done here, and written to its chain.
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
    program: Arc<Program<T>>,
    /// The actor, with the state that its last call left.
    actor: ActorStore,
    recorder: Recorder,
    mailbox: Mailbox,
    /// Gives up the call in flight, and every later one.
    cancel: CancellationToken,
    live: Option<Live<T>>,
    /// The one instance of the session was left in the middle of a call.
    failed: bool,
    /// Calls that were made.
    calls: u64,
}

/// An instance of the actor, or the store in which it is about to be made.
struct Live<T: 'static> {
    store: Store<T>,
    instance: Option<Instance>,
    place: LastPlace,
}

/// What an export is called with: as the engine takes it, and as the event carries it.
pub(crate) struct Arguments {
    pub vals: Vec<Val>,
    pub recorded: Vec<Value>,
}

/// How a call ended, before its `wasm-result` or `wasm-error` is written.
pub(crate) struct Ended {
    pub outcome: Outcome,
    /// The new state as the event carries it, for a stateful function that did not fail.
    state: Option<Value>,
    /// Where it was when it was given up, if that was since it took too long.
    pub timed_out: Option<TimedOutCall>,
}

impl Ended {
    /// Whether the actor ended before it was done: by a trap, a failure, an exit, or because it was given up.
    pub fn is_early(&self) -> bool {
        !matches!(self.outcome, Outcome::Returned(_))
    }

    /// Whether the call was given up.
    pub fn is_given_up(&self) -> bool {
        self.outcome == Outcome::Cancelled
    }

    pub fn answer(&self, function: &str) -> Result<Option<Value>, ActorError> {
        if let Some(call) = &self.timed_out {
            return Err(ActorError::TimedOut { reason: call.to_string() });
        }
        let function = function.to_string();
        match self.outcome.clone() {
            Outcome::Returned(value) => Ok(value),
            Outcome::Exited(code) => Err(ActorError::Exited { function, code }),
            Outcome::Trapped { message, .. } | Outcome::Failed(message) => {
                Err(ActorError::Failed { function, message })
            }
            Outcome::Cancelled => Err(ActorError::Cancelled { function }),
        }
    }
}

impl<T: HasActor> LiveActor<T> {
    /// Creates an actor, subscribes the recorder to its chain and writes the genesis. `cancel` gives up its calls.
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
        let (program, recorder) = (program.clone(), recorder.clone());
        Ok(LiveActor { program, actor, recorder, mailbox, cancel, live: None, failed: false, calls: 0 })
    }

    /// Lets the actor live on a thread of its own, where it does what comes through its handle.
    pub fn spawn(self) -> Result<ActorThread, RecordError> {
        ActorThread::spawn(self, LiveActor::live)
    }

    pub(crate) fn program(&self) -> &Arc<Program<T>> {
        &self.program
    }

    pub(crate) fn actor(&self) -> &ActorStore {
        &self.actor
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(crate) fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Does what comes through the mailbox until it is told to shut down, or cannot go on.
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

    /// Does what is asked; false if the actor has ended with it.
    pub(crate) async fn operate(&mut self, operation: ActorOperation) -> Result<bool, RecordError> {
        match operation {
            ActorOperation::CallFunction { name, params, answer } => {
                let answered = self.call_function(&name, params).await;
                let (reply, goes_on) = match answered {
                    Ok(reply) => (reply, Ok(true)),
                    Err(error) => (Err(ActorError::NotRecorded { reason: error.to_string() }), Err(error)),
                };
                // Whoever asked may have gone.
                let _ = answer.send(reply);
                goes_on?;
            }
            ActorOperation::Message { messenger, message, answer } => {
                let response = self.take_message(messenger, message, answer.is_some()).await?;
                if let Some(answer) = answer {
                    let _ = answer.send(response);
                }
            }
            ActorOperation::GetState { answer } => drop(answer.send(Ok(self.actor.get_state()))),
            ActorOperation::Shutdown { answer } => {
                self.shutdown().await?;
                let _ = answer.send(Ok(()));
                return Ok(false);
            }
        }
        if self.has_to_end() {
            self.shutdown().await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Hands a message of another actor over; the answer is the response to a request.
    async fn take_message(
        &mut self,
        messenger: Messenger,
        message: Bytes,
        is_request: bool,
    ) -> Result<Result<Bytes, ActorError>, RecordError> {
        let Messenger { from, number } = messenger;
        let handler = if is_request { HANDLE_REQUEST } else { HANDLE_SEND };
        let message = Value::Bytes(message);
        let params = match is_request {
            true => vec![Value::String(format!("{from}/{number}")), message],
            false => vec![message],
        };
        let params = vec![Value::List(params)];
        // Behind a message comes the call that takes it, so whether there can be one is known first.
        let program = self.program.clone();
        let export = program.exports().resolve(handler).map_err(ActorError::from);
        let taken = export.and_then(|export| arguments(export, &self.actor.state, &params).map(drop));
        if let Err(refused) = taken {
            let dropped = TheaterRuntimeEventData::MessageDropped { from, number };
            self.actor.record_theater_runtime_event(dropped).await?;
            return Ok(Err(refused));
        }
        self.actor.record_theater_runtime_event(TheaterRuntimeEventData::Message { from, number }).await?;
        let answer = self.call_function(handler, params).await?;
        let no_response = |reason: &str| Err(ActorError::NoResponse { reason: reason.into() });
        let response = match answer {
            Ok(Some(response)) => response,
            Ok(None) => return Ok(no_response("it returned nothing")),
            Err(error) => return Ok(Err(error)),
        };
        Ok(match response.as_case() {
            Some(("ok", Some(Value::List(one)))) => match &one[..] {
                [Value::List(some)] => match &some[..] {
                    [Value::Bytes(bytes)] => Ok(bytes.clone()),
                    _ => no_response("its response is not a list of bytes"),
                },
                _ => no_response("it has none"),
            },
            Some(("err", Some(Value::String(message)))) => no_response(message),
            _ => no_response("it has none"),
        })
    }

    /// A call through the handle; it is safe when this returns.
    async fn call_function(
        &mut self,
        name: &str,
        params: Vec<Value>,
    ) -> Result<Result<Option<Value>, ActorError>, RecordError> {
        let program = self.program.clone();
        // Whatever cannot be carried to its caller is refused before it runs.
        let export = match program.exports().callable(name) {
            Ok(export) => export,
            Err(ResolveError::Unknown(unknown)) => return Ok(Err(unknown.into())),
            Err(ResolveError::NotCallable(refused)) => return Ok(Err(refused.into())),
        };
        let vals = match arguments(export, &self.actor.state, &params) {
            Ok(vals) => vals,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let ended = self.call(export, Arguments { vals, recorded: params }).await?;
        let answer = ended.answer(&export.name);
        self.finish(export, ended).await?;
        self.recorder.commit().await?;
        Ok(answer)
    }

    /// The store of the instance that the next call is made in.
    pub(crate) fn store(&mut self) -> Result<&mut Store<T>, RecordError> {
        let live = self.take_live()?;
        Ok(&mut self.live.insert(live).store)
    }

    fn take_live(&mut self) -> Result<Live<T>, RecordError> {
        match self.live.take() {
            Some(live) => Ok(live),
            None => {
                let (mut store, place) = (self.program.store(self.actor.clone())?, LastPlace::default());
                if self.program.timeout().is_some() {
                    place.watch(&mut store);
                }
                Ok(Live { store, instance: None, place })
            }
        }
    }

    /// Lets go of the instance, if the next call is to have another, or there can be none.
    pub(crate) fn leave_instance(&mut self) {
        if self.failed || self.program.instance_mode() == InstanceMode::PerCall {
            self.live = None;
        }
    }

    /// The data of the instance that is kept for the next call, if one is.
    pub(crate) fn kept(&mut self) -> Option<&mut T> {
        self.live.as_mut().map(|live| live.store.data_mut())
    }

    /// Whether no other call can be made: the session's one instance was left in the middle of one, or the actor asked to
    /// end.
    pub(crate) fn has_to_end(&self) -> bool {
        self.failed || self.actor.has_extension::<ShutdownRequested>()
    }

    /// Calls an export.
    ///
    /// Everything up to the end of the guest's code is on the chain when this returns; the `wasm-result` or
    /// `wasm-error` is left to [`finish`](Self::finish), as the host may have something to add first.
    pub(crate) async fn call(&mut self, export: &Export, arguments: Arguments) -> Result<Ended, RecordError> {
        let mut live = self.take_live()?;
        let (function_name, params) = (export.name.clone(), arguments.recorded);
        self.actor.record_wasm_event(WasmEventData::WasmCall { function_name, params }).await?;
        self.calls += 1;
        let alarm = self.program.alarm(&mut live.store, &self.cancel);
        let rings = async {
            match &alarm {
                Some(alarm) => alarm.rings().await,
                None => pending().await,
            }
        };
        let called = tokio::select! {
            // A guest that computes gives way once when the alarm rings, and would go on for ever if it were asked first.
            biased;
            () = self.cancel.cancelled() => Err(wasmtime::Error::new(Cancelled)),
            () = rings => Err(wasmtime::Error::new(TimedOut)),
            called = live.run(&self.program, export, &arguments.vals) => called,
        };
        let error = match called {
            Ok(value) => {
                let (outcome, state) = StatefulCall::returned(export.stateful, value, &mut self.actor.state);
                self.live = Some(live);
                return Ok(Ended { outcome, state, timed_out: None });
            }
            Err(error) => error,
        };
        let timed_out = error.is::<TimedOut>().then(|| self.timed_out(export, &mut live)).flatten();
        let outcome = if error.is::<Cancelled>() || error.is::<TimedOut>() {
            Outcome::Cancelled
        } else {
            match error.downcast::<TapError>() {
                Ok(refused) => return Err(refused.into()),
                Err(error) => {
                    let actor = live.store.data_mut().actor();
                    let raised_in = RaisedIn::open_call(actor.tap.open_call().is_some());
                    if let Some(shortage) = Shortage::of(&error, raised_in) {
                        return Err(shortage.into());
                    }
                    actor.limits.outcome_of(&error, raised_in, exit_code)
                }
            }
        };
        live.store.data_mut().actor().tap.close_call(outcome.clone()).await?;
        self.live = Some(live);
        self.failed = self.program.instance_mode() == InstanceMode::Session;
        Ok(Ended { outcome, state: None, timed_out })
    }

    /// Notes where the call in progress was when its time was over.
    fn timed_out(&self, export: &Export, live: &mut Live<T>) -> Option<TimedOutCall> {
        let timeout = self.program.timeout()?;
        let call = TimedOutCall {
            limit: timeout.limit(),
            actor: self.actor.get_id(),
            call: self.calls.saturating_sub(1),
            function: export.name.clone(),
            last_event: self.actor.chain.event_count().saturating_sub(1),
            waiting_for: live.store.data_mut().actor().tap.open_call().cloned(),
            guest: live.place.take(),
        };
        timeout.note(call.clone());
        Some(call)
    }

    /// Ends a call on the chain.
    pub(crate) async fn finish(&mut self, export: &Export, ended: Ended) -> Result<(), RecordError> {
        let event = WasmEventData::ended(export.name.clone(), ended.state, ended.outcome);
        self.actor.record_wasm_event(event).await?;
        self.leave_instance();
        Ok(())
    }

    pub(crate) async fn append(&self, event: ChainEventData) -> Result<(), RecordError> {
        self.actor.record_event(event).await?;
        Ok(())
    }

    /// Ends the chain cleanly. What waits in the mailbox is answered with that, and a message told on the chain.
    pub(crate) async fn shutdown(&mut self) -> Result<(), RecordError> {
        if self.actor.remove_extension::<ShutdownRequested>().is_some() {
            self.actor.record_theater_runtime_event(TheaterRuntimeEventData::ShutdownRequested).await?;
        }
        self.mailbox.close();
        while let Some(operation) = self.mailbox.recv().await {
            if let ActorOperation::Message { messenger: Messenger { from, number }, .. } = operation {
                let dropped = TheaterRuntimeEventData::MessageDropped { from, number };
                self.actor.record_theater_runtime_event(dropped).await?;
            }
        }
        self.append(ChainEventData::shutdown()).await
    }
}

impl<T: HasActor> Live<T> {
    async fn run(
        &mut self,
        program: &Program<T>,
        export: &Export,
        arguments: &[Val],
    ) -> wasmtime::Result<Option<Value>> {
        let store = &mut self.store;
        program.begin_call(store)?;
        let instance = match self.instance {
            Some(instance) => instance,
            None => *self.instance.insert(program.pre().instantiate_async(&mut *store).await?),
        };
        ExportCall::new(&mut *store, &instance, export)?.call_async(store, arguments).await
    }
}

/// The arguments as the engine takes them, the state first where the function has one.
fn arguments(export: &Export, state: &Value, params: &[Value]) -> Result<Vec<Val>, ActorError> {
    let refuse = |_, _| Err(wasmtime::format_err!("handles cannot be passed to an export"));
    let function = export.name.clone();
    export.arguments(&export.ty, state, params, refuse).map_err(|error| match error {
        ArgumentError::Count { .. } => ActorError::ArgumentCount {
            function,
            expected: parameter_list(&export.params()),
            found: params.len(),
        },
        ArgumentError::Unfit { parameter, unfit } => {
            ActorError::WrongArgument { function, parameter, reason: unfit.to_string() }
        }
        ArgumentError::Handle { parameter, reason } => {
            ActorError::WrongArgument { function, parameter, reason: reason.root_cause().to_string() }
        }
    })
}

/// The marker of a call that was given up.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
struct Cancelled;

/// The marker of a call that took too long.
#[derive(Debug, thiserror::Error)]
#[error("timed out")]
struct TimedOut;

fn exit_code(error: &wasmtime::Error) -> Option<i32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0)
}
