//! Owns the storages that a take is written to here: none, and memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use retake_chain::log::Storage;

/// Takes everything and keeps nothing.
pub struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for Nowhere {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A take in memory; clones share it.
#[derive(Clone, Default)]
pub struct InMemory(Arc<Mutex<Vec<u8>>>);

impl InMemory {
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("no writer panics"))
    }
}

impl Write for InMemory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for InMemory {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
