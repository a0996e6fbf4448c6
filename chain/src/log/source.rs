//! Owns the reading end of frames: decompression, positions and checksums, and the end of a file: at a seal,
//! between frames, inside one, or in zeros. What the decompressed bytes mean is left to `reader.rs`.
//!
//! # Zeros at the end
//!
//! After a loss of power a file may have its length, and zeros from some point where its content did not
//! reach the disk. So zeros from some point to the end of the file are a torn tail, and no damage. But a
//! block, a checksum or a seal may end in zeros of its own. The zeros are therefore read as far as the block
//! that they begin in goes, with its frame's checksum if it is the last; what a block gives that needs them
//! is *in doubt* unless that checksum agrees.

use std::io::{self, Read};

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, get_error_name};

use super::error::Damage;
use super::format::{FrameRef, WINDOW_LOG_MAX};
use super::frame::{
    FrameScanner, MAGIC, MAX_SEAL_FRAME, SEAL_DESCRIPTOR, SealFrame, check_descriptor,
    decode_seal_before_zeros, is_plain,
};
use super::input::Input;

/// Most bytes of a block with its checksum.
const BLOCK_MAX: usize = (1 << 17) + 4;
/// The first bytes of a frame, which say what it is.
const HEAD: usize = MAGIC.len() + 1;
/// Most content of a frame that is decompressed at once.
const WHOLE_CONTENT: usize = 1 << 21;
/// Room for decompressed bytes per step: a zstd block.
pub(super) const STEP: usize = 1 << 17;

/// What a step brought.
#[derive(Debug)]
pub(super) enum SourceStep {
    /// Decompressed bytes were added.
    Data,
    /// The frame ended, and its checksum agreed.
    FrameEnd(FrameRef),
    /// The file ends here, with a seal of this content, whose frame begins at this position.
    Seal { offset: u64, content: Vec<u8> },
    /// The file ends here, without a seal.
    End(UnsealedEnd),
}

/// Where in a frame a file without a seal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnsealedEnd {
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

/// Reads frames and decompresses them. Its memory is one buffer of bounded size and zstd's window.
pub(super) struct FrameSource<R> {
    input: Input<R>,
    /// Position in the file of the first byte that is not consumed.
    offset: u64,
    context: DCtx<'static>,
    frame: Option<InputFrame>,
    finished: Option<FrameRef>,
}

struct InputFrame {
    offset: u64,
    crc: u32,
    scanner: FrameScanner,
    /// The last step filled its room, so zstd may have more without new input.
    pending: bool,
    zeros: Zeros,
}

/// What the zeros at the end of the file have to do with the open frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zeros {
    /// Nothing so far.
    Unread,
    /// Its last block ends in them, and decompressed.
    InDoubt,
    /// Its last block would end in them, but does not decompress, or the checksum after it is wrong.
    Torn,
}

impl<R: Read> FrameSource<R> {
    pub(super) fn new(input: R) -> Result<Self, Damage> {
        let mut context = DCtx::try_create()
            .ok_or_else(|| Damage::Compression { reason: "no memory for a decompressor".into() })?;
        context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(zstd_fault)?;
        Ok(Self { input: Input::new(input), offset: 0, context, frame: None, finished: None })
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
        Ok(self.input.peek().map_err(SourceError::Io)?.is_empty() && self.input.zeros_at_end() == 0)
    }

    /// The next bytes, as far as they were read. Consumes nothing.
    pub(super) fn head(&self) -> &[u8] {
        self.input.shown()
    }

    /// Whether what the last step brought may differ from what was written, for it needed the zeros that the
    /// file ends with, and no checksum has confirmed it.
    pub(super) fn in_doubt(&self) -> bool {
        self.frame.as_ref().is_some_and(|open| open.zeros != Zeros::Unread)
    }

    /// Goes on: decompressed bytes are appended to `out`.
    pub(super) fn step(&mut self, out: &mut Vec<u8>) -> Result<SourceStep, SourceError> {
        if let Some(frame) = self.finished.take() {
            return Ok(SourceStep::FrameEnd(frame));
        }
        if self.frame.is_none() {
            if let Some(last) = self.begin_frame()? {
                return Ok(last);
            }
            if self.whole_frame(out)? {
                return Ok(SourceStep::Data);
            }
        }
        loop {
            let Some(open) = &mut self.frame else { return Ok(SourceStep::End(UnsealedEnd::BetweenFrames)) };
            let rest = self.input.peek().map_err(SourceError::Io)?;
            if rest.is_empty() && !open.pending {
                return Ok(self.step_into_zeros(out));
            }
            let before = out.len();
            let (consumed, is_done) = open.decompress(&mut self.context, rest, out)?;
            self.input.take(consumed);
            self.consumed(consumed, is_done);
            if out.len() > before {
                return Ok(SourceStep::Data);
            }
            if let Some(frame) = self.finished.take() {
                return Ok(SourceStep::FrameEnd(frame));
            }
        }
    }

    /// Looks at a frame's first bytes. Returns a step if the file ends here, with or without a seal.
    fn begin_frame(&mut self) -> Result<Option<SourceStep>, SourceError> {
        let offset = self.offset;
        let head = self.input.peek_at_least(HEAD).map_err(SourceError::Io)?;
        if head.is_empty() {
            let end = match self.input.zeros_at_end() {
                0 => UnsealedEnd::BetweenFrames,
                _ => UnsealedEnd::InsideFrame { frame_offset: offset },
            };
            return Ok(Some(self.end(end)));
        }
        let known = head.len().min(MAGIC.len());
        if head[..known] != MAGIC[..known] {
            return Err(Damage::NoFrame.into());
        }
        match head.get(MAGIC.len()).copied() {
            None => Ok(Some(self.end(UnsealedEnd::InsideFrame { frame_offset: offset }))),
            Some(SEAL_DESCRIPTOR) => self.read_seal().map(Some),
            Some(descriptor) => {
                check_descriptor(descriptor)?;
                let scanner = FrameScanner::new(descriptor);
                let zeros = Zeros::Unread;
                self.frame = Some(InputFrame { offset, crc: 0, scanner, pending: false, zeros });
                Ok(None)
            }
        }
    }

    /// Decompresses the open frame at once, if all of it can be looked at, and nothing is wrong with it. That
    /// is what there is to most frames, and spares the window in between; every other is decompressed step by
    /// step.
    fn whole_frame(&mut self, out: &mut Vec<u8>) -> Result<bool, SourceError> {
        let Some(open) = &self.frame else { return Ok(false) };
        let mut scanner = open.scanner.clone();
        let mut length = 0;
        while !scanner.is_done() {
            // What is there before a fault of the input is handed out first, step by step.
            let Ok(known) = self.input.peek_at_least(length + 1) else { return Ok(false) };
            match known.get(length..) {
                Some(rest) if !rest.is_empty() => length += scanner.feed(rest),
                _ => return Ok(false),
            }
        }
        let frame = &self.input.peek().map_err(SourceError::Io)?[..length];
        if !is_plain(frame) || !out.is_empty() {
            return Ok(false);
        }
        out.reserve_exact(scanner.most_content().min(WHOLE_CONTENT));
        if self.context.decompress(out, frame).is_err() || out.is_empty() {
            out.clear();
            self.context.reset(ResetDirective::SessionOnly).map_err(zstd_fault)?;
            return Ok(false);
        }
        let crc32c = crc32c::crc32c(frame);
        self.finished = Some(FrameRef { offset: self.offset, length: length as u64, crc32c });
        self.frame = None;
        self.input.take(length);
        self.offset += length as u64;
        Ok(true)
    }

    /// Goes on by `count` bytes, after which the frame is at its end or not.
    fn consumed(&mut self, count: usize, is_done: bool) {
        self.offset += count as u64;
        if is_done && let Some(open) = self.frame.take() {
            let (offset, crc32c) = (open.offset, open.crc);
            self.finished = Some(FrameRef { offset, length: self.offset - offset, crc32c });
        }
    }

    /// The step where nothing is left, or zeros alone: to the end of the block that they begin in.
    fn step_into_zeros(&mut self, out: &mut Vec<u8>) -> SourceStep {
        let zeros = self.input.zeros_at_end();
        let Some(open) = &mut self.frame else { return self.end(UnsealedEnd::BetweenFrames) };
        let frame_offset = open.offset;
        let wanted = open.scanner.zeros_to_block_end().unwrap_or(0);
        if wanted == 0 || wanted > BLOCK_MAX || zeros < wanted as u64 || open.zeros != Zeros::Unread {
            let is_flushed = zeros == 0 && open.zeros != Zeros::Torn && open.scanner.is_after_block();
            let end = if is_flushed {
                UnsealedEnd::AfterBlock { frame_offset }
            } else {
                UnsealedEnd::InsideFrame { frame_offset }
            };
            return self.end(end);
        }
        open.zeros = Zeros::InDoubt;
        self.input.take_zeros(wanted as u64);
        let zeros = vec![0; wanted];
        let mut rest = &zeros[..];
        let before = out.len();
        while let Some(open) = &mut self.frame
            && (!rest.is_empty() || open.pending)
        {
            let (consumed, is_done) = open.decompress(&mut self.context, rest, out).unwrap_or_else(|_| {
                (open.zeros, open.pending) = (Zeros::Torn, false);
                (rest.len(), false)
            });
            rest = &rest[consumed..];
            self.consumed(consumed, is_done);
        }
        if out.len() > before {
            return SourceStep::Data;
        }
        match self.finished.take() {
            Some(frame) => SourceStep::FrameEnd(frame),
            None => self.end(UnsealedEnd::InsideFrame { frame_offset }),
        }
    }

    /// The end of the file: what zeros are left count as read.
    fn end(&mut self, end: UnsealedEnd) -> SourceStep {
        let zeros = self.input.zeros_at_end();
        self.input.take_zeros(zeros);
        self.offset += zeros;
        SourceStep::End(end)
    }

    /// The seal is the last thing in a file: takes the rest of it, but no more than a seal can have.
    fn read_seal(&mut self) -> Result<SourceStep, SourceError> {
        let offset = self.offset;
        let mut frame = Vec::new();
        while frame.len() <= MAX_SEAL_FRAME {
            let rest = self.input.peek().map_err(SourceError::Io)?;
            if rest.is_empty() {
                break;
            }
            let count = rest.len().min(MAX_SEAL_FRAME + 1 - frame.len());
            frame.extend_from_slice(&rest[..count]);
            self.input.take(count);
        }
        let length = frame.len() as u64;
        let seal = decode_seal_before_zeros(frame, self.input.zeros_at_end())?;
        self.offset += length;
        Ok(match seal {
            SealFrame::Whole(content) => {
                self.end(UnsealedEnd::BetweenFrames);
                SourceStep::Seal { offset, content }
            }
            SealFrame::Short => self.end(UnsealedEnd::InsideFrame { frame_offset: offset }),
            SealFrame::Trailing(length) => return Err(SourceError::Trailing(offset + length as u64)),
        })
    }
}

impl InputFrame {
    /// Decompresses what it can of `rest`. Returns how much of it is done with, and whether the frame is at
    /// its end.
    fn decompress(
        &mut self,
        context: &mut DCtx<'static>,
        rest: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(usize, bool), Damage> {
        let before = out.len();
        out.reserve(STEP);
        // No further than the part of the frame goes, so that what a block holds is handed out before what is
        // wrong after it is reported, however the input came.
        let rest = &rest[..rest.len().min(self.scanner.missing())];
        let mut input = InBuffer::around(rest);
        let mut output = OutBuffer::around_pos(out, before);
        let hint = context.decompress_stream(&mut output, &mut input).map_err(zstd_fault)?;
        let consumed = &rest[..input.pos()];
        self.crc = crc32c::crc32c_append(self.crc, consumed);
        self.scanner.feed(consumed);
        self.pending = out.len() == out.capacity();
        if consumed.is_empty() && out.len() == before && !rest.is_empty() {
            return Err(Damage::Compression { reason: "no progress".into() });
        }
        Ok((consumed.len(), hint == 0))
    }
}

fn zstd_fault(code: usize) -> Damage {
    match get_error_name(code) {
        "Restored data doesn't match checksum" => Damage::Checksum,
        reason => Damage::Compression { reason: reason.to_lowercase() },
    }
}
