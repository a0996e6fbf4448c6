//! Owns [`Value`], the shape of a component value, and the ways to make one.
//! Its bytes, its JSON and its form for people are `codec`'s; the walk between
//! component types and values is the actor crate's.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

/// MessagePack extension type that holds a handle, as four big-endian bytes.
pub const HANDLE_EXTENSION: i8 = 1;

/// The shape of a component value: exactly MessagePack's data model plus handles, so that values and their
/// canonical bytes are one to one.
///
/// | component type | value |
/// |---|---|
/// | `bool` | `Bool` |
/// | every integer | `Unsigned`, or `Negative` below zero |
/// | `f32`, `f64` | `F32`, `F64`: the exact bits, NaN payloads included |
/// | `char` | `String` of one character |
/// | `string` | `String` |
/// | `list<u8>` | `Bytes` |
/// | other lists, tuples | `List` |
/// | flags | `List` of the names that are set, each a `String` |
/// | record | `Record`, fields in the order of the type |
/// | option | `None`, or `List` with the one value |
/// | enum; variant or result case without payload | `String` with the case |
/// | variant or result case with payload | `Record` with the one entry case: payload |
/// | `own`, `borrow` | `Handle`, counted per resource type in order of appearance |
///
/// # Examples
///
/// ```
/// use retake_chain::Value;
///
/// let status = Value::case("ok", Some(Value::from(200u16)));
/// assert_eq!(status.to_string(), "{ok: 200}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// An absent option; nil.
    None,
    /// A boolean.
    Bool(bool),
    /// An integer that is zero or more.
    Unsigned(u64),
    /// An integer below zero. Make it with `Value::from`: a number that is not negative
    /// would come back from its bytes as `Unsigned`.
    Negative(i64),
    /// The bits of an `f32`.
    F32(u32),
    /// The bits of an `f64`.
    F64(u64),
    /// Text, a character, or the name of a case.
    String(String),
    /// A `list<u8>`.
    Bytes(Bytes),
    /// A list, a tuple, set flags, or the inside of an option.
    List(Vec<Value>),
    /// Fields with their names in order, or one case with its payload.
    Record(Vec<(Arc<str>, Value)>),
    /// A resource handle.
    Handle(u32),
}

impl Value {
    /// A case of a variant, result or enum: `String(name)` without a payload, else a record of one entry.
    pub fn case(name: &str, payload: Option<Value>) -> Self {
        match payload {
            None => Value::String(name.to_owned()),
            Some(payload) => Value::Record(vec![(Arc::from(name), payload)]),
        }
    }

    /// A record of these fields in this order.
    pub fn record<K: Into<Arc<str>>>(fields: impl IntoIterator<Item = (K, Value)>) -> Self {
        Value::Record(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The name and payload of a case, if the value has the shape of one.
    pub fn as_case(&self) -> Option<(&str, Option<&Value>)> {
        match self {
            Value::String(name) => Some((name, None)),
            Value::Record(fields) => match fields.as_slice() {
                [(name, payload)] => Some((name, Some(payload))),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of a record's field of that name.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Record(fields) => fields.iter().find(|(key, _)| &**key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

macro_rules! from_integers {
    ($($unsigned:ty, $signed:ty;)*) => {$(
        impl From<$unsigned> for Value {
            fn from(value: $unsigned) -> Self {
                Value::Unsigned(value.into())
            }
        }

        impl From<$signed> for Value {
            fn from(value: $signed) -> Self {
                let value = i64::from(value);
                u64::try_from(value).map_or(Value::Negative(value), Value::Unsigned)
            }
        }
    )*};
}

from_integers! { u8, i8; u16, i16; u32, i32; u64, i64; }

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Value::F32(value.to_bits())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::F64(value.to_bits())
    }
}

impl From<char> for Value {
    fn from(value: char) -> Self {
        Value::String(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::String(value)
    }
}

impl From<Bytes> for Value {
    fn from(value: Bytes) -> Self {
        Value::Bytes(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(value.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Value::List(value)
    }
}

/// The option of a component: `None`, or a list of the one value.
impl From<Option<Value>> for Value {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Value::None, |value| Value::List(vec![value]))
    }
}

/// Up to this many keys are compared with each other; more go into a set.
const FEW_KEYS: usize = 16;

/// A key that a record has twice.
pub(crate) fn doubled_key(fields: &[(Arc<str>, Value)]) -> Option<&str> {
    let mut keys = fields.iter().map(|(key, _)| &**key);
    if fields.len() <= FEW_KEYS {
        let is_before = |at: usize, key: &str| fields[..at].iter().any(|(other, _)| &**other == key);
        return keys.enumerate().find(|(at, key)| is_before(*at, key)).map(|(_, key)| key);
    }
    let mut seen = HashSet::with_capacity(fields.len());
    keys.find(|key| !seen.insert(*key))
}
