//! Owns the engine profile: the settings under which a component behaves the same each time, as the genesis records them.

use retake_chain::EngineProfile;
use wasmtime::{Config, Engine, Result, Store, StoreLimits, StoreLimitsBuilder};

/// Version of the engine, as profiles name it.
pub const ENGINE: &str = "wasmtime 48.0.8";

/// The profile of a recording, unless limits are asked for.
pub fn default_profile() -> EngineProfile {
    EngineProfile {
        engine: ENGINE.into(),
        nan_canonicalization: true,
        relaxed_simd_deterministic: true,
        threads: false,
        memory_limit: 4 << 30,
        table_limit: 10_000_000,
        fuel: None,
        hostcall_limit: 1 << 30,
    }
}

/// Whether this build can run under `profile`; if not, what it would run under instead.
pub fn check(profile: &EngineProfile) -> Result<(), Box<EngineProfile>> {
    // The bounds are settings; the rest is what this build does.
    let ours = EngineProfile {
        memory_limit: profile.memory_limit,
        table_limit: profile.table_limit,
        hostcall_limit: profile.hostcall_limit,
        ..default_profile()
    };
    if *profile == ours { Ok(()) } else { Err(Box::new(ours)) }
}

/// An engine for the profile.
pub fn engine(profile: &EngineProfile) -> Result<Engine> {
    let mut config = Config::new();
    config
        .cranelift_nan_canonicalization(profile.nan_canonicalization)
        .relaxed_simd_deterministic(profile.relaxed_simd_deterministic)
        // For WASI 0.3 alone, which is not recorded yet; every call between components costs more with it.
        .concurrency_support(false);
    Engine::new(&config)
}

/// The limits of the profile on memories and tables, for a store's data.
pub fn limits(profile: &EngineProfile) -> StoreLimits {
    let clamp = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
    StoreLimitsBuilder::new()
        .memory_size(clamp(profile.memory_limit))
        .table_elements(clamp(profile.table_limit))
        .build()
}

/// A store for one instance, bounded as the profile says. `limits` finds the limits in the store's data.
pub fn store<T: 'static>(
    engine: &Engine,
    profile: &EngineProfile,
    data: T,
    limits: impl Fn(&mut T) -> &mut StoreLimits + Send + Sync + 'static,
) -> Store<T> {
    let mut store = Store::new(engine, data);
    store.limiter(move |data| limits(data));
    store.set_hostcall_fuel(usize::try_from(profile.hostcall_limit).unwrap_or(usize::MAX));
    store
}
