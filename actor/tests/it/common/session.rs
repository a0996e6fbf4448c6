//! Owns the session of a test: calls into a guest, recorded with a scripted host, then replayed without any.
//!
//! The host is an ordinary linker of `func_new`s and goes through wasmtime's own `Val`, so that nothing of
//! the dynamic ABI has a say in what the guest is really given and what it really said.

use std::collections::VecDeque;
use std::sync::Arc;

use retake_actor::abi::{map_handles, val};
use retake_actor::{
    FunctionName, RaisedIn, RaisedOutcome, StandIn, Tap, compile, instrument, link_stand_in, outcome_of,
    profile,
};
use retake_chain::{ChainEventPayload, HostFunctionCall, Outcome, StateChain, TheaterId, Value};
use tokio::sync::mpsc;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{
    Component, Func, Instance, Linker, ResourceAny, ResourceDynamic, ResourceType, Val,
};
use wasmtime::{
    AsContextMut, Engine, Result, Store, StoreContextMut, StoreLimits, StoreLimitsBuilder, format_err,
};

/// The host's representation of the resource that the recording should call 1; the next of the type is one
/// more.
pub const REP: u32 = 71;

/// The scripted host's resource types are `host_dynamic` from here on, which no stand-in's are.
const FIRST_KIND: u32 = 500;

/// The handle of the `number`th resource of its type, as the host's scripts have it.
pub fn rep(number: u32) -> Value {
    Value::Handle(REP + number - 1)
}

/// A list of values.
pub fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::List(values.into_iter().collect())
}

/// How a test's host ends a program early.
#[derive(Debug, thiserror::Error)]
#[error("the program ended itself")]
pub struct Exit(pub i32);

fn exit_code(error: &wasmtime::Error) -> Option<i32> {
    error.downcast_ref::<Exit>().map(|exit| exit.0)
}

/// A session to record: which exports to call with what, and how the host answers.
pub struct Session {
    original: Vec<u8>,
    calls: Vec<(String, Vec<Value>)>,
    answers: VecDeque<Result<Option<Value>>>,
    hostcall_limit: usize,
    memory_limit: usize,
    introduces: bool,
    fails_at_drops: Option<String>,
}

/// What a session left. Its handles are numbers, except in `seen`.
#[derive(Debug)]
pub struct Recorded {
    /// The recorded host calls, as a subscriber of the chain got them.
    pub host_calls: Vec<HostFunctionCall>,
    /// What the host really was called with: function and arguments, handles as representations.
    pub seen: Vec<(String, Vec<Value>)>,
    /// How each export call ended.
    pub outcomes: Vec<Outcome>,
}

struct Host {
    tap: Tap,
    answers: VecDeque<Result<Option<Value>>>,
    seen: Vec<(String, Vec<Value>)>,
    fails_at_drops: Option<String>,
    limits: StoreLimits,
}

impl Session {
    pub fn of(original: Vec<u8>) -> Self {
        Session {
            original,
            calls: Vec::new(),
            answers: VecDeque::new(),
            hostcall_limit: 1 << 27,
            memory_limit: 1 << 30,
            introduces: true,
            fails_at_drops: None,
        }
    }

    /// Bounds what the guest may hand over in one call, in bytes.
    pub fn hostcall_limit(mut self, limit: usize) -> Self {
        self.hostcall_limit = limit;
        self
    }

    /// Bounds each memory, in bytes.
    pub fn memory_limit(mut self, limit: usize) -> Self {
        self.memory_limit = limit;
        self
    }

    /// Does not tell the tap of the handles that the host gives away as arguments of exports.
    pub fn without_introductions(mut self) -> Self {
        self.introduces = false;
        self
    }

    /// Calls an export of the interface `guest`. Handles among the arguments are given away by the host.
    pub fn call(mut self, name: &str, arguments: impl IntoIterator<Item = Value>) -> Self {
        self.calls.push((name.into(), arguments.into_iter().collect()));
        self
    }

    /// The host's answer to the next call.
    pub fn answer(mut self, value: impl Into<Option<Value>>) -> Self {
        self.answers.push_back(Ok(value.into()));
        self
    }

    /// The host fails at the next call.
    pub fn fail(mut self, error: impl Into<wasmtime::Error>) -> Self {
        self.answers.push_back(Err(error.into()));
        self
    }

    /// The host fails at each drop of a handle, saying this.
    pub fn fail_at_drops(mut self, message: &str) -> Self {
        self.fails_at_drops = Some(message.into());
        self
    }

    /// Records the session, replays it, and sees to it that what was recorded is what the host saw and that
    /// the replay is identical.
    pub async fn record_and_replay(self) -> Recorded {
        let (original, calls) = (self.original.clone(), self.calls.clone());
        let recorded = self.record().await;
        let seen = recorded.seen.iter().map(|(name, arguments)| (&**name, numbered(arguments)));
        let reported = recorded.host_calls.iter().map(|call| (&*call.function, call.input.clone()));
        assert_eq!(reported.collect::<Vec<_>>(), seen.collect::<Vec<_>>(), "recorded, and seen by the host");
        let outcomes = replay(&original, &calls, &recorded.host_calls);
        assert!(
            same_ends(&outcomes, &recorded.outcomes),
            "replayed: {outcomes:?}\nrecorded: {:?}",
            recorded.outcomes
        );
        recorded
    }

    /// Records the session.
    pub async fn record(self) -> Recorded {
        let profile = profile::default_profile();
        let engine = profile::engine(&profile).unwrap();
        let instrumented = instrument(&self.original).unwrap();
        let component = compile(&engine, &instrumented.component).unwrap();
        let original = compile(&engine, &self.original).unwrap();

        let chain = Arc::new(StateChain::new(TheaterId::generate()));
        // There is room for one event, so that the tap has to wait for its subscriber.
        let (sender, mut events) = mpsc::channel(1);
        chain.add_subscriber(sender);
        let subscriber = tokio::spawn(async move {
            let mut host_calls = Vec::new();
            while let Some((_, event)) = events.recv().await {
                match event.payload().unwrap() {
                    ChainEventPayload::HostFunction(call) => host_calls.push(call),
                    other => panic!("{other:?} is not a host call"),
                }
            }
            host_calls
        });
        let mut linker = Linker::new(&engine);
        link_scripted_host(&mut linker, &engine, &original).unwrap();
        Tap::add_to_linker(&mut linker, &engine, &instrumented, &component, |host: &mut Host| &mut host.tap)
            .unwrap();
        let limits = StoreLimitsBuilder::new().memory_size(self.memory_limit).build();
        let host = Host {
            tap: Tap::new(chain.clone()),
            answers: self.answers,
            seen: Vec::new(),
            fails_at_drops: self.fails_at_drops,
            limits,
        };
        let mut store = Store::new(&engine, host);
        store.limiter(|host| &mut host.limits);
        store.set_hostcall_fuel(self.hostcall_limit);
        let instance = linker.instantiate_async(&mut store, &component).await.unwrap();

        let mut outcomes = Vec::new();
        for (name, arguments) in self.calls {
            let func = export(&instance, &mut store, &name);
            let params = lower(&mut store, &func, &arguments, |store, ty, rep| {
                if self.introduces {
                    store.data_mut().tap.introduce(ty, rep);
                }
                own(store, ty, rep)
            });
            let mut results = room_for_result(&store, &func);
            let outcome = match func.call_async(&mut store, &params, &mut results).await {
                Ok(()) => match lift(&mut store, &func, &results) {
                    Some(value) => Outcome::Returned(numbered(&[value]).pop()),
                    None => Outcome::Returned(None),
                },
                Err(error) => {
                    let raised_in = RaisedIn::open_call(store.data().tap.open_call().is_some());
                    let outcome = outcome_of(&error, raised_in, exit_code);
                    store.data_mut().tap.close_call(outcome.clone()).await.unwrap();
                    outcome
                }
            };
            assert!(store.data().tap.open_call().is_none(), "a call without its outcome");
            outcomes.push(outcome);
        }
        let Host { tap, answers, seen, .. } = store.into_data();
        assert!(answers.is_empty(), "the host was not asked for every answer: {outcomes:?}");
        drop((tap, chain));

        Recorded { host_calls: subscriber.await.unwrap(), seen, outcomes }
    }
}

/// Whether calls ended alike, as a replay compares them: a trap by its kind, unless that is an open one.
pub fn same_ends(some: &[Outcome], others: &[Outcome]) -> bool {
    let same = |(one, other): (&Outcome, &Outcome)| match (one, other) {
        (Outcome::Trapped { kind, .. }, Outcome::Trapped { kind: other, .. })
            if !kind.is_compared_by_words() =>
        {
            kind == other
        }
        (one, other) => one == other,
    };
    some.len() == others.len() && some.iter().zip(others).all(same)
}

/// Replays calls into the original component from recorded host calls, all of which must be asked for.
pub fn replay(
    original: &[u8],
    calls: &[(String, Vec<Value>)],
    recorded: &[HostFunctionCall],
) -> Vec<Outcome> {
    let engine = profile::engine(&profile::default_profile()).unwrap();
    let component = compile(&engine, original).unwrap();
    let mut linker = Linker::new(&engine);
    let resources =
        link_stand_in(&mut linker, &engine, &component, None, |recorded: &mut Answers| recorded).unwrap();
    let mut store = Store::new(&engine, Answers(recorded.to_vec().into()));
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let mut outcomes = Vec::new();
    for (name, arguments) in calls {
        let func = export(&instance, &mut store, name);
        let params = lower(&mut store, &func, &numbered(arguments), |store, ty, number| {
            resources.own(store, ty, number)
        });
        let mut results = room_for_result(&store, &func);
        outcomes.push(match func.call(&mut store, &params, &mut results) {
            Ok(()) => Outcome::Returned(lift(&mut store, &func, &results)),
            Err(error) => outcome_of(&error, RaisedIn::Guest, exit_code),
        });
    }
    assert!(store.data().0.is_empty(), "recorded calls that the replay did not make: {:?}", store.data().0);
    outcomes
}

/// Recorded calls that are still to come.
struct Answers(VecDeque<HostFunctionCall>);

impl StandIn for Answers {
    fn answer(&mut self, call: &FunctionName, input: Result<Vec<Value>>) -> Result<Option<Value>> {
        // What the guest hands over and no value is, never reached the host.
        let input = input?;
        let Some(recorded) = self.0.pop_front() else {
            return Err(format_err!("`{call}` is one call too many"));
        };
        if (&recorded.interface, &recorded.function, &recorded.input)
            != (&call.interface, &call.function, &input)
        {
            return Err(format_err!("`{call}` with {input:?} where {recorded:?} was recorded"));
        }
        match recorded.output {
            Outcome::Returned(value) => Ok(value),
            other => Err(RaisedOutcome(other).into()),
        }
    }
}

/// Host's representations to the numbers that a recording should give them.
fn numbered(values: &[Value]) -> Vec<Value> {
    let mut values = values.to_vec();
    for value in &mut values {
        map_handles(value, &mut |rep| Ok::<_, ()>(rep + 1 - REP)).unwrap();
    }
    values
}

/// Every import of the component as a `func_new` that notes its arguments and answers from the script.
fn link_scripted_host(linker: &mut Linker<Host>, engine: &Engine, component: &Component) -> Result<()> {
    let mut distinct: Vec<ResourceType> = Vec::new();
    for (interface, import) in component.component_type().imports(engine) {
        let instance = match import.ty {
            ComponentItem::ComponentInstance(instance) => instance,
            ComponentItem::ComponentFunc(_) => {
                let function = interface.to_string();
                linker.root().func_new(interface, move |store, ty, arguments, results| {
                    answer_from_script(store, &function, &ty, arguments, results)
                })?;
                continue;
            }
            // The names at the root for types of interfaces are the component's own business.
            _ => continue,
        };
        let mut linker = linker.instance(interface)?;
        for (name, export) in instance.exports(engine) {
            match export.ty {
                ComponentItem::Resource(ty) => {
                    if !distinct.contains(&ty) {
                        distinct.push(ty);
                    }
                    let kind = distinct.iter().position(|known| *known == ty).unwrap() as u32;
                    let function = format!("[resource-drop]{name}");
                    let ty = ResourceType::host_dynamic(FIRST_KIND + kind);
                    linker.resource(name, ty, move |mut store, rep| {
                        let host = store.data_mut();
                        host.seen.push((function.clone(), vec![Value::Handle(rep)]));
                        host.fails_at_drops.as_ref().map_or(Ok(()), |message| Err(format_err!("{message}")))
                    })?;
                }
                ComponentItem::ComponentFunc(_) => {
                    let function = name.to_string();
                    linker.func_new(name, move |store, ty, arguments, results| {
                        answer_from_script(store, &function, &ty, arguments, results)
                    })?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn answer_from_script(
    mut store: StoreContextMut<'_, Host>,
    function: &str,
    ty: &ComponentFunc,
    arguments: &[Val],
    results: &mut [Val],
) -> Result<()> {
    let mut seen = Vec::new();
    for (argument, (_, ty)) in arguments.iter().zip(ty.params()) {
        seen.push(val::to_value(argument, &ty, &mut |resource| rep_of(&mut store, resource))?);
    }
    store.data_mut().seen.push((function.to_string(), seen));
    let answer = store.data_mut().answers.pop_front();
    let answer = answer.unwrap_or_else(|| Err(format_err!("no answer to `{function}` in the script")))?;
    if let Some(value) = answer {
        let ty = ty.results().next().unwrap();
        results[0] = val::from_value(&value, &ty, &mut |ty, rep| own(&mut store, ty, rep))?;
    }
    Ok(())
}

/// A resource of one of the scripted host's types.
fn own(store: impl AsContextMut, ty: ResourceType, rep: u32) -> Result<ResourceAny> {
    let kind = (FIRST_KIND..).take(100).find(|kind| ResourceType::host_dynamic(*kind) == ty).unwrap();
    ResourceDynamic::new_own(rep, kind).try_into_resource_any(store)
}

fn rep_of(store: impl AsContextMut, resource: &ResourceAny) -> Result<u32> {
    Ok(resource.try_into_resource_dynamic(store)?.rep())
}

/// The function `name` of the exported interface `guest`.
pub fn export<T>(instance: &Instance, mut store: &mut Store<T>, name: &str) -> Func {
    let guest =
        instance.get_export_index(&mut store, None, "retake:test/guest").expect("no interface `guest`");
    let func = instance.get_export_index(&mut store, Some(&guest), name);
    instance.get_func(store, func.unwrap_or_else(|| panic!("no export `{name}`"))).unwrap()
}

/// Arguments for an export; `own` makes its handles.
pub fn lower<T>(
    store: &mut Store<T>,
    func: &Func,
    arguments: &[Value],
    mut own: impl FnMut(&mut Store<T>, ResourceType, u32) -> Result<ResourceAny>,
) -> Vec<Val> {
    let ty = func.ty(&*store);
    let arguments = arguments.iter().zip(ty.params());
    let mut lowered = |(value, (_, ty)): (&Value, (&str, _))| {
        val::from_value(value, &ty, &mut |ty, number| own(store, ty, number)).unwrap()
    };
    arguments.map(&mut lowered).collect()
}

/// The result of an export.
pub fn lift<T>(store: &mut Store<T>, func: &Func, results: &[Val]) -> Option<Value> {
    let ty = func.ty(&*store).results().next()?;
    Some(val::to_value(&results[0], &ty, &mut |resource| rep_of(&mut *store, resource)).unwrap())
}

/// Space for the result of an export.
pub fn room_for_result<T>(store: &Store<T>, func: &Func) -> Vec<Val> {
    vec![Val::Bool(false); func.ty(store).results().len()]
}
