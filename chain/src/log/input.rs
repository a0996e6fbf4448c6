//! Owns the bulk reading of a file, and holds zeros back until something follows them: those that nothing
//! follows may be space that a machine gave the file, and lost power before it filled it. What they mean is
//! left to `source.rs`.

use std::io::{self, Read};

/// Bytes asked for at once.
const READ_AHEAD: usize = 1 << 18;
/// Most bytes that can be looked at at once.
const BUFFER: usize = 1 << 22;

/// Zeros that stand for those that are only counted.
const ZEROS: [u8; 1 << 12] = [0; 1 << 12];

/// Reads a file without the zeros that it ends with, which are counted. Its memory is one buffer, which grows
/// to a bound as what is looked at does.
pub(super) struct Input<R> {
    input: R,
    buffer: Vec<u8>,
    /// The part of `buffer` that was read and is not taken; its last byte is not zero. After it, up to
    /// `filled`, are zeros that nothing has followed yet.
    start: usize,
    end: usize,
    filled: usize,
    /// Zeros that come before that part, and are not in the buffer.
    zeros: u64,
    ended: bool,
}

impl<R: Read> Input<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; READ_AHEAD], start: 0, end: 0, filled: 0, zeros: 0, ended: false }
    }

    /// The next bytes, which stay until they are taken; none when nothing but zeros is left.
    pub(super) fn peek(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.fill()?;
        }
        Ok(self.shown())
    }

    /// The next bytes, at least `count` unless the file ends or no more can be shown.
    pub(super) fn peek_at_least(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.shown().len() < count && self.fill()? {}
        Ok(self.shown())
    }

    /// The next bytes, as far as they were read.
    pub(super) fn shown(&self) -> &[u8] {
        match self.zeros {
            zeros if zeros > 0 && self.start < self.end => {
                &ZEROS[..usize::try_from(zeros).map_or(ZEROS.len(), |zeros| zeros.min(ZEROS.len()))]
            }
            _ => &self.buffer[self.start..self.end],
        }
    }

    /// Takes `count` of the bytes that were just shown.
    pub(super) fn take(&mut self, count: usize) {
        if self.zeros > 0 {
            self.zeros -= count as u64;
        } else {
            self.start += count;
        }
    }

    /// The zeros that the file ends with and that were not taken; none before its end is reached.
    pub(super) fn zeros_at_end(&self) -> u64 {
        if self.ended && self.start == self.end { self.zeros + (self.filled - self.end) as u64 } else { 0 }
    }

    /// Takes zeros from the file's end; there must be `count` of them.
    pub(super) fn take_zeros(&mut self, count: u64) {
        self.count_zeros();
        self.zeros -= count;
    }

    /// Counts the zeros in the buffer, of which nothing else is left, and empties it.
    fn count_zeros(&mut self) {
        self.zeros += (self.filled - self.end) as u64;
        (self.start, self.end, self.filled) = (0, 0, 0);
    }

    /// Makes room after what is there: in place of what was taken, or by growing. Returns whether there is
    /// any.
    fn make_room(&mut self) -> bool {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.end -= self.start;
            self.filled -= self.start;
            self.start = 0;
        } else if self.buffer.len() < BUFFER {
            self.buffer.resize(BUFFER.min(self.buffer.len() * 4), 0);
        } else {
            return false;
        }
        true
    }

    /// Reads more after what is there. Returns whether there is more to show.
    fn fill(&mut self) -> io::Result<bool> {
        while !self.ended {
            if self.start == self.end {
                self.count_zeros();
            } else if self.filled == self.buffer.len() && !self.make_room() {
                return Ok(false);
            }
            let room = self.buffer.len().min(self.filled + READ_AHEAD);
            let read = match self.input.read(&mut self.buffer[self.filled..room]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.ended = read == 0;
            let from = self.filled;
            self.filled += read;
            if let Some(last) = self.buffer[from..self.filled].iter().rposition(|&byte| byte != 0) {
                self.end = from + last + 1;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
