//! Owns the one-line form of a [`Value`] for people, as divergences and listings print it.
//! Long text, bytes and lists are cut, and then name their length and the start of their SHA-256, so that two
//! values that differ after the cut still look different.

use std::fmt::{self, Write as _};

use crate::codec::payload_codec::value_bytes;
use crate::model::hash::ContentRef;
use crate::model::value::Value;

/// Bytes of a string or byte string that are shown.
const SHOWN_BYTES: usize = 120;

/// Elements of a list that are shown.
const SHOWN_ELEMENTS: usize = 24;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => f.write_str("none"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Unsigned(value) => write!(f, "{value}"),
            Value::Negative(value) => write!(f, "{value}"),
            Value::F32(bits) => match f32::from_bits(*bits) {
                value if value.is_nan() => write!(f, "NaN({bits:#010x})"),
                value => write!(f, "{value:?}"),
            },
            Value::F64(bits) => match f64::from_bits(*bits) {
                value if value.is_nan() => write!(f, "NaN({bits:#018x})"),
                value => write!(f, "{value:?}"),
            },
            Value::String(text) => show_string(f, text),
            Value::Bytes(bytes) => show_bytes(f, bytes),
            Value::List(values) => show_list(f, self, values),
            Value::Record(fields) => {
                f.write_char('{')?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{name}: {value}")?;
                }
                f.write_char('}')
            }
            Value::Handle(id) => write!(f, "#{id}"),
        }
    }
}

fn show_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if text.len() <= SHOWN_BYTES {
        return write!(f, "{text:?}");
    }
    let shown = &text[..text.floor_char_boundary(SHOWN_BYTES)];
    let digest = ContentRef::of(text.as_bytes());
    write!(f, "{shown:?}… ({} bytes, sha256 {}…)", text.len(), digest.short())
}

fn show_bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let shown = &bytes[..bytes.len().min(SHOWN_BYTES)];
    write!(f, "b\"{}\"", shown.escape_ascii())?;
    if shown.len() < bytes.len() {
        write!(f, "… ({} bytes, sha256 {}…)", bytes.len(), ContentRef::of(bytes).short())?;
    }
    Ok(())
}

fn show_list(f: &mut fmt::Formatter<'_>, whole: &Value, values: &[Value]) -> fmt::Result {
    f.write_char('[')?;
    for (i, value) in values.iter().take(SHOWN_ELEMENTS).enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(f, "{comma}{value}")?;
    }
    if values.len() > SHOWN_ELEMENTS {
        let digest = ContentRef::of(&value_bytes(whole));
        write!(f, ", … ({} elements, sha256 {}…)", values.len(), digest.short())?;
    }
    f.write_char(']')
}
