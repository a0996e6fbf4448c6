//! Owns the first difference between a take and its re-run, as data and in words.
//! `compare.rs` and the replayer find it. The command line prints the rest of a page around it.

use std::fmt;

use retake_chain::{Printable, TheaterId, Value};
use serde::Serialize;

use crate::event_description::{ArgumentList, EventDescription};

/// The first event at which a re-run differs from its take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Divergence {
    /// The actor of the chain.
    pub chain: TheaterId,
    /// Number of the chain in the take.
    pub chain_number: u32,
    /// Number of the event in the take, over all chains, from 0.
    #[serde(skip)]
    pub event: u64,
    /// Index of the event in its chain, from 0.
    pub event_index: u64,
    /// How they differ.
    pub kind: DivergenceKind,
    /// The export call that the event is in.
    pub call: Option<CalledExport>,
    /// The recorded event; `None` if the recording has no more.
    pub expected: Option<EventDescription>,
    /// The re-run's event; `None` if the re-run did no more.
    pub actual: Option<EventDescription>,
}

/// How a re-run differs from its take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DivergenceKind {
    /// The re-run called a different function.
    DifferentCall,
    /// The re-run called the same function with different arguments.
    DifferentArguments {
        /// Positions of the arguments that differ, from 0, including positions that only one side has.
        positions: Vec<usize>,
    },
    /// An export returned a different value.
    DifferentResult,
    /// A call ended in a different way.
    DifferentOutcome,
    /// One side trapped and the other did not, or they trapped differently.
    DifferentTrap,
    /// The recording has one more host call, but the re-run ended the export call.
    MissingCall,
    /// The re-run made one more host call, but the recording ended the export call.
    ExtraCall,
    /// The build does not have the export.
    MissingExport,
    /// The export has different parameters in the build.
    UnfitArguments {
        /// How they differ.
        reason: String,
    },
    /// The recorded answer does not fit the type in the build.
    UnfitAnswer {
        /// Where it does not fit.
        reason: String,
    },
    /// The hashes differ for any other reason.
    DifferentHash,
}

/// A call of the host to the actor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CalledExport {
    /// Index of the call among the calls of the chain, from 0.
    pub index: u64,
    /// Name of the export, with its interface.
    pub function: String,
    /// Its arguments.
    pub params: Vec<Value>,
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
            DivergenceKind::MissingExport => f.write_str("an export that is missing in the build"),
            DivergenceKind::UnfitArguments { reason } => {
                write!(f, "an export with different parameters: recorded with {}", Printable(reason))
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
        let Self { chain, chain_number, event, event_index, kind, .. } = self;
        writeln!(
            f,
            "diverged at event {event} (index {event_index} of chain {chain_number}, actor {chain}): {kind}"
        )?;
        match &self.expected {
            Some(expected) => writeln!(f, "  expected: {expected}")?,
            None => writeln!(f, "  expected: nothing more")?,
        }
        match &self.actual {
            Some(actual) => write!(f, "  actual:   {actual}")?,
            None => write!(f, "  actual:   nothing more")?,
        }
        if let Some(CalledExport { index, function, params }) = &self.call {
            let function = Printable(function);
            write!(f, "\n  in call {index} of the chain: {function}{}", Printable(ArgumentList(params)))?;
        }
        Ok(())
    }
}
