//! Owns the reading end of frames: bulk input, decompression, positions and checksums.
//! What the decompressed bytes mean, and whether the file may end where it ends, is left to `reader.rs`.

use std::io::{self, Read};

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::error::Damage;
use super::format::{FrameRef, WINDOW_LOG_MAX};
use super::frame::{
    FrameScanner, MAGIC, MAX_SEAL_FRAME, SEAL_DESCRIPTOR, SealFrame, check_descriptor, decode_seal,
};

/// Compressed bytes asked for at once.
const READ_AHEAD: usize = 1 << 18;
/// Room for decompressed bytes per step: a zstd block.
const STEP: usize = 1 << 17;

/// What a step brought.
#[derive(Debug)]
pub(super) enum Step {
    /// Decompressed bytes were added.
    Data,
    /// The frame ended, and its checksum agreed.
    FrameEnd(FrameRef),
    /// The file ends here, with a seal of this content, whose frame begins at this position.
    Seal { offset: u64, content: Vec<u8> },
    /// The file ends here, without a seal.
    End(End),
}

/// Where in a frame a file without a seal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Between frames.
    BetweenFrames,
    /// After a block of a frame that has more: where a flush ends.
    AfterBlock { frame_offset: u64 },
    /// Anywhere else in a frame.
    InsideFrame { frame_offset: u64 },
}

/// Why there is no step.
#[derive(Debug)]
pub(super) enum SourceError {
    Io(io::Error),
    Damage(Damage),
    /// Bytes follow the seal; it ends at this position.
    Trailing(u64),
}

impl From<Damage> for SourceError {
    fn from(damage: Damage) -> Self {
        SourceError::Damage(damage)
    }
}

/// Reads frames and decompresses them. Its memory is two fixed buffers and zstd's window.
pub(super) struct FrameSource<R> {
    input: R,
    buffer: Box<[u8]>,
    /// The part of `buffer` that was read and is not consumed.
    start: usize,
    end: usize,
    ended: bool,
    /// Position in the file of the first byte that is not consumed.
    offset: u64,
    context: DCtx<'static>,
    frame: Option<OpenFrame>,
    finished: Option<FrameRef>,
}

struct OpenFrame {
    offset: u64,
    crc: u32,
    scanner: FrameScanner,
    /// The last step filled its room, so zstd may have more without new input.
    pending: bool,
}

impl<R: Read> FrameSource<R> {
    pub(super) fn new(input: R) -> Result<Self, Damage> {
        let mut context = DCtx::try_create()
            .ok_or_else(|| Damage::Compression { reason: "no memory for a decompressor".into() })?;
        context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(zstd_fault)?;
        let buffer = vec![0; READ_AHEAD].into_boxed_slice();
        Ok(Self {
            input,
            buffer,
            start: 0,
            end: 0,
            ended: false,
            offset: 0,
            context,
            frame: None,
            finished: None,
        })
    }

    /// Position in the file of the first byte that is not consumed.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Position of the open frame, or of the next byte between frames.
    pub(super) fn frame_offset(&self) -> u64 {
        match (&self.frame, &self.finished) {
            (Some(open), _) => open.offset,
            (None, Some(finished)) => finished.offset,
            (None, None) => self.offset,
        }
    }

    /// Whether the file has no byte at all. Looks ahead, consumes nothing.
    pub(super) fn is_empty(&mut self) -> Result<bool, SourceError> {
        Ok(self.look_ahead(1)?.is_empty())
    }

    /// Goes on: decompressed bytes are appended to `out`.
    pub(super) fn step(&mut self, out: &mut Vec<u8>) -> Result<Step, SourceError> {
        if let Some(frame) = self.finished.take() {
            return Ok(Step::FrameEnd(frame));
        }
        if self.frame.is_none()
            && let Some(last) = self.begin_frame()?
        {
            return Ok(last);
        }
        loop {
            let Some(open) = &self.frame else { return Ok(Step::End(End::BetweenFrames)) };
            if self.start == self.end && !open.pending && self.refill()? == 0 {
                return Ok(Step::End(self.end_in_frame()));
            }
            let produced = self.decompress(out)?;
            if produced > 0 {
                return Ok(Step::Data);
            }
            if let Some(frame) = self.finished.take() {
                return Ok(Step::FrameEnd(frame));
            }
        }
    }

    /// Looks at a frame's first bytes. Returns a step if the file ends here, with or without a seal.
    fn begin_frame(&mut self) -> Result<Option<Step>, SourceError> {
        let offset = self.offset;
        let head = self.look_ahead(MAGIC.len() + 1)?;
        if head.is_empty() {
            return Ok(Some(Step::End(End::BetweenFrames)));
        }
        let known = head.len().min(MAGIC.len());
        if head[..known] != MAGIC[..known] {
            return Err(Damage::NoFrame.into());
        }
        match head.get(MAGIC.len()) {
            None => Ok(Some(Step::End(End::InsideFrame { frame_offset: offset }))),
            Some(&SEAL_DESCRIPTOR) => self.read_seal().map(Some),
            Some(&descriptor) => {
                check_descriptor(descriptor)?;
                let scanner = FrameScanner::new(descriptor);
                self.frame = Some(OpenFrame { offset, crc: 0, scanner, pending: false });
                Ok(None)
            }
        }
    }

    fn decompress(&mut self, out: &mut Vec<u8>) -> Result<usize, SourceError> {
        let Some(open) = &mut self.frame else { return Ok(0) };
        let before = out.len();
        out.reserve(STEP);
        // No further than the part of the frame goes, so that what a block holds is told before what is wrong behind it,
        // however the input came.
        let rest = &self.buffer[self.start..self.end.min(self.start + open.scanner.missing())];
        let mut input = InBuffer::around(rest);
        let mut output = OutBuffer::around_pos(out, before);
        let hint = self.context.decompress_stream(&mut output, &mut input).map_err(zstd_fault)?;
        let consumed = &rest[..input.pos()];
        open.crc = crc32c::crc32c_append(open.crc, consumed);
        open.scanner.feed(consumed);
        open.pending = out.len() == out.capacity();
        if consumed.is_empty() && out.len() == before && self.start < self.end {
            return Err(Damage::Compression { reason: "no progress".into() }.into());
        }
        self.start += consumed.len();
        self.offset += consumed.len() as u64;
        if hint == 0 {
            let (offset, crc32c) = (open.offset, open.crc);
            self.finished = Some(FrameRef { offset, length: self.offset - offset, crc32c });
            self.frame = None;
        }
        Ok(out.len() - before)
    }

    fn end_in_frame(&self) -> End {
        match &self.frame {
            None => End::BetweenFrames,
            Some(open) if open.scanner.is_after_block() => End::AfterBlock { frame_offset: open.offset },
            Some(open) => End::InsideFrame { frame_offset: open.offset },
        }
    }

    /// The seal is the last thing in a file: takes the rest of it, but no more than a seal can have.
    fn read_seal(&mut self) -> Result<Step, SourceError> {
        let offset = self.offset;
        let mut frame = Vec::new();
        loop {
            let rest = &self.buffer[self.start..self.end];
            let step = rest.len().min(MAX_SEAL_FRAME + 1 - frame.len());
            frame.extend_from_slice(&rest[..step]);
            self.start += step;
            if frame.len() > MAX_SEAL_FRAME || self.refill()? == 0 {
                break;
            }
        }
        let seal = decode_seal(&frame)?;
        self.offset += frame.len() as u64;
        match seal {
            SealFrame::Whole(content) => Ok(Step::Seal { offset, content }),
            SealFrame::Short => Ok(Step::End(End::InsideFrame { frame_offset: offset })),
            SealFrame::Trailing(length) => Err(SourceError::Trailing(offset + length as u64)),
        }
    }

    /// The next bytes, as many as asked for unless the file ends.
    fn look_ahead(&mut self, wanted: usize) -> Result<&[u8], SourceError> {
        while self.end - self.start < wanted && self.refill()? > 0 {}
        let rest = &self.buffer[self.start..self.end];
        Ok(&rest[..rest.len().min(wanted)])
    }

    /// Reads more behind what is not consumed. Returns 0 at the end of the file.
    fn refill(&mut self) -> Result<usize, SourceError> {
        if self.ended {
            return Ok(0);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let read = loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => break done,
            }
        };
        let count = *read.as_ref().unwrap_or(&0);
        self.end += count;
        self.ended = count == 0;
        read.map_err(SourceError::Io)
    }
}

fn zstd_fault(code: usize) -> Damage {
    match get_error_name(code) {
        "Restored data doesn't match checksum" => Damage::Checksum,
        reason => Damage::Compression { reason: reason.to_lowercase() },
    }
}
