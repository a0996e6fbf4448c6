//! Owns how a [`Value`] crosses serde: MessagePack's data model for binary formats, which are written only,
//! and the form of `json_value.rs` for JSON. Reading MessagePack is `value_decode.rs`'s.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::{json_value, json_value_reader};
use crate::model::value::{HANDLE_EXTENSION, Value};

/// The name by which rmp-serde knows an extension.
const EXTENSION_STRUCT: &str = "_ExtStruct";

/// Binary formats get MessagePack's data model, formats for people (JSON) the one-to-one form of all JSON of
/// Retake.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return json_value::serialize(self, serializer);
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

/// From JSON. [`Value::decode`] reads MessagePack.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json_value_reader::deserialize(deserializer)
    }
}
