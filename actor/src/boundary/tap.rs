//! Owns [`Tap`], the host's side of the boundary: the shim's reports come in, events on the chain go out.
//!
//! A [`Tap`] belongs to one instance and lives in its store's data. The argument half of a report is kept
//! until the result half completes the event. [`Tap::close_call`] closes a call that does not return (a trap,
//! an exit, a host failure), so every call has an outcome.

use std::sync::Arc;

use retake_chain::{
    ChainError, ChainEvent, ChainEventData, ChainEventPayload, HostFunctionCall, Outcome, StateChain, Value,
};
use thiserror::Error;
use wasmtime::Result;
use wasmtime::component::{Instance, ResourceType, Type};

use super::function_name::FunctionName;
use super::ids::HandleIds;
use crate::abi::{self, LiftedArguments, LiftedHandle};

/// Why a call could not be recorded. It ends the session; it is not a trap of the guest.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum TapError {
    /// The values exceed the profile's limit or what an event holds, or have no recorded form.
    #[error("`{call}` cannot be recorded: {reason}")]
    Refused {
        /// The call.
        call: FunctionName,
        reason: String,
    },
    /// No recorded call gave this instance a handle that is among the arguments.
    #[error("`{call}` was called with a handle that no recorded call gave to the actor")]
    UnknownHandle {
        /// The call.
        call: FunctionName,
    },
    /// A host function called back into the actor, and the actor called out again.
    #[error("`{call}` was called before `{open}` returned; calls back into the actor cannot be recorded")]
    Nested {
        /// The inner call.
        call: FunctionName,
        /// The outer call.
        open: FunctionName,
    },
    /// A result was reported for a call that had not begun: a fault of Retake.
    #[error("the result of `{call}` was reported without its arguments; please report this")]
    Orphan {
        /// The call.
        call: FunctionName,
    },
    /// The chain did not take the event.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// Turns the reports of one instance into events of the actor's chain.
#[derive(Debug)]
pub struct Tap {
    chain: Arc<StateChain>,
    open: Option<OpenCall>,
    ids: HandleIds,
    /// How many events in a row were appended at once.
    at_once: u8,
    /// The instance through which the host's resources are dropped, once there is one.
    pub(super) dropper: Option<Instance>,
}

#[derive(Debug)]
struct OpenCall {
    name: FunctionName,
    input: Vec<Value>,
}

impl Tap {
    /// A tap for a fresh instance of the actor that `chain` belongs to.
    pub fn new(chain: Arc<StateChain>) -> Self {
        Tap { chain, open: None, ids: HandleIds::default(), at_once: 0, dropper: None }
    }

    /// The chain that the events go to.
    pub fn chain(&self) -> &Arc<StateChain> {
        &self.chain
    }

    /// Numbers an owned handle that is passed to the guest as an argument of an export.
    pub fn introduce(&mut self, ty: ResourceType, rep: u32) -> u32 {
        self.ids.introduce(ty, rep)
    }

    /// The call that has not returned, if there is one.
    pub fn open_call(&self) -> Option<&FunctionName> {
        self.open.as_ref().map(|open| &open.name)
    }

    /// Records the call that has not returned, if there is one, with `outcome` in place of a result.
    pub async fn close_call(&mut self, outcome: Outcome) -> Result<Option<ChainEvent>, ChainError> {
        match self.open.take() {
            Some(open) => {
                let event = self.chain.add_typed_event(open.event(outcome)).await?;
                Ok(Some(event))
            }
            None => Ok(None),
        }
    }

    /// The guest makes a call. `given` is the types of its parameters, if handles can be given away in them.
    pub(super) fn begin(
        &mut self,
        name: &FunctionName,
        given: Option<&[Type]>,
        arguments: Result<LiftedArguments>,
    ) -> Result<()> {
        let mut arguments = arguments.map_err(|error| refused(name, error))?;
        let gone = given.map_or_else(Vec::new, |types| owned(types, &arguments));
        number(&mut arguments, |ty, rep| {
            let known = self.ids.get(ty, rep);
            known.ok_or_else(|| TapError::UnknownHandle { call: name.clone() })
        })?;
        for handle in gone {
            self.ids.forget(handle.ty, handle.rep);
        }
        Ok(self.open(name, arguments.values)?)
    }

    fn open(&mut self, name: &FunctionName, input: Vec<Value>) -> Result<(), TapError> {
        if let Some(open) = &self.open {
            return Err(TapError::Nested { call: name.clone(), open: open.name.clone() });
        }
        self.open = Some(OpenCall { name: name.clone(), input });
        Ok(())
    }

    /// Appends an event, if nobody has to be waited for and the guest need not yield.
    pub(super) fn append_at_once(&mut self, event: ChainEventData) -> Result<Option<ChainEventData>> {
        self.at_once = self.at_once.wrapping_add(1);
        if self.at_once == 0 {
            return Ok(Some(event));
        }
        Ok(self.chain.append_at_once(event).map_err(TapError::from)?)
    }

    /// Appends an event. An actor whose calls never wait could not be cancelled if this did not yield.
    pub(super) async fn append(&self, event: ChainEventData) -> Result<()> {
        self.chain.add_typed_event(event).await.map_err(TapError::from)?;
        tokio::task::yield_now().await;
        Ok(())
    }

    /// The guest drops an owned handle, which frees its number.
    pub(super) fn begin_drop(
        &mut self,
        name: &FunctionName,
        ty: ResourceType,
        rep: u32,
    ) -> Result<(), TapError> {
        let unknown = || TapError::UnknownHandle { call: name.clone() };
        let number = self.ids.forget(ty, rep).ok_or_else(unknown)?;
        self.open(name, vec![Value::Handle(number)])
    }

    /// The host has dropped it.
    pub(super) fn end_drop(&mut self, name: &FunctionName) -> Result<ChainEventData, TapError> {
        let orphan = || TapError::Orphan { call: name.clone() };
        Ok(self.open.take().ok_or_else(orphan)?.event(Outcome::Returned(None)))
    }

    pub(super) fn end(
        &mut self,
        name: &FunctionName,
        result: Result<LiftedArguments>,
        spilled: bool,
    ) -> Result<ChainEventData> {
        let mut result = result.map_err(|error| refused(name, error))?;
        let Some(open) = self.open.take() else {
            return Err(TapError::Orphan { call: name.clone() }.into());
        };
        number(&mut result, |ty, rep| Ok::<_, TapError>(self.ids.introduce(ty, rep)))?;
        let value = match (spilled, result.values.pop()) {
            (true, Some(Value::List(mut one))) => one.pop(),
            (_, value) => value,
        };
        Ok(open.event(Outcome::Returned(value)))
    }
}

/// The handles among the arguments that the guest gives away.
fn owned(types: &[Type], arguments: &LiftedArguments) -> Vec<LiftedHandle> {
    let mut owned = Vec::new();
    for (value, ty) in arguments.values.iter().zip(types) {
        abi::owned_handles(value, ty, &mut owned);
    }
    let handles = arguments.handles.iter().zip(owned);
    handles.filter_map(|(handle, owned)| owned.then_some(*handle)).collect()
}

impl OpenCall {
    fn event(self, output: Outcome) -> ChainEventData {
        ChainEventData {
            event_type: self.name.event_type,
            data: ChainEventPayload::HostFunction(HostFunctionCall {
                interface: self.name.interface,
                function: self.name.function,
                input: self.input,
                output,
            }),
        }
    }
}

/// Replaces the host's representations by the numbers that `number` gives.
fn number(
    arguments: &mut LiftedArguments,
    mut number: impl FnMut(ResourceType, u32) -> Result<u32, TapError>,
) -> Result<(), TapError> {
    let mut handles = std::mem::take(&mut arguments.handles).into_iter();
    if handles.len() == 0 {
        return Ok(());
    }
    for value in &mut arguments.values {
        abi::map_handles(value, &mut |rep| match handles.next() {
            Some(handle) => number(handle.ty, handle.rep),
            None => Ok(rep),
        })?;
    }
    Ok(())
}

/// wasmtime's message when a store has no handles left. Nearly all are the guest's own, so its call ends with
/// that.
const NO_MORE_HANDLES: &str = "store handle limit exceeded";

fn refused(call: &FunctionName, error: wasmtime::Error) -> wasmtime::Error {
    let reason = error.root_cause().to_string();
    match reason.ends_with(NO_MORE_HANDLES) {
        true => error,
        false => TapError::Refused { call: call.clone(), reason }.into(),
    }
}
