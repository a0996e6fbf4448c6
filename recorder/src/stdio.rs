//! Owns the standard output and error of this process, which a guest and the session share. A guest may leave
//! a line unfinished; what the session prints next still starts on a new line.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A stream of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdio {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Whether a guest left a line open on each stream. A process has one of each, so these are global.
static OPEN: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

impl Stdio {
    /// Ends the line that a guest left open where the next bytes of this stream will appear. Call it before
    /// the session prints.
    ///
    /// If the two streams are one file or terminal, an open line of either counts. If they are not, the
    /// guest's output stays as the guest wrote it.
    pub fn end_open_line(self) {
        if !OPEN[self as usize].swap(false, Ordering::Relaxed) {
            return;
        }
        if are_one() {
            OPEN.iter().for_each(|open| open.store(false, Ordering::Relaxed));
        }
        // The reader may have gone.
        let _ = io::stdout().flush();
        let _ = match self {
            Stdio::Out => io::stdout().write_all(b"\n"),
            Stdio::Err => io::stderr().write_all(b"\n"),
        };
    }

    fn note(self, written: &[u8]) {
        let Some(last) = written.last() else { return };
        let open = *last != b'\n';
        match are_one() {
            true => OPEN.iter().for_each(|one| one.store(open, Ordering::Relaxed)),
            false => OPEN[self as usize].store(open, Ordering::Relaxed),
        }
    }
}

/// Whether standard output and error are the same file or terminal.
fn are_one() -> bool {
    static ONE: OnceLock<bool> = OnceLock::new();
    *ONE.get_or_init(|| {
        let identity = |stream: BorrowedFd<'_>| {
            let found = std::fs::File::from(stream.try_clone_to_owned()?).metadata()?;
            io::Result::Ok((found.dev(), found.ino(), found.rdev()))
        };
        let streams = (identity(io::stdout().as_fd()), identity(io::stderr().as_fd()));
        matches!(streams, (Ok(out), Ok(err)) if out == err)
    })
}

/// One of this process's streams, for a guest: wasmtime's own, which also notes how the written bytes end.
pub(crate) struct GuestStream(pub Stdio);

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        match self.0 {
            Stdio::Out => IsTerminal::is_terminal(&io::stdout()),
            Stdio::Err => IsTerminal::is_terminal(&io::stderr()),
        }
    }
}

impl StdoutStream for GuestStream {
    /// For WASI 0.3, which is not recorded.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        match self.0 {
            Stdio::Out => io::stdout().async_stream(),
            Stdio::Err => io::stderr().async_stream(),
        }
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        let stream = match self.0 {
            Stdio::Out => io::stdout().p2_stream(),
            Stdio::Err => io::stderr().p2_stream(),
        };
        Box::new(Noted { stream, stdio: self.0 })
    }
}

struct Noted {
    stream: Box<dyn OutputStream>,
    stdio: Stdio,
}

impl OutputStream for Noted {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.stdio.note(&bytes);
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.stream.check_write()
    }
}

#[async_trait]
impl Pollable for Noted {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}
