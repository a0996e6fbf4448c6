//! Owns the mapping between component values and [`Value`]s over wasmtime's public `Val`.
//!
//! It carries the arguments and results of exports, and tests compare the fast path with it.

use std::sync::Arc;

use retake_chain::Value;
use wasmtime::component::types::Case;
use wasmtime::component::{ResourceAny, ResourceType, Type, Val};
use wasmtime::{Result, bail};

use super::unfit::UnfitValue;

/// Turns a `Val` into a [`Value`]; `handle` numbers each resource.
///
/// `ty` distinguishes an empty `list<u8>` from other empty lists.
pub fn to_value(val: &Val, ty: &Type, handle: &mut dyn FnMut(&ResourceAny) -> Result<u32>) -> Result<Value> {
    Ok(match (val, ty) {
        (Val::Bool(value), _) => Value::Bool(*value),
        (Val::S8(value), _) => Value::from(i64::from(*value)),
        (Val::U8(value), _) => Value::Unsigned(u64::from(*value)),
        (Val::S16(value), _) => Value::from(i64::from(*value)),
        (Val::U16(value), _) => Value::Unsigned(u64::from(*value)),
        (Val::S32(value), _) => Value::from(i64::from(*value)),
        (Val::U32(value), _) => Value::Unsigned(u64::from(*value)),
        (Val::S64(value), _) => Value::from(*value),
        (Val::U64(value), _) => Value::Unsigned(*value),
        (Val::Float32(value), _) => Value::F32(value.to_bits()),
        (Val::Float64(value), _) => Value::F64(value.to_bits()),
        (Val::Char(value), _) => Value::String(value.to_string()),
        (Val::String(value), _) => Value::String(value.clone()),
        (Val::List(elements), Type::List(list)) if list.ty() == Type::U8 => {
            let bytes = elements.iter().map(|element| match element {
                Val::U8(byte) => Ok(*byte),
                other => Err(mismatch(other, &Type::U8)),
            });
            Value::Bytes(bytes.collect::<Result<Vec<u8>>>()?.into())
        }
        (Val::List(elements), Type::List(list)) => {
            let ty = list.ty();
            let elements = elements.iter().map(|element| to_value(element, &ty, handle));
            Value::List(elements.collect::<Result<_>>()?)
        }
        (Val::Record(fields), Type::Record(record)) => {
            let fields = fields.iter().zip(record.fields());
            let fields = fields.map(|((name, val), field)| {
                Ok((Arc::from(name.as_str()), to_value(val, &field.ty, handle)?))
            });
            Value::Record(fields.collect::<Result<_>>()?)
        }
        (Val::Tuple(elements), Type::Tuple(tuple)) => {
            let elements = elements.iter().zip(tuple.types());
            let elements = elements.map(|(element, ty)| to_value(element, &ty, handle));
            Value::List(elements.collect::<Result<_>>()?)
        }
        (Val::Variant(name, payload), Type::Variant(variant)) => {
            let Some(case) = variant.cases().find(|case| case.name == name) else {
                return Err(mismatch(val, ty));
            };
            Value::case(name, payload_to_value(payload, case.ty, handle)?)
        }
        (Val::Enum(name), _) => Value::case(name, None),
        (Val::Option(None), _) => Value::None,
        (Val::Option(Some(payload)), Type::Option(option)) => {
            Value::List(vec![to_value(payload, &option.ty(), handle)?])
        }
        (Val::Result(Ok(payload)), Type::Result(result)) => {
            Value::case("ok", payload_to_value(payload, result.ok(), handle)?)
        }
        (Val::Result(Err(payload)), Type::Result(result)) => {
            Value::case("err", payload_to_value(payload, result.err(), handle)?)
        }
        (Val::Flags(names), _) => Value::List(names.iter().cloned().map(Value::String).collect()),
        (Val::Resource(resource), _) => Value::Handle(handle(resource)?),
        _ => return Err(mismatch(val, ty)),
    })
}

fn payload_to_value(
    payload: &Option<Box<Val>>,
    ty: Option<Type>,
    handle: &mut dyn FnMut(&ResourceAny) -> Result<u32>,
) -> Result<Option<Value>> {
    match (payload, ty) {
        (Some(payload), Some(ty)) => Ok(Some(to_value(payload, &ty, handle)?)),
        (None, None) => Ok(None),
        _ => bail!("a payload where the type has none, or none where it has one"),
    }
}

fn mismatch(val: &Val, ty: &Type) -> wasmtime::Error {
    wasmtime::format_err!("a value {val:?} where the type is {ty:?}")
}

/// Turns a [`Value`] into a `Val` of type `ty`; `own` makes a resource of the given type from a number.
///
/// Fails with [`UnfitValue`] where the value does not fit.
pub fn from_value(
    value: &Value,
    ty: &Type,
    own: &mut dyn FnMut(ResourceType, u32) -> Result<ResourceAny>,
) -> Result<Val> {
    let unfit =
        || -> wasmtime::Error { UnfitValue { expected: format!("{ty:?}"), value: value.to_string() }.into() };
    let integer = match value {
        Value::Unsigned(value) => Some(i128::from(*value)),
        Value::Negative(value) => Some(i128::from(*value)),
        _ => None,
    };
    macro_rules! int {
        ($variant:ident, $ty:ty) => {{
            let fitting = integer.and_then(|value| <$ty>::try_from(value).ok());
            Val::$variant(fitting.ok_or_else(unfit)?)
        }};
    }
    Ok(match (ty, value) {
        (Type::Bool, Value::Bool(value)) => Val::Bool(*value),
        (Type::S8, _) => int!(S8, i8),
        (Type::U8, _) => int!(U8, u8),
        (Type::S16, _) => int!(S16, i16),
        (Type::U16, _) => int!(U16, u16),
        (Type::S32, _) => int!(S32, i32),
        (Type::U32, _) => int!(U32, u32),
        (Type::S64, _) => int!(S64, i64),
        (Type::U64, _) => int!(U64, u64),
        (Type::Float32, Value::F32(bits)) => Val::Float32(f32::from_bits(*bits)),
        (Type::Float64, Value::F64(bits)) => Val::Float64(f64::from_bits(*bits)),
        (Type::Char, Value::String(text)) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => Val::Char(only),
                _ => return Err(unfit()),
            }
        }
        (Type::String, Value::String(text)) => Val::String(text.clone()),
        (Type::List(list), Value::Bytes(bytes)) if list.ty() == Type::U8 => {
            Val::List(bytes.iter().copied().map(Val::U8).collect())
        }
        (Type::List(list), Value::List(values)) if list.ty() != Type::U8 => {
            let ty = list.ty();
            let values = values.iter().map(|value| from_value(value, &ty, own));
            Val::List(values.collect::<Result<_>>()?)
        }
        (Type::Record(record), Value::Record(fields)) => {
            if record.fields().len() != fields.len() {
                return Err(unfit());
            }
            let pairs = record.fields().zip(fields);
            let pairs = pairs.map(|(field, (name, value))| {
                if field.name != &**name {
                    return Err(unfit());
                }
                Ok((name.to_string(), from_value(value, &field.ty, own)?))
            });
            Val::Record(pairs.collect::<Result<_>>()?)
        }
        (Type::Tuple(tuple), Value::List(values)) => {
            if tuple.types().len() != values.len() {
                return Err(unfit());
            }
            let pairs = tuple.types().zip(values);
            let elements = pairs.map(|(ty, value)| from_value(value, &ty, own));
            Val::Tuple(elements.collect::<Result<_>>()?)
        }
        (Type::Flags(flags), Value::List(set)) => {
            let names = set.iter().map(|flag| match flag {
                Value::String(name) if flags.names().any(|known| known == name) => Ok(name.clone()),
                _ => Err(unfit()),
            });
            Val::Flags(names.collect::<Result<_>>()?)
        }
        (Type::Enum(names), Value::String(name)) if names.names().any(|known| known == name) => {
            Val::Enum(name.clone())
        }
        (Type::Option(_), Value::None) => Val::Option(None),
        (Type::Option(option), Value::List(values)) if values.len() == 1 => {
            Val::Option(Some(Box::new(from_value(&values[0], &option.ty(), own)?)))
        }
        (Type::Variant(variant), _) => {
            let (name, payload) = named_case(value).ok_or_else(unfit)?;
            let mut cases = variant.cases();
            let Case { ty, .. } = cases.find(|case| case.name == name).ok_or_else(unfit)?;
            let payload = payload_from_value(payload, ty, own, &unfit)?;
            Val::Variant(name.to_string(), payload)
        }
        (Type::Result(result), _) => match named_case(value) {
            Some(("ok", payload)) => Val::Result(Ok(payload_from_value(payload, result.ok(), own, &unfit)?)),
            Some(("err", payload)) => {
                Val::Result(Err(payload_from_value(payload, result.err(), own, &unfit)?))
            }
            _ => return Err(unfit()),
        },
        (Type::Own(ty), Value::Handle(number)) => Val::Resource(own(*ty, *number)?),
        _ => return Err(unfit()),
    })
}

fn named_case(value: &Value) -> Option<(&str, Option<&Value>)> {
    match value {
        Value::String(name) => Some((name, None)),
        Value::Record(fields) if fields.len() == 1 => Some((&fields[0].0, Some(&fields[0].1))),
        _ => None,
    }
}

fn payload_from_value(
    payload: Option<&Value>,
    ty: Option<Type>,
    own: &mut dyn FnMut(ResourceType, u32) -> Result<ResourceAny>,
    unfit: &dyn Fn() -> wasmtime::Error,
) -> Result<Option<Box<Val>>> {
    match (payload, ty) {
        (Some(payload), Some(ty)) => Ok(Some(Box::new(from_value(payload, &ty, own)?))),
        (None, None) => Ok(None),
        _ => Err(unfit()),
    }
}
