//! Owns how a [`Value`] crosses serde: MessagePack's data model for binary formats. The form in JSON is left to `jsonl`,
//! which bytes count as canonical to `encoding.rs`.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::jsonl::{value, value_reader};
use crate::value::{HANDLE_EXTENSION, Value};

/// The name by which rmp-serde knows an extension.
const EXTENSION_STRUCT: &str = "_ExtStruct";

/// Elements reserved ahead of their bytes, whatever length a header claims.
const MAX_RESERVED: usize = 64;

/// Binary formats get MessagePack's data model, formats for people (JSON) the one-to-one form that
/// [`jsonl`](crate::jsonl) has for values.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return value::serialize(self, serializer);
        }
        match self {
            Value::None => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Unsigned(value) => serializer.serialize_u64(*value),
            Value::Negative(value) => serializer.serialize_i64(*value),
            Value::F32(bits) => serializer.serialize_f32(f32::from_bits(*bits)),
            Value::F64(bits) => serializer.serialize_f64(f64::from_bits(*bits)),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_bytes(value),
            Value::List(values) => serializer.collect_seq(values),
            Value::Record(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, value))),
            Value::Handle(id) => serializer.serialize_newtype_struct(EXTENSION_STRUCT, &Extension(*id)),
        }
    }
}

/// The inside of an extension as rmp-serde wants it: its type, then its bytes.
struct Extension(u32);

struct FourBytes([u8; 4]);

impl Serialize for Extension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (HANDLE_EXTENSION, FourBytes(self.0.to_be_bytes())).serialize(serializer)
    }
}

impl Serialize for FourBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for FourBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FourBytesVisitor;
        impl Visitor<'_> for FourBytesVisitor {
            type Value = FourBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the four bytes of a handle")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<FourBytes, E> {
                bytes.try_into().map(FourBytes).map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_bytes(FourBytesVisitor)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return value_reader::deserialize(deserializer);
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f32<E>(self, value: f32) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(Bytes::copy_from_slice(value)))
    }

    fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(MAX_RESERVED));
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(0).min(MAX_RESERVED));
        while let Some(field) = map.next_entry::<Arc<str>, Value>()? {
            fields.push(field);
        }
        Ok(Value::Record(fields))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let (kind, FourBytes(bytes)) = Deserialize::deserialize(deserializer)?;
        let kind: i8 = kind;
        if kind != HANDLE_EXTENSION {
            return Err(de::Error::custom(format_args!(
                "unknown extension type {kind}, only handles (1) are known"
            )));
        }
        Ok(Value::Handle(u32::from_be_bytes(bytes)))
    }
}
