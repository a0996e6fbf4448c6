//! Owns the refusal of shared memories. Atomic instructions on the memory of one instance are like any
//! others; the work of threads on a shared memory has no order that a replay could keep.

use thiserror::Error;
use wasmparser::{Parser, Payload, TypeRef};

/// A core module has a memory that threads could share.
#[derive(Debug, Error)]
#[error(
    "core module {module} {how}, a shared memory; what threads do to it cannot be recorded: build the program without \
     threads, so that its memory is not `shared`"
)]
pub struct SharedMemory {
    /// Which of the file's core modules it is, from 0.
    pub module: usize,
    /// How it has the memory: declared or imported, and which one.
    pub how: String,
}

/// Refuses a module or a component that has a shared memory. Faults of validity are left to the compiler.
pub(crate) fn refuse(bytes: &[u8]) -> Result<(), SharedMemory> {
    let mut modules = 0usize;
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        let how = match payload {
            Payload::Version { encoding: wasmparser::Encoding::Module, .. } => {
                modules += 1;
                None
            }
            Payload::MemorySection(memories) => {
                let mut memories = memories.into_iter().enumerate();
                let shared = memories.find(|(_, memory)| memory.as_ref().is_ok_and(|memory| memory.shared));
                shared.map(|(index, _)| format!("declares memory {index}"))
            }
            Payload::ImportSection(imports) => {
                let mut imports = imports.into_imports().flatten();
                let shared = |import: &wasmparser::Import<'_>| matches!(import.ty, TypeRef::Memory(memory) if memory.shared);
                imports
                    .find(shared)
                    .map(|import| format!("imports the memory `{}::{}`", import.module, import.name))
            }
            _ => None,
        };
        if let Some(how) = how {
            return Err(SharedMemory { module: modules.saturating_sub(1), how });
        }
    }
    Ok(())
}
