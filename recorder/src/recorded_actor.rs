//! Owns [`RecordedActor`]: an actor whose calls are made one at a time and written to its chain.

use std::future::pending;
use std::sync::Arc;

use retake_actor::{
    ActorError, ActorStore, Export, HasActor, RaisedIn, ResolveError, Shortage, StatefulCall, TapError,
};
use retake_chain::{ChainEventData, InstanceMode, Outcome, TheaterRuntimeEventData, Value, WasmEventData};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wasmtime::Store;
use wasmtime_wasi::I32Exit;

use crate::call_timeout::TimedOutCall;
use crate::error::RecordError;
use crate::instance::{ActorInstance, arguments};
use crate::program::Program;
use crate::recorded_call::{CallArguments, EndedCall};
use crate::recorder::Recorder;
use crate::theater::ShutdownRequested;

/// An actor and what its calls need: the program, its instance, the recorder.
pub(crate) struct RecordedActor<T: HasActor> {
    program: Arc<Program<T>>,
    /// The actor, with the state that its last call left.
    actor: ActorStore,
    recorder: Recorder,
    /// Gives up the call in flight, and every later one.
    cancel: CancellationToken,
    instance: Option<ActorInstance<T>>,
    /// The one instance of the session was left in the middle of a call.
    failed: bool,
    /// Calls that were made.
    calls: u64,
}

/// A call that was given up on request.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
struct Cancelled;

/// A call that was given up because it took too long.
#[derive(Debug, thiserror::Error)]
#[error("timed out")]
struct CallTimedOut;

impl<T: HasActor> RecordedActor<T> {
    /// An actor whose genesis is on its chain. `cancel` gives up its calls.
    pub fn new(
        program: Arc<Program<T>>,
        actor: ActorStore,
        recorder: Recorder,
        cancel: CancellationToken,
    ) -> Self {
        RecordedActor { program, actor, recorder, cancel, instance: None, failed: false, calls: 0 }
    }

    pub fn program(&self) -> &Arc<Program<T>> {
        &self.program
    }

    pub fn actor(&self) -> &ActorStore {
        &self.actor
    }

    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Calls an export by name. The call is safe in the take when this returns.
    pub async fn call_function(
        &mut self,
        name: &str,
        params: Vec<Value>,
    ) -> Result<Result<Option<Value>, ActorError>, RecordError> {
        let program = self.program.clone();
        // What cannot be carried to the caller is refused before it runs.
        let export = match program.exports().callable(name) {
            Ok(export) => export,
            Err(ResolveError::Unknown(unknown)) => return Ok(Err(unknown.into())),
            Err(ResolveError::NotCallable(refused)) => return Ok(Err(refused.into())),
        };
        let vals = match arguments(export, &self.actor.state, &params) {
            Ok(vals) => vals,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let ended = self.call(export, CallArguments { vals, recorded: params }).await?;
        let answer = ended.answer(&export.name);
        self.finish(export, ended).await?;
        self.recorder.commit().await?;
        Ok(answer)
    }

    /// Whether an export exists and takes these parameters. Nothing is called.
    pub fn accepts(&self, name: &str, params: &[Value]) -> Result<(), ActorError> {
        let export = self.program.exports().resolve(name)?;
        arguments(export, &self.actor.state, params).map(drop)
    }

    /// The store of the instance that the next call is made in.
    pub fn store(&mut self) -> Result<&mut Store<T>, RecordError> {
        let instance = self.take_instance()?;
        Ok(&mut self.instance.insert(instance).store)
    }

    fn take_instance(&mut self) -> Result<ActorInstance<T>, RecordError> {
        match self.instance.take() {
            Some(instance) => Ok(instance),
            None => ActorInstance::new(&self.program, self.actor.clone()),
        }
    }

    /// Drops the instance, unless the next call is made in it.
    pub fn leave_instance(&mut self) {
        if self.failed || self.program.instance_mode() == InstanceMode::PerCall {
            self.instance = None;
        }
    }

    /// The data of the instance, if there is one.
    pub fn instance_data(&mut self) -> Option<&mut T> {
        self.instance.as_mut().map(|instance| instance.store.data_mut())
    }

    /// Whether no other call can be made: the session's one instance was left in the middle of one, or the
    /// actor asked to end.
    pub fn has_to_end(&self) -> bool {
        self.failed || self.actor.has_extension::<ShutdownRequested>()
    }

    /// Calls an export.
    ///
    /// Everything up to the end of the guest's code is on the chain when this returns. The `wasm-result` or
    /// `wasm-error` is left to [`finish`](Self::finish), as the host may have something to add first.
    pub async fn call(
        &mut self,
        export: &Export,
        arguments: CallArguments,
    ) -> Result<EndedCall, RecordError> {
        let mut instance = self.take_instance()?;
        let (function_name, params) = (export.name.clone(), arguments.recorded);
        self.actor.record_wasm_event(WasmEventData::WasmCall { function_name, params }).await?;
        self.calls += 1;
        let overtime = async {
            match self.program.timeout() {
                Some(timeout) => sleep(timeout.limit()).await,
                None => pending().await,
            }
        };
        let called = tokio::select! {
            // A guest that yields would otherwise go on.
            biased;
            () = self.cancel.cancelled() => Err(wasmtime::Error::new(Cancelled)),
            () = overtime => Err(wasmtime::Error::new(CallTimedOut)),
            called = instance.run(&self.program, export, &arguments.vals) => called,
        };
        let ended = match called {
            Ok(value) => {
                let (outcome, state) = StatefulCall::returned(export.stateful, value, &mut self.actor.state);
                EndedCall { outcome, state, timed_out: None }
            }
            Err(error) => {
                let timed_out =
                    error.is::<CallTimedOut>().then(|| self.note_timeout(export, &mut instance)).flatten();
                let outcome = early_end(error, &mut instance)?;
                instance.context().tap.close_call(outcome.clone()).await?;
                self.failed = self.program.instance_mode() == InstanceMode::Session;
                EndedCall { outcome, state: None, timed_out }
            }
        };
        self.instance = Some(instance);
        Ok(ended)
    }

    /// Notes where the call in progress was when its time was over.
    fn note_timeout(&self, export: &Export, instance: &mut ActorInstance<T>) -> Option<TimedOutCall> {
        let timeout = self.program.timeout()?;
        let call = TimedOutCall {
            limit: timeout.limit(),
            actor: self.actor.get_id(),
            call: self.calls.saturating_sub(1),
            function: export.name.clone(),
            last_event: self.actor.chain.event_count().saturating_sub(1),
            waiting_for: instance.context().tap.open_call().cloned(),
            guest: instance.guest_place.take(),
        };
        timeout.note(call.clone());
        Some(call)
    }

    /// Ends a call on the chain.
    pub async fn finish(&mut self, export: &Export, ended: EndedCall) -> Result<(), RecordError> {
        self.actor.record_wasm_event(ended.into_event(export.name.clone())).await?;
        self.leave_instance();
        Ok(())
    }

    /// Appends an event of the host.
    pub async fn append(&mut self, event: ChainEventData) -> Result<(), RecordError> {
        self.actor.record_event(event).await?;
        Ok(())
    }

    /// Appends an event of the runtime.
    pub async fn append_runtime(&mut self, event: TheaterRuntimeEventData) -> Result<(), RecordError> {
        self.actor.record_theater_runtime_event(event).await?;
        Ok(())
    }

    /// Appends that the actor asked to end, if it did.
    pub async fn append_shutdown_request(&mut self) -> Result<(), RecordError> {
        match self.actor.remove_extension::<ShutdownRequested>() {
            Some(ShutdownRequested) => self.append_runtime(TheaterRuntimeEventData::ShutdownRequested).await,
            None => Ok(()),
        }
    }
}

/// The outcome of a call that did not return.
///
/// # Errors
/// [`RecordError`] if the call cannot be recorded, or the machine has no room for it.
fn early_end<T: HasActor>(
    error: wasmtime::Error,
    instance: &mut ActorInstance<T>,
) -> Result<Outcome, RecordError> {
    if error.is::<Cancelled>() || error.is::<CallTimedOut>() {
        return Ok(Outcome::Cancelled);
    }
    let error = match error.downcast::<TapError>() {
        Ok(refused) => return Err(refused.into()),
        Err(error) => error,
    };
    let context = instance.context();
    let raised_in = RaisedIn::open_call(context.tap.open_call().is_some());
    match Shortage::of(&error, raised_in) {
        Some(shortage) => Err(shortage.into()),
        None => Ok(context.limits.outcome_of(&error, raised_in, exit_code)),
    }
}

fn exit_code(error: &wasmtime::Error) -> Option<i32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0)
}
