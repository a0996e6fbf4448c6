//! Owns the way from canonical MessagePack to a [`Value`], and what payloads share with it: one pass that refuses what this
//! crate would not have written, with the byte where the fault shows. The way out is in `payload_codec.rs`.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::count::check_values;
use crate::codec::encoding::DecodeError;
use crate::codec::unpack::{UnpackError, Unpacker};
use crate::model::limits::MAX_DECODE_DEPTH;
use crate::model::value::{HANDLE_EXTENSION, Value, doubled_key};

/// Byte strings from this length on share the memory of the event that holds them.
const SHARED: usize = 1 << 10;

impl Value {
    /// Reads the value whose canonical form the bytes are.
    ///
    /// # Errors
    /// [`DecodeError`] if they are anything else, or hold more than [`MAX_VALUES`](crate::MAX_VALUES).
    pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
        check_values(bytes).map_err(|offset| DecodeError::TooManyValues { offset })?;
        let mut decoder = Decoder::new(bytes);
        let value = decoder.value()?;
        decoder.finish()?;
        Ok(value)
    }
}

/// Decodes a payload or a value from front to back.
pub(crate) struct Decoder<'a> {
    unpacker: Unpacker<'a>,
    /// What owns the bytes, if it can be shared.
    owner: Option<&'a Bytes>,
    len: usize,
    depth: usize,
}

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Decoder { unpacker: Unpacker::new(bytes), owner: None, len: bytes.len(), depth: 0 }
    }

    /// A decoder whose long byte strings share the memory of `bytes`.
    pub fn sharing(bytes: &'a Bytes) -> Self {
        Decoder { owner: Some(bytes), ..Decoder::new(bytes) }
    }

    /// Where the next object begins.
    pub fn offset(&self) -> u64 {
        self.unpacker.position() as u64
    }

    /// Reads one object; its faults are told with the place where it begins.
    pub fn read<T>(
        &mut self,
        read: impl FnOnce(&mut Unpacker<'a>) -> Result<T, UnpackError>,
    ) -> Result<T, DecodeError> {
        let offset = self.offset();
        read(&mut self.unpacker).map_err(|error| match error {
            UnpackError::Short => DecodeError::Truncated { offset, len: self.len as u64 },
            UnpackError::Other(expected) => DecodeError::Syntax { offset, expected },
            UnpackError::Overlong => DecodeError::NotCanonical { offset },
        })
    }

    /// Reads the key that must come.
    pub fn key(&mut self, key: &'static str) -> Result<(), DecodeError> {
        let offset = self.offset();
        if self.read(Unpacker::string)? == key {
            return Ok(());
        }
        Err(DecodeError::Shape { offset, reason: format!("the field `{key}` must come here") })
    }

    /// Reads the header of a map that must have so many fields.
    pub fn fields(&mut self, count: usize) -> Result<(), DecodeError> {
        let offset = self.offset();
        let found = self.read(Unpacker::map_header)?;
        if found == count {
            return Ok(());
        }
        Err(DecodeError::Shape { offset, reason: format!("{found} fields where {count} must be") })
    }

    /// Reads an array of values.
    pub fn values(&mut self) -> Result<Vec<Value>, DecodeError> {
        let count = self.read(Unpacker::array_header)?;
        self.elements(count, 1, Self::value)
    }

    /// Reads the next value.
    pub fn value(&mut self) -> Result<Value, DecodeError> {
        let marker = self.read(|unpacker| unpacker.peek())?;
        Ok(match marker {
            0x00..=0x7f | 0xcc..=0xcf => Value::Unsigned(self.read(Unpacker::unsigned)?),
            0xd0..=0xd3 | 0xe0..=0xff => Value::Negative(self.read(Unpacker::signed)?),
            0x80..=0x8f | 0xde | 0xdf => self.nested(Self::record)?,
            0x90..=0x9f | 0xdc | 0xdd => self.nested(|decoder| decoder.values().map(Value::List))?,
            0xa0..=0xbf | 0xd9..=0xdb => Value::String(self.read(Unpacker::string)?.to_owned()),
            0xc4..=0xc6 => Value::Bytes(self.bytes()?),
            0xc0 => self.scalar(Value::None)?,
            0xc2 => self.scalar(Value::Bool(false))?,
            0xc3 => self.scalar(Value::Bool(true))?,
            0xca => Value::F32(self.read(|unpacker| float(unpacker, 4))? as u32),
            0xcb => Value::F64(self.read(|unpacker| float(unpacker, 8))?),
            _ => Value::Handle(self.read(handle)?),
        })
    }

    /// Sees to it that nothing follows.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.unpacker.remaining() {
            0 => Ok(()),
            extra => Err(DecodeError::Trailing { offset: self.offset(), extra: extra as u64 }),
        }
    }

    fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let bytes = self.read(binary)?;
        Ok(match self.owner {
            Some(owner) if bytes.len() >= SHARED => owner.slice_ref(bytes),
            _ => Bytes::copy_from_slice(bytes),
        })
    }

    fn scalar(&mut self, value: Value) -> Result<Value, DecodeError> {
        self.read(Unpacker::byte).map(|_| value)
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value, DecodeError>,
    ) -> Result<Value, DecodeError> {
        if self.depth >= MAX_DECODE_DEPTH {
            return Err(DecodeError::TooDeep { offset: self.offset() });
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn record(&mut self) -> Result<Value, DecodeError> {
        let offset = self.offset();
        let count = self.read(Unpacker::map_header)?;
        let fields = self.elements(count, 2, |decoder| {
            let name: Arc<str> = decoder.read(Unpacker::string)?.into();
            Ok((name, decoder.value()?))
        })?;
        match doubled_key(&fields) {
            None => Ok(Value::Record(fields)),
            Some(key) => Err(DecodeError::DuplicateKey { offset, key: key.to_owned() }),
        }
    }

    /// Reads so many elements of at least so many bytes each; a count that cannot be true asks for no memory.
    fn elements<T>(
        &mut self,
        count: usize,
        least: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        if count > self.unpacker.remaining() / least {
            return Err(DecodeError::Truncated { offset: self.offset(), len: self.len as u64 });
        }
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(read(self)?);
        }
        Ok(elements)
    }
}

/// Reads a byte string.
fn binary<'a>(unpacker: &mut Unpacker<'a>) -> Result<&'a [u8], UnpackError> {
    let len = unpacker.binary_header()?;
    unpacker.take(len)
}

/// Reads the bits of a float of so many bytes.
fn float(unpacker: &mut Unpacker<'_>, bytes: usize) -> Result<u64, UnpackError> {
    unpacker.byte()?;
    unpacker.big_endian(bytes)
}

/// Reads extension type 1 with four bytes.
fn handle(unpacker: &mut Unpacker<'_>) -> Result<u32, UnpackError> {
    let is_handle = match unpacker.byte()? {
        0xd6 => unpacker.byte()? == HANDLE_EXTENSION as u8,
        // A handle in an extension of any length.
        0xc7..=0xc9 => return Err(UnpackError::Overlong),
        _ => false,
    };
    if !is_handle {
        return Err(UnpackError::Other("a value; of extensions only handles (type 1, four bytes) are known"));
    }
    unpacker.big_endian(4).map(|id| id as u32)
}
