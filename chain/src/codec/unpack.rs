//! Owns the reading of MessagePack primitives, strictly: every integer and length must be in its shortest form, as `pack.rs`
//! writes it. What the pieces mean is left to the callers: values, payloads and the log's records.

/// Reads one object after the other from bytes that may end too early.
#[derive(Clone, Debug)]
pub(crate) struct Unpacker<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// Why there is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnpackError {
    /// The bytes end within it.
    Short,
    /// Something else is there than this.
    Other(&'static str),
    /// An integer or a length that has a shorter form.
    Overlong,
}

impl<'a> Unpacker<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Unpacker { bytes, position: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes that are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The next byte, which is not read yet.
    pub fn peek(&self) -> Result<u8, UnpackError> {
        self.bytes.get(self.position).copied().ok_or(UnpackError::Short)
    }

    /// Reads a byte.
    pub fn byte(&mut self) -> Result<u8, UnpackError> {
        let byte = self.peek()?;
        self.position += 1;
        Ok(byte)
    }

    /// Reads so many bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], UnpackError> {
        let taken = self.bytes[self.position..].get(..len).ok_or(UnpackError::Short)?;
        self.position += len;
        Ok(taken)
    }

    /// Reads so many bytes as a number.
    pub fn big_endian(&mut self, len: usize) -> Result<u64, UnpackError> {
        Ok(self.take(len)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    /// Reads nil, if it comes next.
    pub fn nil(&mut self) -> Result<bool, UnpackError> {
        let is_nil = self.peek()? == 0xc0;
        self.position += usize::from(is_nil);
        Ok(is_nil)
    }

    /// Reads an integer that is not negative.
    pub fn unsigned(&mut self) -> Result<u64, UnpackError> {
        match self.byte()? {
            marker @ 0..=0x7f => Ok(marker.into()),
            0xcc => self.at_least(1, 0x80),
            0xcd => self.at_least(2, 1 << 8),
            0xce => self.at_least(4, 1 << 16),
            0xcf => self.at_least(8, 1 << 32),
            _ => Err(UnpackError::Other("an unsigned integer")),
        }
    }

    /// Reads an integer below zero, or one that is not.
    pub fn signed(&mut self) -> Result<i64, UnpackError> {
        let wide = |bits: u64, width: usize| (bits << (64 - width)) as i64 >> (64 - width);
        let (value, shorter) = match self.peek()? {
            marker @ 0xe0..=0xff => {
                self.position += 1;
                return Ok((marker as i8).into());
            }
            marker @ 0xd0..=0xd3 => {
                self.position += 1;
                let bytes = 1 << (marker - 0xd0);
                let value = wide(self.big_endian(bytes)?, 8 * bytes);
                (value, [-32, -(1 << 7), -(1 << 15), -(1 << 31)][usize::from(marker - 0xd0)])
            }
            _ => {
                let value = self.unsigned()?;
                return i64::try_from(value).or(Err(UnpackError::Other("a signed integer")));
            }
        };
        if value < shorter { Ok(value) } else { Err(UnpackError::Overlong) }
    }

    /// Reads the header of an array: how many elements follow.
    pub fn array_header(&mut self) -> Result<usize, UnpackError> {
        match self.byte()? {
            marker @ 0x90..=0x9f => Ok((marker & 0x0f).into()),
            0xdc => self.length(2, 16),
            0xdd => self.length(4, 1 << 16),
            _ => Err(UnpackError::Other("an array")),
        }
    }

    /// Reads the header of a map: how many entries follow.
    pub fn map_header(&mut self) -> Result<usize, UnpackError> {
        match self.byte()? {
            marker @ 0x80..=0x8f => Ok((marker & 0x0f).into()),
            0xde => self.length(2, 16),
            0xdf => self.length(4, 1 << 16),
            _ => Err(UnpackError::Other("a map")),
        }
    }

    /// Reads the header of a string: how many bytes follow.
    pub fn string_header(&mut self) -> Result<usize, UnpackError> {
        match self.byte()? {
            marker @ 0xa0..=0xbf => Ok((marker & 0x1f).into()),
            0xd9 => self.length(1, 32),
            0xda => self.length(2, 1 << 8),
            0xdb => self.length(4, 1 << 16),
            _ => Err(UnpackError::Other("a string")),
        }
    }

    /// Reads the content of a string of so many bytes.
    pub fn text(&mut self, len: usize) -> Result<&'a str, UnpackError> {
        let start = self.position;
        str::from_utf8(self.take(len)?).map_err(|_| {
            self.position = start;
            UnpackError::Other("a string in UTF-8")
        })
    }

    /// Reads a string.
    pub fn string(&mut self) -> Result<&'a str, UnpackError> {
        let len = self.string_header()?;
        self.text(len)
    }

    /// Reads the header of a byte string: how many bytes follow.
    pub fn binary_header(&mut self) -> Result<usize, UnpackError> {
        match self.byte()? {
            0xc4 => self.length(1, 0),
            0xc5 => self.length(2, 1 << 8),
            0xc6 => self.length(4, 1 << 16),
            _ => Err(UnpackError::Other("a byte string")),
        }
    }

    fn length(&mut self, bytes: usize, least: u64) -> Result<usize, UnpackError> {
        // Four bytes at most.
        self.at_least(bytes, least).map(|length| length as usize)
    }

    fn at_least(&mut self, bytes: usize, least: u64) -> Result<u64, UnpackError> {
        let value = self.big_endian(bytes)?;
        if value < least { Err(UnpackError::Overlong) } else { Ok(value) }
    }
}
