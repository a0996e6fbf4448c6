//! Owns the way from canonical MessagePack to a [`Value`], and what payloads share with it: one pass that
//! refuses what this crate would not have written, with the byte where the fault shows. The way out is in
//! `payload_codec.rs`.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::count::check_values;
use crate::codec::encoding::DecodeError;
use crate::codec::unpack::{Kind, UnpackError, Unpacker};
use crate::model::limits::MAX_DECODE_DEPTH;
use crate::model::value::{Value, doubled_key};

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

    /// Reads one object; its faults name the place where it begins.
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

    /// What kind of object comes next.
    pub fn kind(&mut self) -> Result<Kind, DecodeError> {
        self.read(|unpacker| unpacker.kind())
    }

    /// Reads the key that must come.
    pub fn key(&mut self, key: &'static str) -> Result<(), DecodeError> {
        let offset = self.offset();
        if self.read(Unpacker::string)? == key {
            return Ok(());
        }
        Err(DecodeError::Shape { offset, reason: format!("expected the field `{key}`") })
    }

    /// Reads the header of a map that must have `count` fields.
    pub fn fields(&mut self, count: usize) -> Result<(), DecodeError> {
        let offset = self.offset();
        let found = self.read(Unpacker::map_header)?;
        if found == count {
            return Ok(());
        }
        Err(DecodeError::Shape { offset, reason: format!("expected {count} fields, found {found}") })
    }

    /// Reads an array of values.
    pub fn values(&mut self) -> Result<Vec<Value>, DecodeError> {
        let count = self.read(Unpacker::array_header)?;
        self.elements(count, 1, Self::value)
    }

    /// Reads the next value.
    pub fn value(&mut self) -> Result<Value, DecodeError> {
        Ok(match self.kind()? {
            Kind::Unsigned => Value::Unsigned(self.read(Unpacker::unsigned)?),
            Kind::Negative => Value::Negative(self.read(Unpacker::signed)?),
            Kind::Map => self.nested(Self::record)?,
            Kind::Array => self.nested(|decoder| decoder.values().map(Value::List))?,
            Kind::String => Value::String(self.read(Unpacker::string)?.to_owned()),
            Kind::Binary => Value::Bytes(self.bytes()?),
            Kind::Nil => self.scalar(Value::None)?,
            Kind::False => self.scalar(Value::Bool(false))?,
            Kind::True => self.scalar(Value::Bool(true))?,
            Kind::Float32 => Value::F32(self.read(Unpacker::float32)?),
            Kind::Float64 => Value::F64(self.read(Unpacker::float64)?),
            Kind::Other => Value::Handle(self.read(Unpacker::handle)?),
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
        let bytes = self.read(Unpacker::binary)?;
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

    /// Reads `count` elements of at least `least` bytes each; a count that cannot be true asks for no memory.
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
