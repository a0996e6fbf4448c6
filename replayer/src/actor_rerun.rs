//! Owns the re-run of one chain: one export call after the other, each in an instance as in the recording.

use retake_actor::abi::UnfitValue;
use retake_actor::{ActorStore, ArgumentError, Export, ExportCall, RaisedOutcome, Shortage, StatefulCall};
use retake_chain::{
    ChainEventData, ChainEventPayload, EventHash, EventKind, InstanceMode, Outcome, Value, WasmEventData,
};
use retake_verifier::{DivergenceKind, IntegrityError};
use wasmtime::component::Instance;
use wasmtime::{AsContextMut, Store, Trap};

use crate::program::{Guest, Program};
use crate::stand_in::{Answers, RerunStop};

/// How the re-run of one chain ended. The default is that of no event.
#[derive(Default)]
pub(crate) struct ChainRerun {
    /// Why it stopped before the end of the recording, if it did.
    pub stop: Option<RerunStop>,
    /// Whether it stopped there or at an event that is not what its hash says.
    ended: bool,
    /// The first event whose hash is wrong, re-run or not: its number in the take, and the fault.
    pub altered: Option<(u64, IntegrityError)>,
    /// Export calls that were checked to their end.
    pub calls: u64,
    /// How many of them were given up in the recording.
    pub given_up: u64,
    /// How many of them were given up before anything that the guest did could be compared.
    pub unchecked: u64,
    /// Events that were checked.
    pub events: u64,
    /// The head that the re-run computed.
    pub head: Option<EventHash>,
    /// Interfaces that the build imports in another version.
    pub renamed: Vec<(String, String)>,
}

impl ChainRerun {
    /// This and the following part of the chain, as one re-run would find it: nothing follows a stop.
    pub fn followed_by(self, part: ChainRerun) -> ChainRerun {
        let altered = [self.altered, part.altered].into_iter().flatten();
        let altered = altered.min_by_key(|(number, _)| *number);
        if self.ended {
            return ChainRerun { altered, ..self };
        }
        let mut renamed = self.renamed;
        renamed.extend(part.renamed);
        renamed.sort();
        renamed.dedup();
        ChainRerun {
            stop: part.stop,
            ended: part.ended,
            altered,
            calls: self.calls + part.calls,
            given_up: self.given_up + part.given_up,
            unchecked: self.unchecked + part.unchecked,
            events: self.events + part.events,
            head: part.head,
            renamed,
        }
    }
}

/// Re-runs one chain to its end, or to the first divergence.
pub(crate) fn rerun(
    program: &Program,
    mode: InstanceMode,
    actor: ActorStore,
    answers: Answers,
) -> ChainRerun {
    let store = program.store(actor, answers);
    let mut rerun = Rerun { program, store, instance: None, used: false };
    let stop = loop {
        if rerun.used && mode == InstanceMode::PerCall {
            rerun = rerun.with_fresh_store();
        }
        match rerun.step() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(stop) => break Some(stop),
        }
    };
    let answers = rerun.answers();
    let ended = stop.is_some();
    let (stop, altered) = match stop {
        Some(RerunStop::Altered(number, error)) => (None, Some((number, error))),
        stop => (stop, answers.check_rest()),
    };
    ChainRerun {
        stop,
        ended,
        altered,
        calls: answers.calls,
        given_up: answers.given_up,
        unchecked: answers.unchecked,
        events: answers.events,
        head: answers.head(),
        renamed: std::mem::take(&mut answers.renamed).into_iter().collect(),
    }
}

/// The re-run of one actor.
struct Rerun<'a> {
    program: &'a Program,
    store: Store<Guest>,
    instance: Option<Instance>,
    /// A call was made in this store.
    used: bool,
}

/// What the next event outside a call asks for.
enum Next {
    Copy,
    Call { function: String, params: Vec<Value> },
    Shutdown,
    Misplaced,
    End,
}

impl Rerun<'_> {
    fn with_fresh_store(self) -> Self {
        let Guest { actor, answers } = self.store.into_data();
        let store = self.program.store(actor.store, answers);
        Rerun { store, instance: None, used: false, ..self }
    }

    fn answers(&mut self) -> &mut Answers {
        &mut self.store.data_mut().answers
    }

    /// Handles the next event outside a call; `Ok(false)` at the end of the chain.
    fn step(&mut self) -> Result<bool, RerunStop> {
        let next = match self.answers().recorded().map(|recorded| recorded.payload) {
            None => Next::End,
            Some(ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, params })) => {
                Next::Call { function: function_name.clone(), params: params.clone() }
            }
            Some(ChainEventPayload::Shutdown) => Next::Shutdown,
            Some(other) => match other.kind() {
                EventKind::Genesis
                | EventKind::CreationError
                | EventKind::Runtime
                | EventKind::Message
                | EventKind::Summary => Next::Copy,
                // The reader stops before an event that the grammar does not have there.
                EventKind::Call
                | EventKind::HostCall
                | EventKind::Observation
                | EventKind::End
                | EventKind::Shutdown => Next::Misplaced,
            },
        };
        match next {
            Next::End => return Ok(false),
            Next::Copy => self.answers().copy()?,
            Next::Shutdown => self.answers().emit(ChainEventData::shutdown())?,
            Next::Misplaced => return Err(self.answers().diverged(DivergenceKind::MissingCall, None)),
            Next::Call { function, params } => self.call(function, &params)?,
        }
        Ok(true)
    }

    /// Re-runs one export call.
    fn call(&mut self, function: String, params: &[Value]) -> Result<(), RerunStop> {
        self.used = true;
        self.answers().begin_call(&function, params);
        let Some(export) = self.program.export(&function) else {
            return Err(self.answers().diverged(DivergenceKind::MissingExport, None));
        };
        self.answers().emit_in_call(ChainEventData::wasm(WasmEventData::WasmCall {
            function_name: function.clone(),
            params: params.to_vec(),
        }))?;
        // A call that was given up is re-run as far as the host answered it. It might run on without end.
        if self.answers().cancelled_here() {
            return self.finish(export, function, Err(RaisedOutcome(Outcome::Cancelled).into()));
        }
        self.answers().runs_on()?;
        self.answers().watch_stack();
        let returned = self.run(export, params);
        self.finish(export, function, returned)
    }

    fn run(&mut self, export: &Export, params: &[Value]) -> wasmtime::Result<Option<Value>> {
        let store = &mut self.store;
        self.program.begin_call(store)?;
        store.data_mut().answers.enter_guest(self.program.tuning);
        let instance = match self.instance {
            Some(instance) => instance,
            None => *self.instance.insert(self.program.pre.instantiate(&mut *store)?),
        };
        let call = ExportCall::new(&mut *store, &instance, export)?;
        let state = store.data().actor.store.get_state();
        let own = |ty, number| self.program.resources.own(store.as_context_mut(), ty, number);
        let arguments =
            export.arguments(call.ty(), &state, params, own).map_err(ArgumentError::into_engine_error)?;
        call.call(store, &arguments)
    }

    /// Checks how the call ended.
    fn finish(
        &mut self,
        export: &Export,
        function_name: String,
        returned: wasmtime::Result<Option<Value>>,
    ) -> Result<(), RerunStop> {
        let Guest { actor, answers } = self.store.data_mut();
        if let Some(stop) = answers.stop.take() {
            return Err(stop);
        }
        if let Err(error) = &returned
            && let Some(shortage) = Shortage::of(error, answers.raised_in())
        {
            return Err(RerunStop::Failed(shortage.into()));
        }
        let is_own_bound = returned.as_ref().is_err_and(|error| self.program.is_own_bound(error));
        let exhausted = match &returned {
            Err(error) if error.is::<UnfitValue>() => {
                let reason = error.root_cause().to_string();
                return Err(answers.unfit(reason));
            }
            // Decided where it was raised.
            Err(error) if error.is::<RaisedOutcome>() => None,
            // It did not end by itself.
            Err(_) if is_own_bound => None,
            Err(error) if is_overflow(error) => {
                answers.catch_up()?;
                answers.ends_exhausted()
            }
            Ok(_) | Err(_) => answers.may_have_exhausted(),
        };
        let (outcome, state) = match (exhausted, returned) {
            (Some(exhausted), _) => (exhausted, None),
            (None, Ok(value)) => StatefulCall::returned(export.stateful, value, &mut actor.store.state),
            (None, Err(error)) => {
                let raised_in = answers.raised_in();
                (self.program.outcome_of(&actor.limits, &error, raised_in), None)
            }
        };
        answers.close_call(&outcome)?;
        if answers.recorded().is_some_and(|recorded| recorded.is_observation()) {
            answers.copy()?;
        }
        let given_up = outcome == Outcome::Cancelled;
        let end = ChainEventData::wasm(WasmEventData::ended(function_name, state, outcome));
        if is_own_bound {
            return Err(answers.did_otherwise(&end));
        }
        answers.emit(end)?;
        answers.end_call(given_up);
        Ok(())
    }
}

/// Whether a guest has exhausted the stack that it had.
fn is_overflow(error: &wasmtime::Error) -> bool {
    matches!(error.downcast_ref(), Some(Trap::StackOverflow))
}
