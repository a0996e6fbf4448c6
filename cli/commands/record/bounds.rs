//! Owns the time limits of `retake record`: what they stop, what is printed about it, and the exit code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use retake_recorder::{CallTimeout, CancellationToken};
use retake_verifier::ExitCode;
use tokio_util::task::AbortOnDropHandle;

use crate::console::{fail, note};
use crate::options::TimeoutOptions;
use crate::words::count;

/// The bounds of a recording, and which of them were reached.
pub struct RecordBounds {
    /// On each call.
    pub call: Option<Arc<CallTimeout>>,
    take: Option<Duration>,
    take_reached: Arc<AtomicBool>,
}

impl RecordBounds {
    pub fn of(options: TimeoutOptions) -> RecordBounds {
        let call = options.timeout.map(CallTimeout::new);
        RecordBounds { call, take: options.take_timeout, take_reached: Arc::default() }
    }

    /// Starts the clock of the session. When its time is over no more calls are made, and those in flight are
    /// given up. Dropping the result stops the clock.
    pub fn start(
        &self,
        stop: &CancellationToken,
        cancel: &CancellationToken,
    ) -> Option<AbortOnDropHandle<()>> {
        let limit = self.take?;
        let (stop, cancel, reached) = (stop.clone(), cancel.clone(), self.take_reached.clone());
        Some(AbortOnDropHandle::new(tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            reached.store(true, Ordering::Relaxed);
            stop.cancel();
            cancel.cancel();
        })))
    }

    /// Prints which bounds were reached. A server answers a call that took too long, and continues. Any other
    /// session is incomplete.
    pub fn end(&self, is_server: bool) -> ExitCode {
        let mut exit = ExitCode::Identical;
        if let Some(timeout) = &self.call
            && let Some(first) = timeout.first()
        {
            let message = match timeout.given_up() {
                1 => first.to_string(),
                calls => format!(
                    "{} took longer than {:?}, the first of them: {first}",
                    count(calls, "call"),
                    first.limit
                ),
            };
            match is_server {
                true => note(message),
                false => exit = fail(ExitCode::Unchecked, message),
            }
        }
        match self.take {
            Some(limit) if self.take_reached.load(Ordering::Relaxed) => {
                let message = format!(
                    "the session took longer than {limit:?}: calls in flight were given up, and no more were made"
                );
                fail(ExitCode::Unchecked, message)
            }
            _ => exit,
        }
    }
}
