//! Owns the bulk reading of a file, and holds zeros back until something follows them: those that nothing follows may be
//! space that a machine gave the file, and lost power before it filled it. What they mean is left to `source.rs`.

use std::io::{self, Read};

/// Bytes asked for at once.
const READ_AHEAD: usize = 1 << 18;

/// Zeros that stand for those that are only counted.
const ZEROS: [u8; 1 << 12] = [0; 1 << 12];

/// Reads a file without the zeros that it ends with, which are counted. Its memory is one fixed buffer.
pub(super) struct Input<R> {
    input: R,
    buffer: Box<[u8]>,
    /// The part of `buffer` that was read and is not taken. Its last byte is not zero.
    start: usize,
    end: usize,
    /// Zeros that come before that part...
    zeros_before: u64,
    /// ...and those after it that nothing has followed yet.
    zeros_after: u64,
    ended: bool,
}

impl<R: Read> Input<R> {
    pub(super) fn new(input: R) -> Self {
        let buffer = vec![0; READ_AHEAD].into_boxed_slice();
        Self { input, buffer, start: 0, end: 0, zeros_before: 0, zeros_after: 0, ended: false }
    }

    /// The next bytes, which stay until they are taken; none when nothing but zeros is left.
    pub(super) fn peek(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end && !self.ended {
            self.refill()?;
        }
        if self.start < self.end && self.zeros_before > 0 {
            let count =
                usize::try_from(self.zeros_before).map_or(ZEROS.len(), |zeros| zeros.min(ZEROS.len()));
            return Ok(&ZEROS[..count]);
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Takes so many of the bytes that were just shown.
    pub(super) fn take(&mut self, count: usize) {
        if self.zeros_before > 0 {
            self.zeros_before -= count as u64;
        } else {
            self.start += count;
        }
    }

    /// The zeros that the file ends with and that were not taken; none before its end is reached.
    pub(super) fn zeros_at_end(&self) -> u64 {
        if self.ended && self.start == self.end { self.zeros_after } else { 0 }
    }

    /// Takes zeros from the file's end; there must be as many.
    pub(super) fn take_zeros(&mut self, count: u64) {
        self.zeros_after -= count;
    }

    fn refill(&mut self) -> io::Result<()> {
        let read = loop {
            match self.input.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => break done?,
            }
        };
        self.ended = read == 0;
        match self.buffer[..read].iter().rposition(|&byte| byte != 0) {
            Some(last) => {
                (self.start, self.end) = (0, last + 1);
                self.zeros_before = self.zeros_after;
                self.zeros_after = (read - self.end) as u64;
            }
            None => self.zeros_after += read as u64,
        }
        Ok(())
    }
}
