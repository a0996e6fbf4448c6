//! Owns [`Perturbation`]: what a replay can change that a deterministic actor cannot tell. An actor whose verdict changes with one of
//! them sees something that the recording has not.

use std::fmt;

use retake_actor::MemoryUse;
use retake_actor::profile::Tuning;

use crate::jobs::Jobs;
use crate::options::ReplayOptions;

/// Threads that calls are spread over.
const THREADS: usize = 4;
/// How much more than the actor has used a memory may get: a page of WebAssembly.
const MARGIN: u64 = 64 << 10;

/// Something about a replay that has no part in what an actor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Perturbation {
    /// Another engine, and code that was compiled for it now.
    FreshEngine,
    /// Memories without reserved addresses and guards: they move when they grow, and every access is checked.
    UnreservedMemory,
    /// Each call on another thread, beside others where they are independent.
    OtherThreads,
    /// Code that is not optimised.
    Unoptimized,
    /// A limit on memories that is just above what the actor has used.
    LowerMemoryLimit,
}

impl Perturbation {
    /// All of them.
    pub const ALL: [Perturbation; 5] = [
        Perturbation::FreshEngine,
        Perturbation::UnreservedMemory,
        Perturbation::OtherThreads,
        Perturbation::Unoptimized,
        Perturbation::LowerMemoryLimit,
    ];

    /// The options of a replay that is perturbed so; `used` is what the actor has used in one that was not. An actor that has
    /// run into the limit of its memory sees it, and is left with the recorded one.
    pub fn options(self, used: &MemoryUse) -> ReplayOptions {
        // Nothing is taken from a cache: each has its own engine.
        let options = ReplayOptions::default();
        match self {
            Perturbation::FreshEngine => options,
            Perturbation::UnreservedMemory => {
                ReplayOptions { tuning: Tuning { reserved_memory: false, ..Tuning::default() }, ..options }
            }
            Perturbation::OtherThreads => {
                ReplayOptions { jobs: Some(Jobs::new(THREADS)), thread_per_call: true, ..options }
            }
            Perturbation::Unoptimized => {
                ReplayOptions { tuning: Tuning { optimized: false, ..Tuning::default() }, ..options }
            }
            Perturbation::LowerMemoryLimit if used.was_refused() => options,
            Perturbation::LowerMemoryLimit => {
                ReplayOptions { memory_limit: Some(used.peak().saturating_add(MARGIN)), ..options }
            }
        }
    }
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Perturbation::FreshEngine => "fresh engine and instances",
            Perturbation::UnreservedMemory => "memory without reservation and guards",
            Perturbation::OtherThreads => "other threads",
            Perturbation::Unoptimized => "compiled without optimisation",
            Perturbation::LowerMemoryLimit => "memory limit just above the recorded use",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use retake_actor::profile::default_profile;
    use retake_actor::{Actor, Limits};
    use wasmtime::ResourceLimiter;

    use super::*;
    use crate::program::Program;

    /// Use of so many bytes, under a limit of a MiB.
    fn used(bytes: usize) -> Arc<MemoryUse> {
        let used = Arc::new(MemoryUse::default());
        let mut limits = Limits::new(1 << 20, 0).watched(Some(used.clone()));
        limits.memory_growing(0, bytes, None).expect("it is answered");
        used
    }

    #[test]
    fn the_lower_limit_is_in_force_and_leaves_what_was_used() {
        let actor = Actor::new(b"(component)").expect("a component");
        let limit = |used: &MemoryUse| {
            let options = Perturbation::LowerMemoryLimit.options(used);
            Program::load(&actor, &default_profile(), &options).expect("a program").profile.memory_limit
        };
        assert_eq!(limit(&used(100_000)), 100_000 + MARGIN);
        assert_eq!(limit(&used(2 << 20)), default_profile().memory_limit, "it ran into its limit");
    }
}
