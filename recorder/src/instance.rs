//! Owns [`ActorInstance`]: the store of an actor, the instance in it, and how an export of it is run.

use retake_actor::abi::val::{from_value, to_value};
use retake_actor::{ActorContext, ActorError, ActorStore, Export, HasActor};
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
        let Some(function) = instance.get_func(&mut *store, export.index()) else {
            return Err(wasmtime::format_err!("`{}` is not a function", export.name));
        };
        let types: Vec<_> = function.ty(&*store).results().collect();
        let mut results = vec![Val::Bool(false); types.len()];
        function.call_async(&mut *store, arguments, &mut results).await?;
        let returned = results.iter().zip(&types).next();
        returned
            .map(|(val, ty)| {
                to_value(val, ty, &mut |_| Err(wasmtime::format_err!("a handle in the result of an export")))
            })
            .transpose()
    }
}

/// The arguments as the engine takes them, the state first where the function has one.
pub(crate) fn arguments(export: &Export, state: &Value, params: &[Value]) -> Result<Vec<Val>, ActorError> {
    let given = export.params();
    if given.len() != params.len() {
        return Err(ActorError::ArgumentCount {
            function: export.name.clone(),
            expected: parameter_list(&given),
            found: params.len(),
        });
    }
    let values = export.stateful.map(|_| state).into_iter().chain(params);
    values
        .zip(export.ty.params())
        .map(|(value, (name, ty))| {
            let refuse = &mut |_, _| Err(wasmtime::format_err!("handles cannot be passed to an export"));
            from_value(value, &ty, refuse).map_err(|error| ActorError::WrongArgument {
                function: export.name.clone(),
                parameter: name.to_string(),
                reason: error.root_cause().to_string(),
            })
        })
        .collect()
}
