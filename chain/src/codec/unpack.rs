//! Owns the reading of MessagePack primitives, strictly: every integer and length must be in its shortest
//! form, as `pack.rs` writes it. It is the only reader that knows MessagePack's markers. What the pieces mean
//! is left to the callers: values, payloads and the log's records.

use crate::model::value::HANDLE_EXTENSION;

/// Reads one object after the other from bytes that may end too early.
#[derive(Clone, Debug)]
pub(crate) struct Unpacker<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// What comes next, as its first byte says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nil,
    False,
    True,
    Unsigned,
    Negative,
    Float32,
    Float64,
    String,
    Binary,
    Array,
    Map,
    /// An extension, or the one byte that MessagePack does not use.
    Other,
}

/// The front of an object, of which only the size is looked at: it may be overlong.
pub(crate) struct Front {
    /// Elements of an array, or entries of a map.
    pub elements: usize,
    /// Keys of a map.
    pub keys: usize,
}

/// Why there is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnpackError {
    /// The bytes end within it.
    Short,
    /// It is not what this says.
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

    /// What comes next.
    pub fn kind(&self) -> Result<Kind, UnpackError> {
        Ok(match self.peek()? {
            0x00..=0x7f | 0xcc..=0xcf => Kind::Unsigned,
            0x80..=0x8f | 0xde | 0xdf => Kind::Map,
            0x90..=0x9f | 0xdc | 0xdd => Kind::Array,
            0xa0..=0xbf | 0xd9..=0xdb => Kind::String,
            0xc0 => Kind::Nil,
            0xc2 => Kind::False,
            0xc3 => Kind::True,
            0xc4..=0xc6 => Kind::Binary,
            0xca => Kind::Float32,
            0xcb => Kind::Float64,
            0xd0..=0xd3 | 0xe0..=0xff => Kind::Negative,
            0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8 => Kind::Other,
        })
    }

    /// Skips an object up to its first element, or to its end if it has none. `None` if the bytes end within
    /// it, or are not MessagePack.
    #[inline]
    pub fn skip_front(&mut self) -> Option<Front> {
        let marker = self.byte().ok()?;
        // Most are one byte: the replayer counts the values of every event.
        if matches!(marker, 0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..) {
            return Some(Front { elements: 0, keys: 0 });
        }
        // A length in this many bytes after the marker.
        let mut length = |width: usize| self.big_endian(width).ok().map(|length| length as usize);
        let (content, elements, keys) = match marker {
            0x80..=0x8f => (0, usize::from(marker & 0x0f), usize::from(marker & 0x0f)),
            0x90..=0x9f => (0, usize::from(marker & 0x0f), 0),
            0xa0..=0xbf => (usize::from(marker & 0x1f), 0, 0),
            0xc1 => return None,
            0xc4 | 0xd9 => (length(1)?, 0, 0),
            0xc5 | 0xda => (length(2)?, 0, 0),
            0xc6 | 0xdb => (length(4)?, 0, 0),
            // Extensions have a type after the length.
            0xc7 => (length(1)? + 1, 0, 0),
            0xc8 => (length(2)? + 1, 0, 0),
            0xc9 => (length(4)?.saturating_add(1), 0, 0),
            0xcc | 0xd0 => (1, 0, 0),
            0xcd | 0xd1 => (2, 0, 0),
            0xca | 0xce | 0xd2 => (4, 0, 0),
            0xcb | 0xcf | 0xd3 => (8, 0, 0),
            0xd4..=0xd8 => (1 + (1 << (marker - 0xd4)), 0, 0),
            0xdc => (0, length(2)?, 0),
            0xdd => (0, length(4)?, 0),
            0xde => length(2).map(|entries| (0, entries, entries))?,
            0xdf => length(4).map(|entries| (0, entries, entries))?,
            _ => (0, 0, 0),
        };
        // What is cut off in its content counts; nothing comes after it.
        self.position = self.position.saturating_add(content).min(self.bytes.len());
        Some(Front { elements, keys })
    }

    /// Reads a byte.
    pub fn byte(&mut self) -> Result<u8, UnpackError> {
        let byte = self.peek()?;
        self.position += 1;
        Ok(byte)
    }

    /// Reads `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], UnpackError> {
        let taken = self.bytes[self.position..].get(..len).ok_or(UnpackError::Short)?;
        self.position += len;
        Ok(taken)
    }

    /// Reads `len` bytes as a number.
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

    /// Reads the content of a string of `len` bytes.
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

    /// Reads a byte string.
    pub fn binary(&mut self) -> Result<&'a [u8], UnpackError> {
        let len = self.binary_header()?;
        self.take(len)
    }

    /// Reads the bits of a 32-bit float.
    pub fn float32(&mut self) -> Result<u32, UnpackError> {
        match self.byte()? {
            0xca => self.big_endian(4).map(|bits| bits as u32),
            _ => Err(UnpackError::Other("a 32-bit float")),
        }
    }

    /// Reads the bits of a 64-bit float.
    pub fn float64(&mut self) -> Result<u64, UnpackError> {
        match self.byte()? {
            0xcb => self.big_endian(8),
            _ => Err(UnpackError::Other("a 64-bit float")),
        }
    }

    /// Reads a handle: extension type 1 with four bytes.
    pub fn handle(&mut self) -> Result<u32, UnpackError> {
        let is_handle = match self.byte()? {
            0xd6 => self.byte()? == HANDLE_EXTENSION as u8,
            // A handle in an extension of any length.
            0xc7..=0xc9 => return Err(UnpackError::Overlong),
            _ => false,
        };
        if !is_handle {
            return Err(UnpackError::Other(
                "a value; of extensions only handles (type 1, four bytes) are known",
            ));
        }
        self.big_endian(4).map(|id| id as u32)
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
