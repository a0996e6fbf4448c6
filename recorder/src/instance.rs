//! Owns [`ActorInstance`]: the store of an actor, the instance in it, and how an export of it is run.

use retake_actor::{ActorContext, ActorError, ActorStore, ArgumentError, Export, ExportCall, HasActor};
use retake_chain::Value;
use wasmtime::Store;
use wasmtime::component::{Instance, Val};

use crate::call_timeout::LastGuestPlace;
use crate::error::RecordError;
use crate::program::Program;
use crate::wave::parameter_list;

/// An instance of an actor, or the store in which the first call makes it.
pub(crate) struct ActorInstance<T: 'static> {
    pub store: Store<T>,
    instance: Option<Instance>,
    /// Where the guest was when it last gave way, for a call that takes too long.
    pub guest_place: LastGuestPlace,
}

impl<T: HasActor> ActorInstance<T> {
    /// A store for an instance of this actor.
    pub fn new(program: &Program<T>, actor: ActorStore) -> Result<Self, RecordError> {
        let (mut store, guest_place) = (program.store(actor)?, LastGuestPlace::default());
        if program.timeout().is_some() {
            guest_place.watch(&mut store);
        } else if program.yields() {
            store.epoch_deadline_async_yield_and_update(1);
        }
        Ok(ActorInstance { store, instance: None, guest_place })
    }

    /// The actor in the store's data.
    pub fn context(&mut self) -> &mut ActorContext {
        self.store.data_mut().actor()
    }

    /// Runs an export, in a new instance if there is none.
    pub async fn run(
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
pub(crate) fn arguments(export: &Export, state: &Value, params: &[Value]) -> Result<Vec<Val>, ActorError> {
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
