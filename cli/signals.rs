//! Owns what signals do: what they ask of a session that is recorded, and that no unfinished file is left of another command.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;
use std::{fs, io, thread};

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
    /// Listens to them from now on.
    pub fn listen() -> Result<Signals, ExitCode> {
        let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
        let mut asked = Stops::listen().map_err(|error| fail(ExitCode::Unchecked, error))?;
        let signals = Signals { stop: stop.clone(), cancel: cancel.clone() };
        tokio::spawn(async move {
            asked.next().await;
            note("stopping: calls in flight are finished, then the take is sealed".into());
            stop.cancel();
            tokio::select! { _ = asked.next() => (), () = tokio::time::sleep(GRACE) => () }
            cancel.cancel();
        });
        Ok(signals)
    }
}

/// The signals that ask a process to end.
struct Stops {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where it is ignored, as under `nohup`, and stays so.
    hangup: Option<Signal>,
}

impl Stops {
    fn listen() -> io::Result<Stops> {
        let hangup_is_ignored = is_ignored(libc::SIGHUP);
        Ok(Stops {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if hangup_is_ignored { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// The number of the next one.
    async fn next(&mut self) -> libc::c_int {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => libc::SIGINT,
            _ = self.terminate.recv() => libc::SIGTERM,
            () = hangup => libc::SIGHUP,
        }
    }
}

/// A file that is removed if a signal ends the process while this is there.
pub struct Unfinished(PathBuf);

static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

impl Unfinished {
    /// From now on; a signal then ends the process as it does by default.
    pub fn new(path: &Path) -> Unfinished {
        static LISTENS: Once = Once::new();
        unfinished().push(path.into());
        LISTENS.call_once(|| {
            // Without it a hidden file may stay.
            let _ = thread::Builder::new().name("retake-signals".into()).spawn(remove_unfinished);
        });
        Unfinished(path.into())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        unfinished().retain(|path| *path != self.0);
    }
}

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a signal.
fn remove_unfinished() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let number = runtime.block_on(async { io::Result::Ok(Stops::listen()?.next().await) })?;
    // Held to the end, so that no file is put in its place by half.
    let files = unfinished();
    files.iter().for_each(|file| drop(fs::remove_file(file)));
    give_back();
    // SAFETY: it takes no memory of ours.
    unsafe { libc::raise(number) };
    Ok(())
}

/// Gives the signals back once nothing listens to them any more: they end the process then, as they do by default.
pub fn give_back() {
    for number in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        if !is_ignored(number) {
            // SAFETY: the default action runs no code of ours.
            unsafe { libc::signal(number, libc::SIG_DFL) };
        }
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
