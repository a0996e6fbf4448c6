//! Owns the engine profile: the settings under which a component behaves the same each time, as the genesis
//! records them.

use retake_chain::EngineProfile;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, Result, Store};

use crate::instance_pool::pool;
use crate::limits::Limits;
use crate::theater::HasActor;

/// Version of the engine, as profiles name it.
pub const ENGINE: &str = "wasmtime 48.0.8";

/// The largest memory with 32-bit addresses, in bytes.
const WHOLE_MEMORY: u64 = 4 << 30;

/// How much stack guest code may use in one call while it is recorded, in bytes.
pub const GUEST_STACK: usize = 512 << 10;

/// A re-run has this many times [`GUEST_STACK`]: its frames are larger where fuel is counted or guests can be
/// interrupted. The smallest frame is 16 bytes; both together add less than 100.
const RERUN: usize = 16;

/// The same factor for code without optimisation, which keeps every value on the stack.
const UNOPTIMIZED: usize = 256;

/// The part of an asynchronous stack for the host's own functions.
const HOST_STACK: usize = (2 << 20) - GUEST_STACK;

/// The profile of a recording, unless limits are asked for.
pub fn default_profile() -> EngineProfile {
    EngineProfile {
        engine: ENGINE.into(),
        nan_canonicalization: true,
        relaxed_simd_deterministic: true,
        threads: false,
        memory_limit: WHOLE_MEMORY,
        table_limit: 10_000_000,
        fuel: None,
        hostcall_limit: 1 << 30,
        interruptible: false,
    }
}

/// Checks that this build can run under `profile`.
///
/// # Errors
/// The profile that this build would run under.
pub fn check(profile: &EngineProfile) -> Result<(), Box<EngineProfile>> {
    // The bounds are settings; the rest is what this build does.
    let ours = EngineProfile {
        memory_limit: profile.memory_limit,
        table_limit: profile.table_limit,
        fuel: profile.fuel,
        hostcall_limit: profile.hostcall_limit,
        interruptible: profile.interruptible,
        ..default_profile()
    };
    if *profile == ours { Ok(()) } else { Err(Box::new(ours)) }
}

/// Whether the shim can change where a recorded call ends: it burns fuel, and its memory counts. Such a
/// session is replayed with the shim.
pub fn bounds_the_shim(profile: &EngineProfile) -> bool {
    profile.fuel.is_some() || profile.memory_limit < WHOLE_MEMORY
}

/// The stack of guest code in one call of a re-run, in bytes. A guest that returned when it was recorded has
/// room to return, however it is compiled.
pub fn rerun_stack(optimized: bool) -> usize {
    GUEST_STACK * if optimized { RERUN } else { UNOPTIMIZED }
}

/// Settings in which two engines of one profile may differ. A deterministic component cannot observe them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Compile with optimisation. Without it frames are larger.
    pub optimized: bool,
    /// Reserve addresses for a memory ahead, with guards after it. Otherwise each access is checked, and a
    /// memory moves when it grows.
    pub reserved_memory: bool,
    /// Let [`Engine::increment_epoch`] interrupt guests, for which each store then needs a deadline and a
    /// callback.
    pub interruptible: bool,
    /// The stack of guest code in one call, in bytes: [`GUEST_STACK`] in a recording whose guests cannot be
    /// interrupted, [`rerun_stack`] in a re-run.
    pub stack: usize,
    /// Keep memory ready for this many instances of components at a time, and use it again and again; 0 for
    /// none. A component with very many memories or tables is refused, and so are more instances. Takes much
    /// address space.
    pub pooled_instances: u32,
    /// Whether pooled instances get copies of their data segments, which is faster if those are small. Else
    /// their pages are mapped, and copied when they are written to.
    pub copied_data: bool,
}

/// A recording that can be interrupted has this many times the stack: its frames are up to twice as large.
const INTERRUPTIBLE: usize = 2;

impl Tuning {
    /// The tuning of a recording. A guest that returns also returns where it can be interrupted.
    pub fn recording(interruptible: bool) -> Tuning {
        let stack = if interruptible { INTERRUPTIBLE * GUEST_STACK } else { GUEST_STACK };
        Tuning { interruptible, stack, ..Tuning::default() }
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            optimized: true,
            reserved_memory: true,
            interruptible: false,
            stack: GUEST_STACK,
            pooled_instances: 0,
            copied_data: false,
        }
    }
}

/// An engine for the profile.
pub fn engine(profile: &EngineProfile) -> Result<Engine> {
    tuned_engine(profile, Tuning::default())
}

/// The same, tuned in another way.
pub fn tuned_engine(profile: &EngineProfile, tuning: Tuning) -> Result<Engine> {
    let mut config = Config::new();
    if !tuning.optimized {
        config.cranelift_opt_level(OptLevel::None);
    }
    if !tuning.reserved_memory {
        config.memory_reservation(0).memory_reservation_for_growth(0).memory_guard_size(0);
    }
    if tuning.pooled_instances > 0 {
        let pool = pool(profile, tuning.pooled_instances);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        // A page that is mapped and then written to interrupts every processor.
        config.memory_init_cow(!tuning.copied_data);
    }
    config
        .cranelift_nan_canonicalization(profile.nan_canonicalization)
        .relaxed_simd_deterministic(profile.relaxed_simd_deterministic)
        .consume_fuel(profile.fuel.is_some())
        .max_wasm_stack(tuning.stack)
        .async_stack_size(tuning.stack + HOST_STACK)
        .epoch_interruption(tuning.interruptible)
        // For WASI 0.3 alone, which is not recorded yet; every call between components costs more with it.
        .concurrency_support(false);
    Engine::new(&config)
}

/// The limits of the profile on memories and tables, for a store's data.
pub fn limits(profile: &EngineProfile) -> Limits {
    let clamp = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
    Limits::new(clamp(profile.memory_limit), clamp(profile.table_limit))
}

/// A store for one instance, bounded as the profile says. `limits` finds the limits in the store's data.
pub fn store<T: 'static>(
    engine: &Engine,
    profile: &EngineProfile,
    data: T,
    limits: impl Fn(&mut T) -> &mut Limits + Send + Sync + 'static,
) -> Store<T> {
    let mut store = Store::new(engine, data);
    store.limiter(move |data| limits(data));
    store.set_hostcall_fuel(usize::try_from(profile.hostcall_limit).unwrap_or(usize::MAX));
    store
}

/// Gives the next call in a store its fuel, and forgets earlier refusals of its limits. An instantiation is
/// part of the call.
pub fn begin_call<T: HasActor>(store: &mut Store<T>, profile: &EngineProfile) -> Result<()> {
    store.data_mut().actor().limits.begin_call();
    match profile.fuel {
        Some(fuel) => store.set_fuel(fuel),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{DefaultHasher, Hash, Hasher};

    use super::*;

    #[test]
    fn every_tuning_is_an_engine_of_its_own() {
        let default = Tuning::default();
        let tunings = [
            default,
            Tuning { optimized: false, ..default },
            Tuning { reserved_memory: false, ..default },
            Tuning { interruptible: true, ..default },
        ];
        let settings = |tuning| {
            let mut hasher = DefaultHasher::new();
            let engine = tuned_engine(&default_profile(), tuning).expect("an engine");
            engine.precompile_compatibility_hash().hash(&mut hasher);
            hasher.finish()
        };
        assert_eq!(tunings.map(settings).into_iter().collect::<HashSet<_>>().len(), tunings.len());
    }
}
