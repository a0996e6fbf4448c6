//! Owns the re-run of one chain: from its genesis to its end, one export call after the other, each in a fresh instance.

use retake_actor::abi::UnfitValue;
use retake_actor::abi::val::{from_value, to_value};
use retake_actor::{Entry, RaisedOutcome, outcome_of};
use retake_chain::{ChainEventData, ChainEventPayload, EventHash, Outcome, Value, WasmEventData};
use retake_verifier::{DivergenceKind, IntegrityError, same_track};
use wasmtime::component::Val;
use wasmtime::{AsContextMut, Store};

use crate::program::{Guest, Program};
use crate::stand_in::{Answers, Stop};

/// How the re-run of one chain ended.
pub(crate) struct ChainRerun {
    /// Why it stopped before the end of the recording, if it did.
    pub stop: Option<Stop>,
    /// The first event whose hash is wrong, re-run or not: its number in the take, and the fault.
    pub altered: Option<(u64, IntegrityError)>,
    /// Export calls that were checked to their end.
    pub calls: u64,
    /// Of those, how many were given up when they were recorded.
    pub given_up: u64,
    /// Events that were checked.
    pub events: u64,
    /// The head that the re-run computed.
    pub head: Option<EventHash>,
    /// Interfaces that the build imports in another version.
    pub renamed: Vec<(String, String)>,
}

/// Re-runs one chain to its end, or to the first divergence.
pub(crate) fn rerun(program: &Program, mut answers: Answers) -> ChainRerun {
    let stop = loop {
        match step(program, answers) {
            (back, Ok(true)) => answers = back,
            (back, Ok(false)) => {
                answers = back;
                break None;
            }
            (back, Err(stop)) => {
                answers = back;
                break Some(stop);
            }
        }
    };
    let (stop, altered) = match stop {
        Some(Stop::Altered(number, error)) => (None, Some((number, error))),
        stop => (stop, answers.check_rest()),
    };
    ChainRerun {
        stop,
        altered,
        calls: answers.calls,
        given_up: answers.given_up,
        events: answers.events,
        head: answers.head(),
        renamed: answers.renamed.into_iter().collect(),
    }
}

enum Next {
    Copy,
    Call { function: String, params: Vec<Value> },
    Shutdown,
    OutOfPlace,
    End,
}

/// Handles the next event outside a call; `Ok(false)` at the end of the chain.
fn step(program: &Program, mut answers: Answers) -> (Answers, Result<bool, Stop>) {
    let next = match answers.recorded().map(|recorded| recorded.payload) {
        None => Next::End,
        Some(ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, params })) => {
            Next::Call { function: function_name.clone(), params: params.clone() }
        }
        Some(ChainEventPayload::Shutdown) => Next::Shutdown,
        Some(ChainEventPayload::HostFunction(_) | ChainEventPayload::Wasm(_)) => Next::OutOfPlace,
        Some(_) => Next::Copy,
    };
    let done = match next {
        Next::End => Ok(false),
        Next::Copy => answers.copy().map(|()| true),
        Next::Shutdown => answers.emit(ChainEventData::shutdown()).map(|()| true),
        Next::OutOfPlace => Err(answers.diverged(DivergenceKind::MissingCall, None)),
        Next::Call { function, params } => {
            let (back, done) = call(program, answers, function, &params);
            return (back, done.map(|()| true));
        }
    };
    (answers, done)
}

/// Re-runs one export call.
fn call(
    program: &Program,
    mut answers: Answers,
    function: String,
    params: &[Value],
) -> (Answers, Result<(), Stop>) {
    answers.begin_call(&function, params);
    let entry = program.entry.as_ref().filter(|entry| is_same_export(entry, &function));
    let Some(entry) = entry else {
        let stop = answers.diverged(DivergenceKind::MissingExport, None);
        return (answers, Err(stop));
    };
    let began = answers.emit(ChainEventData::wasm(WasmEventData::WasmCall {
        function_name: function.clone(),
        params: params.to_vec(),
    }));
    if let Err(stop) = began {
        return (answers, Err(stop));
    }
    // A call that was given up is re-run as far as the host answered it: to run on could be without end.
    if answers.cancelled_here() {
        let ended = finish(&mut answers, function, Err(RaisedOutcome(Outcome::Cancelled).into()));
        return (answers, ended);
    }
    if answers.recorded().is_none() {
        return (answers, Err(Stop::RecordingEnds));
    }
    let mut store = program.store(answers);
    let returned = run(program, &mut store, entry, params);
    let mut answers = store.into_data().answers;
    let ended = finish(&mut answers, function, returned);
    (answers, ended)
}

fn run(
    program: &Program,
    store: &mut Store<Guest>,
    entry: &Entry,
    params: &[Value],
) -> wasmtime::Result<Option<Value>> {
    let instance = program.pre.instantiate(&mut *store)?;
    let Some(function) = instance.get_func(&mut *store, entry.index()) else {
        return Err(wasmtime::format_err!("`{}` is not a function", entry.name()));
    };
    let ty = function.ty(&*store);
    if params.len() != ty.params().len() {
        let arguments = |count| format!("{count} arguments");
        return Err(
            UnfitValue { expected: arguments(ty.params().len()), value: arguments(params.len()) }.into()
        );
    }
    let mut vals = Vec::new();
    for (value, (_, ty)) in params.iter().zip(ty.params()) {
        vals.push(from_value(value, &ty, &mut |ty, number| {
            program.resources.own(store.as_context_mut(), ty, number)
        })?);
    }
    let types: Vec<_> = ty.results().collect();
    let mut results = vec![Val::Bool(false); types.len()];
    function.call(&mut *store, &vals, &mut results)?;
    let returned = results.iter().zip(&types).next();
    returned
        .map(|(val, ty)| {
            to_value(val, ty, &mut |_| Err(wasmtime::format_err!("a handle in the result of an export")))
        })
        .transpose()
}

/// Checks how the call ended.
fn finish(
    answers: &mut Answers,
    function_name: String,
    returned: wasmtime::Result<Option<Value>>,
) -> Result<(), Stop> {
    if let Some(stop) = answers.stop.take() {
        return Err(stop);
    }
    let response = match returned {
        Ok(value) => Outcome::Returned(value),
        Err(error) if error.is::<UnfitValue>() => {
            let reason = error.root_cause().to_string();
            return Err(answers.unfit(reason));
        }
        Err(error) => outcome_of(&error, |_| None),
    };
    if answers.recorded().is_some_and(|recorded| recorded.is_observation()) {
        answers.copy()?;
    }
    let given_up = response == Outcome::Cancelled;
    answers.emit(ChainEventData::wasm(WasmEventData::ended(function_name, response)))?;
    answers.end_call(given_up);
    Ok(())
}

fn is_same_export(entry: &Entry, recorded: &str) -> bool {
    recorded.rsplit_once('/').is_some_and(|(interface, function)| {
        function == entry.function && same_track(interface, &entry.interface)
    })
}
