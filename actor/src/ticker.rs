//! Owns [`Ticker`], the thread that makes the guests of an engine look up from their work.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use std::{io, thread};

use wasmtime::Engine;

/// Advances an engine's epoch at regular times, until this is dropped. Guests that are compiled to be
/// [interruptible](crate::profile::Tuning) then ask their store's callback whether to go on.
#[derive(Debug)]
pub struct Ticker {
    _stop: Sender<()>,
}

impl Ticker {
    /// Starts the thread.
    ///
    /// # Errors
    /// That of the system, if there is no thread for it.
    pub fn start(engine: Engine, tick: Duration) -> io::Result<Ticker> {
        let (stop, stopped) = channel();
        let ticks = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(tick) {
                engine.increment_epoch();
            }
        };
        thread::Builder::new().name("retake-clock".into()).spawn(ticks)?;
        Ok(Ticker { _stop: stop })
    }
}
