//! Owns [`ActorSession`]: one actor with its chain, from the genesis to the shutdown, called one call at a time, with a
//! fresh instance for each.

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use retake_actor::{TapError, outcome_of};
use retake_chain::{CANCELLED, ChainEventData, Outcome, StateChain, Value, WasmEventData};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wasmtime::Store;
use wasmtime::component::Val;
use wasmtime_wasi::I32Exit;

use crate::error::RecordError;
use crate::host::{Host, Stdio};
use crate::program::Program;
use crate::recorder::Recorder;

/// How long a cancelled call is given to come back, before its chain is ended without it.
const COME_BACK: Duration = Duration::from_secs(2);

/// An actor being recorded.
pub struct ActorSession {
    pub(crate) program: Arc<Program>,
    pub(crate) chain: Arc<StateChain>,
    pub(crate) recorder: Recorder,
}

/// How a call ended, before its `wasm-result` or `wasm-error` is written.
pub(crate) struct Ended(Outcome);

impl Ended {
    /// A line for people, if the actor failed or was given up.
    pub fn failure(&self) -> Option<&str> {
        match &self.0 {
            Outcome::Trapped(message) | Outcome::Failed(message) => Some(message),
            Outcome::Cancelled => Some(CANCELLED),
            Outcome::Returned(_) | Outcome::Exited(_) => None,
        }
    }

    /// Whether the actor ended before it was done: by a trap, a failure, an exit, or because it was given up.
    pub fn is_early(&self) -> bool {
        !matches!(self.0, Outcome::Returned(_))
    }

    /// Whether the call was given up.
    pub fn is_given_up(&self) -> bool {
        self.0 == Outcome::Cancelled
    }

    /// What a command's end means as an exit code: of `wasi:cli/exit`, or of the result that `run` returned.
    pub fn exit_code(&self) -> i32 {
        match &self.0 {
            Outcome::Exited(code) => *code,
            Outcome::Returned(Some(Value::String(case))) if case == "ok" => 0,
            _ => 1,
        }
    }
}

/// An actor at work on a thread of its own, so that a guest that computes for long keeps nobody else from theirs.
///
/// A guest that computes without end cannot be called off; its chain can be ended without it, and what it does after
/// that is not recorded.
pub(crate) struct ActorThread<T> {
    ended: oneshot::Receiver<Result<T, RecordError>>,
    chain: Arc<StateChain>,
    function_name: String,
}

impl<T: Send + 'static> ActorThread<T> {
    /// Starts `work` with the session; its futures run in the caller's runtime.
    pub fn spawn<F>(
        session: ActorSession,
        work: impl FnOnce(ActorSession) -> F + Send + 'static,
    ) -> Result<Self, RecordError>
    where
        F: Future<Output = Result<T, RecordError>>,
    {
        let chain = session.chain.clone();
        let function_name = session.program.entry.name();
        let runtime = Handle::current();
        let (sender, ended) = oneshot::channel();
        thread::Builder::new()
            .name("retake-actor".into())
            // The session may have ended without this actor.
            .spawn(move || drop(sender.send(runtime.block_on(work(session)))))
            .map_err(|error| RecordError::Engine { reason: format!("no thread for the actor: {error}") })?;
        Ok(ActorThread { ended, chain, function_name })
    }

    /// Waits for the work to end; `None` if it was cancelled and did not come back.
    pub async fn join(self, cancel: &CancellationToken) -> Result<Option<T>, RecordError> {
        tokio::select! {
            ended = self.ended => match ended {
                Ok(ended) => ended.map(Some),
                Err(_) => Err(RecordError::Engine { reason: "an actor's thread panicked".into() }),
            },
            () = overdue(cancel) => {
                let interrupted = WasmEventData::ended(self.function_name, Outcome::Cancelled);
                self.chain.end(&ChainEventData::wasm(interrupted)).await?;
                Ok(None)
            }
        }
    }
}

impl ActorSession {
    /// Creates an actor, subscribes the recorder to its chain and writes the genesis.
    pub async fn start(program: &Arc<Program>, recorder: &Recorder) -> Result<Self, RecordError> {
        let chain = program.new_chain();
        recorder.subscribe(&chain).await?;
        let genesis = program.genesis(chain.actor_id());
        chain.add_typed_event(ChainEventData::session(genesis)).await?;
        Ok(ActorSession { program: program.clone(), chain, recorder: recorder.clone() })
    }

    /// A store for one call.
    pub(crate) fn store(&self, stdio: Stdio) -> Result<Store<Host>, RecordError> {
        let options = &self.program.options;
        Host::store(
            &self.program.engine,
            &options.profile,
            &options.permissions,
            &options.arguments,
            stdio,
            self.chain.clone(),
        )
    }

    /// Calls the entry in a fresh instance. `handles` are the handles in `params`, as the events carry them.
    ///
    /// Everything up to the end of the guest's code is on the chain when this returns; the `wasm-result` or
    /// `wasm-error` is left to [`finish`](Self::finish), as the host may have something to add first.
    pub(crate) async fn call(
        &self,
        store: &mut Store<Host>,
        params: &[Val],
        handles: Vec<Value>,
        cancel: &CancellationToken,
    ) -> Result<Ended, RecordError> {
        let entry = &self.program.entry;
        self.emit(WasmEventData::WasmCall { function_name: entry.name(), params: handles }).await?;
        let called = tokio::select! {
            called = self.run(store, params) => called,
            () = cancel.cancelled() => Err(wasmtime::Error::new(Cancelled)),
        };
        let error = match called {
            Ok(returned) => return Ok(Ended(Outcome::Returned(returned))),
            Err(error) => error,
        };
        let outcome = if error.is::<Cancelled>() {
            Outcome::Cancelled
        } else {
            match error.downcast::<TapError>() {
                Ok(refused) => return Err(refused.into()),
                Err(error) => outcome_of(&error, exit_code),
            }
        };
        store.data_mut().tap.close_call(outcome.clone()).await?;
        Ok(Ended(outcome))
    }

    async fn run(&self, store: &mut Store<Host>, params: &[Val]) -> wasmtime::Result<Option<Value>> {
        let instance = self.program.pre.instantiate_async(&mut *store).await?;
        let entry = &self.program.entry;
        let Some(function) = instance.get_func(&mut *store, entry.index()) else {
            return Err(wasmtime::format_err!("`{}` is not a function", entry.name()));
        };
        let types: Vec<_> = function.ty(&*store).results().collect();
        let mut results = vec![Val::Bool(false); types.len()];
        function.call_async(&mut *store, params, &mut results).await?;
        let returned = results.iter().zip(&types).next();
        returned
            .map(|(val, ty)| {
                retake_actor::abi::val::to_value(val, ty, &mut |_| {
                    Err(wasmtime::format_err!("a handle in the result of an export"))
                })
            })
            .transpose()
    }

    /// Ends a call on the chain.
    pub(crate) async fn finish(&self, ended: Ended) -> Result<(), RecordError> {
        self.emit(WasmEventData::ended(self.program.entry.name(), ended.0)).await
    }

    async fn emit(&self, event: WasmEventData) -> Result<(), RecordError> {
        self.append(ChainEventData::wasm(event)).await
    }

    pub(crate) async fn append(&self, event: ChainEventData) -> Result<(), RecordError> {
        self.chain.add_typed_event(event).await?;
        Ok(())
    }

    /// Ends the chain cleanly.
    pub async fn shutdown(self) -> Result<(), RecordError> {
        self.append(ChainEventData::shutdown()).await?;
        Ok(())
    }
}

/// Completes when calls were given up and have had the time to come back.
pub(crate) async fn overdue(cancel: &CancellationToken) {
    cancel.cancelled().await;
    tokio::time::sleep(COME_BACK).await;
}

/// The marker of a call that was given up.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
struct Cancelled;

fn exit_code(error: &wasmtime::Error) -> Option<i32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0)
}
