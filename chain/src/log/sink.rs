//! Owns the writing end of frames: compression, positions and checksums, and the storage under it.
//! Which record goes into which frame is left to `writer.rs`.

use std::fs::File;
use std::io::{self, Write};

use zstd::zstd_safe::zstd_sys::ZSTD_EndDirective::{self, ZSTD_e_continue, ZSTD_e_end, ZSTD_e_flush};
use zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, get_error_name};

use super::error::WriteError;
use super::format::{COMPRESSION_LEVEL, FrameRef, WINDOW_LOG};

/// Where a log is written to. Writes append; nothing is ever read back or rewritten.
pub trait Storage: Write {
    /// Makes what was written survive a loss of power.
    ///
    /// # Errors
    /// What the storage says.
    fn sync(&mut self) -> io::Result<()>;

    /// Called once, when the seal is written and synced. Storage that can be lost while it is written, as a
    /// file can that is moved, says so here.
    ///
    /// # Errors
    /// What the storage says.
    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Storage for Vec<u8> {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Storage + ?Sized> Storage for &mut S {
    fn sync(&mut self) -> io::Result<()> {
        (**self).sync()
    }

    fn close(&mut self) -> io::Result<()> {
        (**self).close()
    }
}

impl<S: Storage + ?Sized> Storage for Box<S> {
    fn sync(&mut self) -> io::Result<()> {
        (**self).sync()
    }

    fn close(&mut self) -> io::Result<()> {
        (**self).close()
    }
}

/// Compressed bytes gathered before the storage gets them.
const GATHER: usize = 1 << 17;

/// Compresses into frames and writes them. Its memory is zstd's window and tables, and one buffer.
pub(super) struct FrameSink<S> {
    storage: S,
    context: CCtx<'static>,
    /// Compressed, not yet given to the storage.
    out: Vec<u8>,
    /// Compressed bytes so far, those in `out` included.
    length: u64,
    frame: Option<OutputFrame>,
    poisoned: bool,
}

#[derive(Clone, Copy)]
struct OutputFrame {
    offset: u64,
    crc: u32,
    raw: u64,
}

impl<S: Storage> FrameSink<S> {
    pub(super) fn new(storage: S) -> Result<Self, WriteError> {
        let failed = |code| WriteError::Compression { offset: 0, reason: get_error_name(code) };
        let out_of_memory = WriteError::Compression { offset: 0, reason: "no memory for a compressor" };
        let mut context = CCtx::try_create().ok_or(out_of_memory)?;
        for parameter in [
            CParameter::CompressionLevel(COMPRESSION_LEVEL),
            CParameter::WindowLog(WINDOW_LOG),
            CParameter::ChecksumFlag(true),
        ] {
            context.set_parameter(parameter).map_err(failed)?;
        }
        let out = Vec::with_capacity(GATHER + CCtx::out_size());
        Ok(Self { storage, context, out, length: 0, frame: None, poisoned: false })
    }

    pub(super) fn boxed<'s>(self) -> FrameSink<Box<dyn Storage + Send + 's>>
    where
        S: Send + 's,
    {
        let FrameSink { storage, context, out, length, frame, poisoned } = self;
        FrameSink { storage: Box::new(storage), context, out, length, frame, poisoned }
    }

    /// Compressed bytes so far.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes in the open frame before compression, or `None` between frames.
    pub(super) fn open_raw(&self) -> Option<u64> {
        self.frame.map(|frame| frame.raw)
    }

    /// Adds to the open frame, or begins one.
    pub(super) fn write(&mut self, raw: &[u8]) -> Result<(), WriteError> {
        self.usable()?;
        let offset = self.length;
        self.frame.get_or_insert(OutputFrame { offset, crc: 0, raw: 0 }).raw += raw.len() as u64;
        self.compress(raw, ZSTD_e_continue)
    }

    /// Gives everything so far to the storage, without ending the frame.
    pub(super) fn flush(&mut self) -> Result<(), WriteError> {
        self.usable()?;
        if self.frame.is_some() {
            self.compress(&[], ZSTD_e_flush)?;
        }
        self.spill()?;
        let flushed = self.storage.flush();
        self.guard(flushed)
    }

    /// Syncs the storage.
    pub(super) fn sync(&mut self) -> Result<(), WriteError> {
        self.flush()?;
        let synced = self.storage.sync();
        self.guard(synced)
    }

    /// Ends the open frame, if there is one, and says where it is.
    pub(super) fn end_frame(&mut self) -> Result<Option<FrameRef>, WriteError> {
        self.usable()?;
        if self.frame.is_none() {
            return Ok(None);
        }
        self.compress(&[], ZSTD_e_end)?;
        let frame = self.frame.take();
        Ok(frame.map(|open| FrameRef {
            offset: open.offset,
            length: self.length - open.offset,
            crc32c: open.crc,
        }))
    }

    /// Writes bytes that are frames already.
    pub(super) fn write_encoded(&mut self, frames: &[u8]) -> Result<(), WriteError> {
        self.usable()?;
        self.out.extend_from_slice(frames);
        self.length += frames.len() as u64;
        self.spill()
    }

    /// The storage, after everything was given to it and synced.
    pub(super) fn close(mut self) -> Result<S, WriteError> {
        self.sync()?;
        let closed = self.storage.close();
        self.guard(closed)?;
        Ok(self.storage)
    }

    fn compress(&mut self, raw: &[u8], directive: ZSTD_EndDirective) -> Result<(), WriteError> {
        let mut input = InBuffer::around(raw);
        loop {
            let before = self.out.len();
            self.out.reserve(CCtx::out_size());
            let mut output = OutBuffer::around_pos(&mut self.out, before);
            let remaining =
                self.context.compress_stream2(&mut output, &mut input, directive).map_err(|code| {
                    self.poisoned = true;
                    WriteError::Compression { offset: self.length, reason: get_error_name(code) }
                })?;
            let made = &self.out[before..];
            if let Some(frame) = &mut self.frame {
                frame.crc = crc32c::crc32c_append(frame.crc, made);
            }
            self.length += made.len() as u64;
            if self.out.len() >= GATHER {
                self.spill()?;
            }
            let taken = input.pos() == raw.len();
            if taken && (directive == ZSTD_e_continue || remaining == 0) {
                return Ok(());
            }
        }
    }

    fn spill(&mut self) -> Result<(), WriteError> {
        let written = self.storage.write_all(&self.out);
        self.guard(written)?;
        self.out.clear();
        Ok(())
    }

    /// After a failed write nobody knows how much was written, so there is no going on.
    fn guard(&mut self, done: io::Result<()>) -> Result<(), WriteError> {
        done.map_err(|source| {
            self.poisoned = true;
            WriteError::Io { offset: self.length - self.out.len() as u64, source }
        })
    }

    fn usable(&self) -> Result<(), WriteError> {
        if self.poisoned { Err(WriteError::Poisoned) } else { Ok(()) }
    }
}
