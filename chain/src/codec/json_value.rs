//! Owns the JSON form of a [`Value`], one to one: what has no word of its own in JSON is an object with one
//! member, whose name begins with `$`. The way back is `json_value_reader.rs`'s.
//!
//! | value | JSON |
//! |---|---|
//! | `None`, `Bool`, `String` | `null`, `true`, `"text"` |
//! | integer up to 2^53 - 1 in magnitude | number |
//! | larger integer | `{"$int": "18446744073709551615"}` |
//! | `F32`, `F64` | `{"$f32": "1.5"}`, `{"$f64": "-0.0"}`, with `inf`, `-inf`, and NaNs by their bits: `nan:7fc00000` |
//! | `Bytes` | `{"$bytes": base64}` |
//! | `Handle` | `{"$handle": 1}` |
//! | `List` | array |
//! | `Record` | object, members in order; a key that begins with `$` gets another `$` in front |

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::base64::Base64;
use crate::model::value::Value;

pub(super) const INT: &str = "$int";
pub(super) const F32: &str = "$f32";
pub(super) const F64: &str = "$f64";
pub(super) const BYTES: &str = "$bytes";
pub(super) const HANDLE: &str = "$handle";

/// What stands before the bits of a NaN.
pub(super) const NAN: &str = "nan:";

/// The largest magnitude that is a plain number: readers that keep numbers as doubles lose nothing up to
/// here, and cannot mistake another for it.
pub(super) const MAX_PLAIN: u64 = (1 << 53) - 1;

/// Writes a value in its JSON form.
pub(crate) fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::None => serializer.serialize_unit(),
        Value::Bool(value) => serializer.serialize_bool(*value),
        Value::Unsigned(value) if *value <= MAX_PLAIN => serializer.serialize_u64(*value),
        Value::Negative(value) if value.unsigned_abs() <= MAX_PLAIN => serializer.serialize_i64(*value),
        Value::Unsigned(value) => tagged(serializer, INT, &value.to_string()),
        Value::Negative(value) => tagged(serializer, INT, &value.to_string()),
        Value::F32(bits) => tagged(serializer, F32, &f32_text(*bits)),
        Value::F64(bits) => tagged(serializer, F64, &f64_text(*bits)),
        Value::String(text) => serializer.serialize_str(text),
        Value::Bytes(bytes) => tagged(serializer, BYTES, &Base64(bytes.clone())),
        Value::List(values) => serializer.collect_seq(values),
        Value::Record(fields) => {
            serializer.collect_map(fields.iter().map(|(name, value)| (escaped(name), value)))
        }
        Value::Handle(id) => tagged(serializer, HANDLE, id),
    }
}

fn tagged<S: Serializer>(
    serializer: S,
    tag: &str,
    content: &(impl Serialize + ?Sized),
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, content)?;
    map.end()
}

fn escaped(name: &str) -> Cow<'_, str> {
    if name.starts_with('$') { Cow::Owned(format!("${name}")) } else { Cow::Borrowed(name) }
}

/// The shortest decimal that is this float and no other; a NaN as its bits.
pub(super) fn f32_text(bits: u32) -> String {
    match f32::from_bits(bits) {
        value if value.is_nan() => format!("{NAN}{bits:08x}"),
        value => format!("{value:?}"),
    }
}

/// As [`f32_text`].
pub(super) fn f64_text(bits: u64) -> String {
    match f64::from_bits(bits) {
        value if value.is_nan() => format!("{NAN}{bits:016x}"),
        value => format!("{value:?}"),
    }
}
