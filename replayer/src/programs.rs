//! Owns [`Programs`]: compiled and linked components, shared by takes of one actor that are replayed in turn
//! or at once.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retake_chain::{ContentRef, EngineProfile};

use crate::error::ReplayError;
use crate::program::Program;
use crate::stack::StackRoom;

/// How many programs are kept. The one that was used last is kept longest.
const KEPT: usize = 16;

/// Programs that takes share. They must be replayed with the same options, apart from the fuel.
#[derive(Default)]
pub struct Programs {
    kept: Mutex<Vec<Arc<ProgramSlot>>>,
}

struct ProgramSlot {
    key: ProgramKey,
    /// Locked while it is made, so that it is made once.
    program: Mutex<Option<Arc<Program>>>,
}

impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Programs").field("kept", &lock(&self.kept).len()).finish()
    }
}

/// Everything that a program depends on.
#[derive(PartialEq)]
pub(crate) struct ProgramKey {
    /// Of the component.
    pub digest: ContentRef,
    /// In the genesis.
    pub profile: EngineProfile,
    /// The replay's own bound.
    pub fuel: Option<u64>,
    pub room: StackRoom,
}

impl Programs {
    /// None yet.
    pub fn new() -> Arc<Programs> {
        Arc::default()
    }

    /// The program for `key`, made if it is not there. If it cannot be made, the next call tries again.
    pub(crate) fn get(
        &self,
        key: ProgramKey,
        make: impl FnOnce() -> Result<Arc<Program>, ReplayError>,
    ) -> Result<Arc<Program>, ReplayError> {
        let entry = self.entry(key);
        let mut program = lock(&entry.program);
        if let Some(program) = &*program {
            return Ok(program.clone());
        }
        let made = make()?;
        *program = Some(made.clone());
        Ok(made)
    }

    fn entry(&self, key: ProgramKey) -> Arc<ProgramSlot> {
        let mut kept = lock(&self.kept);
        let entry = match kept.iter().position(|entry| entry.key == key) {
            Some(at) => kept.remove(at),
            None => Arc::new(ProgramSlot { key, program: Mutex::new(None) }),
        };
        kept.insert(0, entry.clone());
        kept.truncate(KEPT);
        entry
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
