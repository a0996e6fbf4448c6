//! Owns the size of the engine's pool of instances, whose memory is used again and not mapped for each.

use std::num::NonZero;
use std::thread;

use retake_chain::EngineProfile;
use wasmtime::{Enabled, PoolingAllocationConfig};

/// Memories, tables and stacks of each instance. The stacks are the actor's and those of calls that the host
/// makes while it runs.
const MEMORIES: u32 = 8;
const TABLES: u32 = 32;
const STACKS: u32 = 4;
/// Instances of components for each that a session makes: its own, and one that drops its resources.
const COMPONENTS: u32 = 2;
/// Bytes of a memory or table that are cleared and kept when it is free again.
const KEPT: usize = 64 << 10;
/// The rest is given back to the system, this many regions in one go: each go interrupts every processor.
const GIVEN_BACK: u32 = 32;

/// A pool for this many instances of components, in which each can have what the profile allows.
pub(crate) fn pool(profile: &EngineProfile, instances: u32) -> PoolingAllocationConfig {
    // Each shard of the pool has its own regions that wait to be given back. Wasmtime can refuse an instance
    // while another thread gives back what it needs, so there is room for them beside all instances.
    let shards = thread::available_parallelism().map_or(1, NonZero::get).min(16) as u32;
    let waiting = 2 * GIVEN_BACK * shards;
    let room_for = |each: u32| instances.saturating_mul(each).saturating_add(waiting);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances.saturating_mul(COMPONENTS))
        .total_core_instances(u32::MAX)
        .total_memories(room_for(MEMORIES))
        .total_tables(room_for(TABLES))
        .total_stacks(room_for(STACKS))
        .total_gc_heaps(room_for(1))
        .max_memories_per_component(MEMORIES)
        .max_memories_per_module(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_tables_per_module(TABLES)
        .max_core_instances_per_component(u32::MAX)
        .max_component_instance_size(usize::MAX)
        .max_core_instance_size(1 << 30)
        .table_elements(usize::try_from(profile.table_limit).unwrap_or(usize::MAX))
        .decommit_batch_size(GIVEN_BACK as usize)
        .linear_memory_keep_resident(KEPT)
        .table_keep_resident(KEPT)
        // It interrupts every processor too.
        .pagemap_scan(Enabled::No);
    pool
}
