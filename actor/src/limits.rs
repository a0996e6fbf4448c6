//! Owns [`Limits`]: the bounds on the memories and tables of a store, and which one a call reached. The
//! engine profile has the values.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use retake_chain::Outcome;
use wasmtime::{ResourceLimiter, Result};

use crate::outcome::{RaisedIn, RaisedOutcome, Shortage, outcome_of};

/// The most core instances, memories and tables of a store: wasmtime's default of 10,000, and 1,000 for the
/// shim, which has a few for each interface. So the shim takes none of the actor's. Re-runs have the same
/// limit.
const MOST_OF_A_KIND: usize = 10_000 + 1_000;

/// The bounds of a store. A growth beyond a bound fails as WebAssembly defines it: `memory.grow` and
/// `table.grow` return -1. Most guests trap then, and the trap's message names the limit.
#[derive(Clone, Debug)]
pub struct Limits {
    memory: usize,
    table: usize,
    reached: Option<Reached>,
    watch: Option<Arc<MemoryUse>>,
}

/// The memory that watched stores have used.
#[derive(Debug, Default)]
pub struct MemoryUse {
    peak: AtomicU64,
    refused: AtomicBool,
}

impl MemoryUse {
    /// Size of the largest memory so far, in bytes.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// Whether a growth was refused by the limit.
    pub fn was_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A limit that kept something from growing.
#[derive(Clone, Copy, Debug)]
enum Reached {
    Memory,
    Table,
}

impl Limits {
    /// Bounds each memory, in bytes, and each table, in elements.
    pub fn new(memory: usize, table: usize) -> Self {
        Limits { memory, table, reached: None, watch: None }
    }

    /// The same, and `watch` notes the sizes of memories.
    pub fn watched(self, watch: Option<Arc<MemoryUse>>) -> Self {
        Limits { watch, ..self }
    }

    /// Begins a call: forgets earlier refusals.
    pub fn begin_call(&mut self) {
        self.reached = None;
    }

    /// As [`outcome_of`], with the limit that the call ran into, if it did, in the message of a trap.
    pub fn outcome_of(
        &self,
        error: &wasmtime::Error,
        raised_in: RaisedIn,
        exit_code: impl Fn(&wasmtime::Error) -> Option<i32>,
    ) -> Outcome {
        match (outcome_of(error, raised_in, exit_code), self.reached) {
            // An outcome that is raised again has the message of its first time.
            (Outcome::Trapped { kind, message }, Some(reached)) if !error.is::<RaisedOutcome>() => {
                Outcome::Trapped { kind, message: format!("{message}; {}", self.describe(reached)) }
            }
            (outcome, _) => outcome,
        }
    }

    fn describe(&self, reached: Reached) -> String {
        match reached {
            Reached::Memory => format!("a memory had reached the limit of {} bytes", self.memory),
            Reached::Table => format!("a table had reached the limit of {} elements", self.table),
        }
    }

    /// Whether something may grow to `desired`. A growth beyond the declared maximum fails too, but not
    /// because of the limit.
    fn allows(&mut self, limit: usize, desired: usize, declared: Option<usize>, what: Reached) -> bool {
        if declared.is_some_and(|declared| desired > declared) {
            return false;
        }
        if desired > limit {
            self.reached = Some(what);
            return false;
        }
        true
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let allowed = self.allows(self.memory, desired, maximum, Reached::Memory);
        if let Some(watch) = &self.watch {
            if allowed {
                watch.peak.fetch_max(desired as u64, Ordering::Relaxed);
            } else if desired > self.memory {
                watch.refused.store(true, Ordering::Relaxed);
            }
        }
        Ok(allowed)
    }

    /// A growth that the system refuses is a shortage of this machine, so it must not reach the guest.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        Shortage::of(&error, RaisedIn::Guest).map_or(Ok(()), |shortage| Err(shortage.into()))
    }

    fn instances(&self) -> usize {
        MOST_OF_A_KIND
    }

    fn memories(&self) -> usize {
        MOST_OF_A_KIND
    }

    fn tables(&self) -> usize {
        MOST_OF_A_KIND
    }

    fn table_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(self.allows(self.table, desired, maximum, Reached::Table))
    }
}
