//! Owns the canonical MessagePack of everything that goes through serde, and is the only file that knows
//! rmp-serde. The hand-made encoder of the hot path is in `payload_codec.rs`, and a test holds the two equal.
//!
//! Canonical means: what this crate itself would write. Reading therefore decodes, writes again, and
//! compares; an overlong integer, fields in another order, an unknown field or a byte too many are all
//! errors.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::limits::{MAX_DECODE_DEPTH, MAX_VALUES};

/// A value that could not be written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum EncodeError {
    /// The type's `Serialize` refused, or it nests too deep.
    #[error("cannot be written as MessagePack: {reason}")]
    Unsupported { reason: String },
}

/// Bytes that are not the canonical form of what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum DecodeError {
    /// The bytes end within an object.
    #[error("cut off: the object at byte {offset} goes on past the end, at {len}")]
    Truncated {
        /// Position in the bytes given, of the object that is cut off.
        offset: u64,
        len: u64,
    },
    /// Not MessagePack, or not the object that must be there.
    #[error("expected {expected} at byte {offset}")]
    Syntax {
        /// Position in the bytes given.
        offset: u64,
        expected: &'static str,
    },
    /// A map with the same key twice.
    #[error("the map at byte {offset} has the key `{key}` twice")]
    DuplicateKey {
        /// Position in the bytes given, of the map.
        offset: u64,
        key: String,
    },
    /// Fields, or values in them, that the type does not have.
    #[error("unexpected content at byte {offset}: {reason}")]
    Shape {
        /// Position in the bytes given.
        offset: u64,
        reason: String,
    },
    /// A payload of a kind that this format does not have.
    #[error("unknown kind of payload `{kind}`; the event is of a newer format, or of another program")]
    UnknownKind {
        /// The kind, cut to 40 characters.
        kind: String,
    },
    /// Nested deeper than [`MAX_DECODE_DEPTH`].
    #[error("nested deeper than {MAX_DECODE_DEPTH} at byte {offset}; no component value is that deep")]
    TooDeep {
        /// Position in the bytes given.
        offset: u64,
    },
    /// The data of an event with more than [`MAX_VALUES`].
    #[error("more than {MAX_VALUES} values, with those at byte {offset}; no recorder puts more in one event")]
    TooManyValues {
        /// Position in the bytes given, of the value that has one too many.
        offset: u64,
    },
    /// Decodes, but is written otherwise.
    #[error(
        "not canonical at byte {offset}; write integers and lengths in their shortest form and fields in order"
    )]
    NotCanonical {
        /// Position in the bytes given.
        offset: u64,
    },
    /// Canonical, with bytes after its end.
    #[error("{extra} bytes follow the end at byte {offset}")]
    Trailing { offset: u64, extra: u64 },
    /// The payload belongs to another event type.
    #[error("a payload `{payload}` does not belong to an event of type `{event_type}`")]
    WrongType { event_type: String, payload: &'static str },
    /// An export's response is something that only a host call can have.
    #[error("a `wasm-result` may only return or exit, not `{outcome}`")]
    WrongResponse { outcome: &'static str },
}

/// The canonical bytes of `value`: structs as maps in field order, everything in its shortest form.
///
/// # Errors
/// [`EncodeError::Unsupported`] if the type refuses or nests deeper than rmp-serde allows.
pub fn to_canonical_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    write_canonical(value, &mut out).map_err(|e| EncodeError::Unsupported { reason: e.to_string() })?;
    Ok(out)
}

/// Decodes `bytes`, which must be the canonical form of a `T` and nothing else.
///
/// # Errors
/// A [`DecodeError`] with the byte where the fault shows.
pub fn from_canonical_slice<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut decoder = rmp_serde::Deserializer::from_read_ref(bytes);
    decoder.set_max_depth(MAX_DECODE_DEPTH);
    let value = T::deserialize(&mut decoder).map_err(|e| locate::<T>(bytes, &e))?;

    let mut compare = Compare { expected: bytes, matched: 0 };
    match write_canonical(&value, &mut compare) {
        Ok(()) if compare.matched == bytes.len() => Ok(value),
        Ok(()) => Err(DecodeError::Trailing {
            offset: compare.matched as u64,
            extra: (bytes.len() - compare.matched) as u64,
        }),
        Err(_) => Err(DecodeError::NotCanonical { offset: compare.matched as u64 }),
    }
}

fn write_canonical<T: Serialize + ?Sized>(
    value: &T,
    out: &mut impl Write,
) -> Result<(), rmp_serde::encode::Error> {
    value.serialize(&mut rmp_serde::Serializer::new(out).with_struct_map())
}

/// The slice decoder does not say where it stopped, so a decoder that does meets the error a second time.
fn locate<T: DeserializeOwned>(bytes: &[u8], error: &rmp_serde::decode::Error) -> DecodeError {
    let mut decoder = rmp_serde::Deserializer::new(io::Cursor::new(bytes));
    decoder.set_max_depth(MAX_DECODE_DEPTH);
    let _again = T::deserialize(&mut decoder);
    let offset = decoder.position().min(bytes.len() as u64);
    match error {
        rmp_serde::decode::Error::DepthLimitExceeded => DecodeError::TooDeep { offset },
        error => DecodeError::Shape { offset, reason: error.to_string() },
    }
}

/// Takes what is written and compares it with what is there, so that no second copy is made.
struct Compare<'a> {
    expected: &'a [u8],
    matched: usize,
}

impl Write for Compare<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        let rest = &self.expected[self.matched..];
        if rest.starts_with(written) {
            self.matched += written.len();
            return Ok(written.len());
        }
        self.matched += rest.iter().zip(written).take_while(|(a, b)| a == b).count();
        Err(io::ErrorKind::InvalidData.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
