//! Owns the first difference between a take and its re-run, as data and in words.
//! Finding it is `checker.rs`'s and the replayer's; colours, counts and the rest of a page are the CLI's.

use std::fmt;

use retake_chain::{
    ChainEvent, ChainEventPayload, HostFunctionCall, Outcome, Printable, TheaterId, Value, WasmErrorKind,
    WasmEventData,
};
use serde::Serialize;

/// The first place where a re-run does something that the take does not say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Divergence {
    /// The actor whose chain it is in.
    pub chain: TheaterId,
    /// Number of that chain in the take.
    pub chain_number: u32,
    /// Index of the event in the chain, from 0.
    pub event_index: u64,
    /// In what they differ.
    pub kind: DivergenceKind,
    /// The export call that the event belongs to.
    pub call: Option<ExportCall>,
    /// What the take says, unless it has nothing more.
    pub expected: Option<Described>,
    /// What the re-run did, unless it did nothing more.
    pub actual: Option<Described>,
}

/// In what a re-run differs from its take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DivergenceKind {
    /// Another function was called.
    DifferentCall,
    /// The same function was called with other arguments.
    DifferentArguments {
        /// Positions of the arguments that differ, from 0. A position that only one side has is among them.
        positions: Vec<usize>,
    },
    /// An export returned something else.
    DifferentResult,
    /// A call ended in another way.
    DifferentOutcome,
    /// A trap on one side only, or another trap.
    DifferentTrap,
    /// The take has another call, the re-run ended the export call.
    MissingCall,
    /// The re-run calls, the take ended the export call there.
    ExtraCall,
    /// The build has no such export.
    MissingExport,
    /// The export has other parameters in the build.
    UnfitArguments {
        /// In what they differ.
        reason: String,
    },
    /// The recorded answer does not fit the build's type.
    UnfitAnswer {
        /// Where it does not fit.
        reason: String,
    },
    /// The hashes differ for any other reason.
    DifferentHash,
}

/// A call of the host to the actor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExportCall {
    /// Which call of the chain it is, from 0.
    pub index: u64,
    /// The export, with its interface.
    pub function: String,
    /// Its arguments.
    pub params: Vec<Value>,
}

/// An event with what it says, for printing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Described {
    /// The event's type.
    pub event_type: String,
    /// What it says; `None` if its data does not decode.
    pub payload: Option<ChainEventPayload>,
}

impl Described {
    /// Describes an event; one whose data does not decode is described by its type.
    pub fn of(event: &ChainEvent) -> Self {
        Self { event_type: event.event_type.to_string(), payload: event.payload().ok() }
    }
}

impl From<ChainEventPayload> for Described {
    fn from(payload: ChainEventPayload) -> Self {
        Self { event_type: payload.event_type().to_string(), payload: Some(payload) }
    }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All of it is text of the take.
        write!(f, "{}", Printable(Words(self)))
    }
}

/// What an event says, as it stands in the take.
struct Words<'a>(&'a Described);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Described { event_type, payload } = self.0;
        match payload {
            Some(ChainEventPayload::HostFunction(HostFunctionCall {
                interface,
                function,
                input,
                output,
            })) => {
                write!(f, "{interface}/{function}{} ", Arguments(input))?;
                match output {
                    // What a re-run called where the recording has something else is not answered either.
                    Outcome::Cancelled => f.write_str("was not answered"),
                    output => write!(f, "{output}"),
                }
            }
            Some(ChainEventPayload::Wasm(wasm)) => match wasm {
                WasmEventData::WasmCall { function_name, params } => {
                    write!(f, "call of {function_name}{}", Arguments(params))
                }
                WasmEventData::WasmResult { function_name, state, response } => {
                    write!(f, "{function_name} {response}")?;
                    state.as_ref().map_or(Ok(()), |state| write!(f, ", new state {state}"))
                }
                WasmEventData::WasmError { function_name, kind, message } => match kind {
                    WasmErrorKind::Trapped(kind) => {
                        write!(f, "{function_name} trapped: {message:?} ({kind})")
                    }
                    WasmErrorKind::HostFailure => write!(f, "{function_name} failed: {message:?}"),
                    WasmErrorKind::Cancelled => write!(f, "{function_name} was given up: {message:?}"),
                },
                WasmEventData::WasmComponentCreationError { error } => write!(f, "no instance: {error:?}"),
            },
            Some(ChainEventPayload::TheaterRuntime(data)) => write!(f, "{event_type}: {data:?}"),
            Some(ChainEventPayload::ReplaySummary(summary)) => write!(f, "{event_type}: {summary:?}"),
            Some(ChainEventPayload::Session(start)) => {
                write!(f, "{event_type} of actor {}, component {}", start.actor_id, start.actor.digest)
            }
            Some(ChainEventPayload::Shutdown) | None => f.write_str(event_type),
        }
    }
}

struct Arguments<'a>(&'a [Value]);

impl fmt::Display for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, value) in self.0.iter().enumerate() {
            write!(f, "{}{value}", if i == 0 { "(" } else { ", " })?;
        }
        f.write_str(if self.0.is_empty() { "()" } else { ")" })
    }
}

impl fmt::Display for DivergenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DivergenceKind::DifferentCall => f.write_str("a different call"),
            DivergenceKind::DifferentArguments { positions } => {
                f.write_str("different arguments, at position")?;
                for (i, position) in positions.iter().enumerate() {
                    write!(f, "{} {position}", if i == 0 { "" } else { "," })?;
                }
                Ok(())
            }
            DivergenceKind::DifferentResult => f.write_str("a different result of the export"),
            DivergenceKind::DifferentOutcome => f.write_str("a different outcome of the call"),
            DivergenceKind::DifferentTrap => f.write_str("a different trap"),
            DivergenceKind::MissingCall => f.write_str("a missing call"),
            DivergenceKind::ExtraCall => f.write_str("an extra call"),
            DivergenceKind::MissingExport => f.write_str("an export that the build lacks"),
            DivergenceKind::UnfitArguments { reason } => {
                write!(f, "an export with other parameters: recorded with {}", Printable(reason))
            }
            DivergenceKind::UnfitAnswer { reason } => {
                write!(f, "a recorded answer that does not fit the build: {}", Printable(reason))
            }
            DivergenceKind::DifferentHash => f.write_str("a different hash"),
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain, chain_number, event_index, kind, .. } = self;
        writeln!(f, "diverged at event {event_index} of chain {chain_number} (actor {chain}): {kind}")?;
        match &self.expected {
            Some(expected) => writeln!(f, "  expected: {expected}")?,
            None => writeln!(f, "  expected: nothing more")?,
        }
        match &self.actual {
            Some(actual) => write!(f, "  actual:   {actual}")?,
            None => write!(f, "  actual:   nothing more")?,
        }
        if let Some(ExportCall { index, function, params }) = &self.call {
            let function = Printable(function);
            write!(f, "\n  in call {index} of the chain: {function}{}", Printable(Arguments(params)))?;
        }
        Ok(())
    }
}
