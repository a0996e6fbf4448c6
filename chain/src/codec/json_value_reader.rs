//! Owns the way from JSON to a [`Value`]. Strict: each value has the one form that `json_value.rs` writes,
//! and every other is refused with the one to write. Bounded: in depth, and in the number of values, before
//! memory is taken for them.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::base64::Base64;
use super::json_value::{BYTES, F32, F64, HANDLE, INT, MAX_PLAIN, NAN, f32_text, f64_text};
use crate::model::limits::{MAX_DECODE_DEPTH, MAX_VALUES};
use crate::model::value::{Value, doubled_key};

/// Reads a value from its JSON form.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let left = Cell::new(MAX_VALUES);
    ValueReader { depth: 0, left: &left }.deserialize(deserializer)
}

/// Reads one value at a depth, while `left` more may come.
#[derive(Clone, Copy)]
struct ValueReader<'a> {
    depth: usize,
    left: &'a Cell<usize>,
}

impl<'a> ValueReader<'a> {
    /// The form of what a list or record holds.
    fn deeper<E: de::Error>(self) -> Result<ValueReader<'a>, E> {
        if self.depth == MAX_DECODE_DEPTH {
            return Err(E::custom(format_args!("values nested deeper than {MAX_DECODE_DEPTH}")));
        }
        Ok(ValueReader { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for ValueReader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(de::Error::custom(format_args!("more than {MAX_VALUES} values in one event")));
        };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueReader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value: null, a boolean, an integer, a string, an array or an object")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        plain(value.into(), value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        plain(value.into(), value.unsigned_abs())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Err(E::custom(format_args!(
            "the number {value:?}; write floats as {{\"{F32}\": \"..\"}} or {{\"{F64}\": \"..\"}}, large integers as {{\"{INT}\": \"..\"}}"
        )))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let name = match key.strip_prefix('$') {
                Some(name) if name.starts_with('$') => name,
                Some(_) if fields.is_empty() => return tagged(&key, map),
                Some(_) => return Err(unknown(&key)),
                None => &key,
            };
            fields.push((Arc::from(name), map.next_value_seed(inner)?));
        }
        if let Some(key) = doubled_key(&fields) {
            return Err(de::Error::custom(format_args!("an object with the key `{key}` twice")));
        }
        Ok(Value::Record(fields))
    }
}

fn plain<E: de::Error>(value: Value, magnitude: u64) -> Result<Value, E> {
    if magnitude <= MAX_PLAIN {
        return Ok(value);
    }
    Err(E::custom(format_args!("the number {value}; write it as {{\"{INT}\": \"{value}\"}}")))
}

/// What an object is whose first key begins with one `$`.
fn tagged<'de, A: MapAccess<'de>>(tag: &str, mut map: A) -> Result<Value, A::Error> {
    let value = match tag {
        INT => text(&mut map, "an integer beyond 2^53 - 1", large_integer)?,
        F32 => text(&mut map, "a float of 32 bits in its shortest form", f32_of)?,
        F64 => text(&mut map, "a float of 64 bits in its shortest form", f64_of)?,
        BYTES => Value::Bytes(map.next_value::<Base64>()?.0),
        HANDLE => Value::Handle(map.next_value()?),
        _ => return Err(unknown(tag)),
    };
    match map.next_key::<IgnoredAny>()? {
        None => Ok(value),
        Some(_) => Err(de::Error::custom(format_args!("an object with other keys beside `{tag}`"))),
    }
}

fn unknown<E: de::Error>(key: &str) -> E {
    E::custom(format_args!("the key `{key}`; write a key of a record that begins with `$` as `${key}`"))
}

fn text<'de, A: MapAccess<'de>>(
    map: &mut A,
    what: &str,
    read: impl Fn(&str) -> Option<Value>,
) -> Result<Value, A::Error> {
    let text: String = map.next_value()?;
    read(&text).ok_or_else(|| de::Error::custom(format_args!("`{text}`, which is not {what}")))
}

fn large_integer(text: &str) -> Option<Value> {
    let (value, magnitude) = match text.parse::<u64>() {
        Ok(value) => (Value::from(value), value),
        Err(_) => text.parse::<i64>().ok().map(|value| (value.into(), value.unsigned_abs()))?,
    };
    (magnitude > MAX_PLAIN && value.to_string() == text).then_some(value)
}

fn f32_of(text: &str) -> Option<Value> {
    let bits = match text.strip_prefix(NAN) {
        Some(bits) => u32::from_str_radix(bits, 16).ok()?,
        None => text.parse::<f32>().ok()?.to_bits(),
    };
    (f32_text(bits) == text).then_some(Value::F32(bits))
}

fn f64_of(text: &str) -> Option<Value> {
    let bits = match text.strip_prefix(NAN) {
        Some(bits) => u64::from_str_radix(bits, 16).ok()?,
        None => text.parse::<f64>().ok()?.to_bits(),
    };
    (f64_text(bits) == text).then_some(Value::F64(bits))
}
