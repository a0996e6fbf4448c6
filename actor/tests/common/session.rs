//! Owns the session of a test: calls into a guest, recorded with a scripted host, then replayed without any.
//!
//! The host is an ordinary linker of `func_new`s, and goes through wasmtime's own `Val`, so that nothing of the dynamic
//! ABI has a say in what the guest is really given and what it really said.

use std::collections::VecDeque;
use std::sync::Arc;

use retake_actor::abi::val;
use retake_actor::{
    FunctionName, RaisedOutcome, StandIn, Tap, compile, instrument, link_stand_in, outcome_of, profile,
};
use retake_chain::{ChainEventPayload, HostFunctionCall, Outcome, StateChain, TheaterId, Value};
use tokio::sync::mpsc;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Func, Instance, Linker, ResourceAny, ResourceDynamic, ResourceType, Val};
use wasmtime::{Engine, Result, Store, StoreContextMut, bail, format_err};

/// The export that an echo has its functions in.
pub const GUEST: &str = "retake:test/guest";

/// Resource types of the scripted host are `host_dynamic` from here on, so that they cannot be a stand-in's by chance.
const FIRST_KIND: u32 = 500;

/// How the scripted host answers one call.
pub enum Answer {
    /// It returns; handles are the host's representations.
    Returns(Option<Value>),
    /// It fails.
    Fails(wasmtime::Error),
}

/// How a test's host ends a program early.
#[derive(Debug, thiserror::Error)]
#[error("the program ended itself")]
pub struct Exit(pub i32);

/// Which exit code an error stands for.
pub fn exit_code(error: &wasmtime::Error) -> Option<i32> {
    error.downcast_ref::<Exit>().map(|exit| exit.0)
}

/// A scripted recording: which exports to call with what, and how the host answers.
pub struct Script {
    pub original: Vec<u8>,
    pub calls: Vec<(String, Vec<Value>)>,
    pub answers: Vec<Answer>,
}

/// What a recorded session left.
#[derive(Debug)]
pub struct Recorded {
    /// The recorded host calls, as a subscriber of the chain got them.
    pub host_calls: Vec<HostFunctionCall>,
    /// What the host really was called with: function and arguments, handles as representations.
    pub seen: Vec<(String, Vec<Value>)>,
    /// How each export call ended. Handles are the host's representations.
    pub outcomes: Vec<Outcome>,
}

impl Script {
    pub fn new(original: Vec<u8>) -> Self {
        Script { original, calls: Vec::new(), answers: Vec::new() }
    }

    /// Calls the export; a `Handle` among the arguments is the host's representation of a resource that it gives away.
    pub fn call(mut self, name: &str, arguments: impl IntoIterator<Item = Value>) -> Self {
        self.calls.push((name.into(), arguments.into_iter().collect()));
        self
    }

    pub fn answer(mut self, value: impl Into<Option<Value>>) -> Self {
        self.answers.push(Answer::Returns(value.into()));
        self
    }

    pub fn fail(mut self, error: impl Into<wasmtime::Error>) -> Self {
        self.answers.push(Answer::Fails(error.into()));
        self
    }

    /// Records the session and replays it; the replay must be identical up to the numbers of handles.
    pub async fn record_and_replay(self) -> Recorded {
        let (original, calls) = (self.original.clone(), self.calls.clone());
        let (recorded, numbers) = self.record().await;
        let replayed = replay(&original, &numbers.calls, &recorded.host_calls);
        assert_eq!(replayed.len(), calls.len());
        for (replayed, recorded) in replayed.iter().zip(&recorded.outcomes) {
            assert_eq!(*replayed, numbers.numbered(recorded), "the replay differs");
        }
        recorded
    }

    /// Records the session.
    pub async fn record(self) -> (Recorded, Numbers) {
        let engine = profile::engine(&profile::default_profile()).unwrap();
        let instrumented = instrument(&self.original).unwrap();
        let component = compile(&engine, &instrumented.component).unwrap();

        let chain = Arc::new(StateChain::new(TheaterId::generate()));
        let (sender, mut events) = mpsc::channel(1000);
        chain.add_subscriber(sender);
        let host = Host {
            tap: Tap::new(chain.clone()),
            answers: self.answers.into(),
            seen: Vec::new(),
            given: Vec::new(),
        };
        let mut linker = Linker::new(&engine);
        let original = compile(&engine, &self.original).unwrap();
        link_scripted_host(&mut linker, &engine, &original).unwrap();
        Tap::add_to_linker(&mut linker, &engine, &instrumented, &component, |host: &mut Host| &mut host.tap)
            .unwrap();
        let mut store =
            profile::store(&engine, &profile::default_profile(), host, |_| unreachable_limits()).unwrap();
        let instance = linker.instantiate_async(&mut store, &component).await.unwrap();

        let mut outcomes = Vec::new();
        let mut numbers = Numbers::default();
        for (name, arguments) in self.calls {
            let func = export(&instance, &mut store, &name);
            let mut numbered = Vec::new();
            let params = lower_arguments(&mut store, &func, &arguments, |store, ty, rep| {
                let number = store.data_mut().tap.introduce(ty, rep);
                numbered.push((rep, number));
                store.data_mut().given.push((rep, number));
                ResourceDynamic::new_own(rep, kind_of(ty)).try_into_resource_any(store)
            });
            numbers.given.extend(numbered);
            numbers.calls.push((name, arguments));
            let mut results = vec![Val::Bool(false); func.ty(&store).results().len()];
            let ended = func.call_async(&mut store, &params.unwrap(), &mut results).await;
            let outcome = match ended {
                Ok(()) => Outcome::Returned(lift_result(&mut store, &func, &results)),
                Err(error) => {
                    let outcome = outcome_of(&error, exit_code);
                    store.data_mut().tap.close_call(outcome.clone()).await.unwrap();
                    outcome
                }
            };
            assert!(store.data().tap.open_call().is_none());
            outcomes.push(outcome);
        }
        let host = store.into_data();
        drop((host.tap, chain));

        let mut host_calls = Vec::new();
        while let Some((_, event)) = events.recv().await {
            let ChainEventPayload::HostFunction(call) = event.payload().unwrap() else {
                panic!("{event} is not a host call");
            };
            assert_eq!(*event.event_type, format!("{}/{}", call.interface, call.function));
            host_calls.push(call);
        }
        numbers.read(&host_calls, &host.seen, &host.given_by_answers());
        numbers.number_calls();
        (Recorded { host_calls, seen: host.seen, outcomes }, numbers)
    }
}
