//! Owns how serde writes a [`Value`]: MessagePack's data model for binary formats, and a readable form for JSON.
//! Reading is `value_decode.rs`'s.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::base64;
use crate::value::{HANDLE_EXTENSION, Value};

/// The name by which rmp-serde knows an extension.
const EXTENSION_STRUCT: &str = "_ExtStruct";

/// Binary formats get MessagePack's data model. Formats for people (JSON) get plain numbers, strings, arrays
/// and objects, with `{"bytes": base64}`, `{"handle": n}` and `{"float": text}` where JSON has no word.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let readable = serializer.is_human_readable();
        match self {
            Value::None => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Unsigned(value) => serializer.serialize_u64(*value),
            Value::Negative(value) => serializer.serialize_i64(*value),
            Value::F32(_) | Value::F64(_) if readable && !is_finite(self) => {
                named(serializer, "float", &self.to_string())
            }
            Value::F32(bits) => serializer.serialize_f32(f32::from_bits(*bits)),
            Value::F64(bits) => serializer.serialize_f64(f64::from_bits(*bits)),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) if readable => named(serializer, "bytes", &base64::encode(value)),
            Value::Bytes(value) => serializer.serialize_bytes(value),
            Value::List(values) => {
                let mut seq = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    seq.serialize_element(value)?;
                }
                seq.end()
            }
            Value::Record(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(&**name, value)?;
                }
                map.end()
            }
            Value::Handle(id) if readable => named(serializer, "handle", id),
            Value::Handle(id) => serializer.serialize_newtype_struct(EXTENSION_STRUCT, &Extension(*id)),
        }
    }
}

fn is_finite(value: &Value) -> bool {
    match value {
        Value::F32(bits) => f32::from_bits(*bits).is_finite(),
        Value::F64(bits) => f64::from_bits(*bits).is_finite(),
        _ => true,
    }
}

fn named<S: Serializer, T: Serialize + ?Sized>(
    serializer: S,
    name: &str,
    value: &T,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(name, value)?;
    map.end()
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
