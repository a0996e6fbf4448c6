//! Owns the handling of signals. They stop a session that is recorded. In other commands, they remove the
//! unfinished file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;
use std::{fs, io, thread};

use retake_verifier::ExitCode;
use tempfile::NamedTempFile;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::console::{fail, note};

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
    /// Starts to listen to them.
    pub fn listen() -> Result<Signals, ExitCode> {
        let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
        let failed = |error| fail(ExitCode::Unchecked, error);
        let mut asked = Stops::listen().map_err(failed)?;
        for number in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            if !is_ignored(number) {
                // SAFETY: to store a number is all that it does, which a handler may.
                let noted = unsafe {
                    signal_hook_registry::register(number, move || LAST.store(number, Ordering::SeqCst))
                };
                noted.map_err(failed)?;
            }
        }
        let signals = Signals { stop: stop.clone(), cancel: cancel.clone() };
        tokio::spawn(async move {
            asked.next().await;
            stop.cancel();
            // A blocked stderr must not hold up the session.
            tokio::task::spawn_blocking(|| {
                note("stopping: finishing calls in flight, then sealing the take".into());
            });
            tokio::select! { _ = asked.next() => (), () = tokio::time::sleep(GRACE) => () }
            cancel.cancel();
        });
        Ok(signals)
    }

    /// The session is over: what came so far was for it.
    pub fn session_ended(&self) {
        LAST.store(0, Ordering::SeqCst);
    }
}

/// The signal that came last, if one came. It is noted by the handler itself: who waits for signals may be
/// gone already.
static LAST: AtomicI32 = AtomicI32::new(0);

/// After a session: signals end the process again, one that came after the session's end included.
pub fn after_session() {
    give_back();
    let late = LAST.load(Ordering::SeqCst);
    if late != 0 {
        raise(late);
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
    /// Makes such a file. A signal then removes it, and ends the process as it does by default.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn create(
        make: impl FnOnce() -> io::Result<NamedTempFile>,
    ) -> io::Result<(NamedTempFile, Unfinished)> {
        static LISTENS: Once = Once::new();
        LISTENS.call_once(|| {
            let (listens, is_listening) = channel();
            let remove = move || remove_unfinished(&listens);
            // Without it a hidden file may stay.
            let _ = thread::Builder::new().name("retake-signals".into()).spawn(remove);
            let _ = is_listening.recv();
        });
        // Held, so that no signal comes between.
        let mut unfinished = unfinished();
        let file = make()?;
        unfinished.push(file.path().into());
        let guard = Unfinished(file.path().into());
        Ok((file, guard))
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

/// Waits for a signal, after it has said that it does.
fn remove_unfinished(listens: &Sender<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let number = runtime.block_on(async {
        let mut stops = Stops::listen()?;
        let _ = listens.send(());
        io::Result::Ok(stops.next().await)
    })?;
    // Held to the end, so that no file is put in its place by half.
    let files = unfinished();
    files.iter().for_each(|file| drop(fs::remove_file(file)));
    give_back();
    raise(number);
    Ok(())
}

fn raise(number: libc::c_int) {
    // SAFETY: it takes no memory of ours.
    unsafe { libc::raise(number) };
}

/// Gives the signals back once nothing listens to them any more: they end the process then, as they do by
/// default.
fn give_back() {
    for number in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        if !is_ignored(number) {
            // SAFETY: the default action runs no code of ours.
            unsafe { libc::signal(number, libc::SIG_DFL) };
        }
    }
}

/// Makes a write beyond the limit of a file's size an error. By default a signal would end the process.
pub fn ignore_file_size() {
    // SAFETY: to ignore a signal runs no code of ours.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Whether this process was started with a signal ignored.
fn is_ignored(number: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action nothing is changed, and the old one is written to memory that is large
    // enough; all zeros are a valid `sigaction`, so it is one even if the call fails.
    let action = unsafe {
        libc::sigaction(number, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}
