//! Owns [`Perturbation`]: what a replay can change that a deterministic actor cannot observe. An actor whose
//! verdict changes with one of them observes something that is not in the recording.

use std::fmt;

use retake_actor::MemoryUse;
use retake_actor::profile::Tuning;

use crate::options::ReplayOptions;
use crate::rerun_slots::RerunSlots;

/// Threads that calls are spread over.
const THREADS: usize = 4;
/// How far the limit is above the actor's use: a page of WebAssembly.
const MARGIN: u64 = 64 << 10;

/// A change to a replay that a deterministic actor cannot observe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Perturbation {
    /// Another engine, and newly compiled code.
    FreshEngine,
    /// Memories without reserved addresses and guards: they move when they grow, and every access is checked.
    UnreservedMemory,
    /// Each call on another thread; independent calls at once.
    OtherThreads,
    /// Code that is not optimised.
    Unoptimized,
    /// A limit on memories just above the actor's use.
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

    /// The options of a replay with this change. `used` is what the actor used in a replay without one. An
    /// actor that ran into the limit of its memory observes the limit, so it keeps the recorded one.
    pub fn options(self, used: &MemoryUse) -> ReplayOptions {
        // Without a cache, as each change has its own engine.
        let options = ReplayOptions::default();
        match self {
            Perturbation::FreshEngine => options,
            Perturbation::UnreservedMemory => {
                ReplayOptions { tuning: Tuning { reserved_memory: false, ..Tuning::default() }, ..options }
            }
            Perturbation::OtherThreads => {
                ReplayOptions { slots: Some(RerunSlots::new(THREADS)), thread_per_call: true, ..options }
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
    use crate::stack::StackRoom;

    /// The use of `bytes` bytes under a limit of a MiB.
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
            options
                .program(&actor, &default_profile(), StackRoom::Ample)
                .expect("a program")
                .profile
                .memory_limit
        };
        assert_eq!(limit(&used(100_000)), 100_000 + MARGIN);
        assert_eq!(limit(&used(2 << 20)), default_profile().memory_limit, "it ran into its limit");
    }
}
