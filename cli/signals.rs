//! Owns what signals ask of a session that is recorded.

use std::time::Duration;

use retake_verifier::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::printer::{fail, note};

/// How long calls in flight may take after the first signal.
const GRACE: Duration = Duration::from_secs(10);

/// What SIGINT, SIGTERM and SIGHUP ask for.
pub struct Signals {
    /// Take no new calls.
    pub stop: CancellationToken,
    /// Give up the calls in flight: at the second signal, or some time after the first.
    pub cancel: CancellationToken,
}

impl Signals {
    /// Listens to them from now on. SIGHUP stays ignored where it is, as under `nohup`.
    pub fn listen() -> Result<Signals, ExitCode> {
        let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
        let listen = |kind| signal(kind).map_err(|error| fail(ExitCode::Unchecked, error));
        let hangup_is_ignored = is_ignored(libc::SIGHUP);
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let mut hangup = match hangup_is_ignored {
            true => None,
            false => Some(listen(SignalKind::hangup())?),
        };
        let signals = Signals { stop: stop.clone(), cancel: cancel.clone() };
        tokio::spawn(async move {
            let mut any = async || {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = received(&mut hangup) => {}
                }
            };
            any().await;
            note("stopping: calls in flight are finished, then the take is sealed".into());
            stop.cancel();
            tokio::select! { () = any() => (), () = tokio::time::sleep(GRACE) => () }
            cancel.cancel();
        });
        Ok(signals)
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Has a write beyond the limit of a file's size fail with an error that can be told, where the signal would end the process.
pub fn ignore_file_size() {
    // SAFETY: to ignore a signal runs no code of ours.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Whether this process was started with a signal ignored.
fn is_ignored(number: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action nothing is changed, and the old one is written to memory that is large enough; all
    // zeros are a valid `sigaction`, so it is one even if the call fails.
    let action = unsafe {
        libc::sigaction(number, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}
