//! Owns lowering: from a recorded answer to a guest's flat result or linear memory.
//!
//! The answer comes from a file. A value that does not fit the function's type is an [`UnfitValue`].

use std::mem::MaybeUninit;

use retake_chain::Value;
use wasmtime::component::__internal::wasmtime_environ::component::VariantInfo;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext};
use wasmtime::component::{ComponentNamedList, ComponentType, Lower};
use wasmtime::{Result, ValRaw, bail};

use super::types;
use super::unfit::UnfitValue;

/// The result of a call, or `None` for a function without one. `N` is the number of flat core values: 1, or 0
/// where the result goes to memory or there is none.
#[derive(Default)]
pub struct Lowered<const N: usize>(pub Option<Value>);

// SAFETY: as for `Lifted`: `define` instantiates `N` so that it is the length of the flat result storage, or 0.
#[expect(unsafe_code, reason = "wasmtime's traits for values that cross are unsafe to implement")]
unsafe impl<const N: usize> ComponentType for Lowered<N> {
    const ABI: CanonicalAbiInfo = types::abi(N);
    const MAY_REQUIRE_REALLOC: bool = true;
    type Lower = [ValRaw; N];

    fn typecheck(_: &InterfaceType, _: &InstanceType<'_>) -> Result<()> {
        Ok(())
    }
}

// SAFETY: as above.
#[expect(unsafe_code, reason = "wasmtime's traits for values that cross are unsafe to implement")]
unsafe impl<const N: usize> ComponentNamedList for Lowered<N> {}

// SAFETY: every slot of the destination is written, through checked slices of memory alone.
#[expect(unsafe_code, reason = "wasmtime's traits for values that cross are unsafe to implement")]
unsafe impl<const N: usize> Lower for Lowered<N> {
    fn linear_lower_to_flat<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        match (result_type(cx, ty)?, &self.0, N) {
            (None, None, _) => {}
            (Some(ty), Some(value), 1) => {
                dst.write([flat_one(cx, ty, value)?; N]);
            }
            (ty, value, _) => return Err(misfit(&format!("{ty:?}"), value.as_ref())),
        }
        Ok(())
    }

    fn linear_lower_to_memory<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        match (result_type(cx, ty)?, &self.0) {
            (Some(ty), Some(value)) => store(cx, ty, value, offset),
            (ty, value) => Err(misfit(&format!("{ty:?}"), value.as_ref())),
        }
    }
}

fn result_type<U>(cx: &LowerContext<'_, U>, ty: InterfaceType) -> Result<Option<InterfaceType>> {
    match ty {
        InterfaceType::Tuple(tuple) => Ok(cx.types[tuple].types.first().copied()),
        other => bail!("results that are not a tuple: {other:?}"),
    }
}

fn misfit(expected: &str, value: Option<&Value>) -> wasmtime::Error {
    UnfitValue { expected: expected.to_string(), value: value.map_or("(no value)".into(), Value::to_string) }
        .into()
}

/// The core bits of a scalar, or `None` if `ty` is not a scalar or cannot hold the value.
fn scalar(ty: InterfaceType, value: &Value) -> Option<u64> {
    let unsigned = |max: u64| match value {
        Value::Unsigned(value) if *value <= max => Some(*value),
        _ => None,
    };
    let signed = |min: i64, max: i64| match value {
        Value::Unsigned(value) if *value <= max as u64 => Some(*value),
        Value::Negative(value) if *value >= min => Some(*value as u64),
        _ => None,
    };
    match (ty, value) {
        (InterfaceType::Bool, Value::Bool(value)) => Some(u64::from(*value)),
        (InterfaceType::U8, _) => unsigned(u64::from(u8::MAX)),
        (InterfaceType::U16, _) => unsigned(u64::from(u16::MAX)),
        (InterfaceType::U32, _) => unsigned(u64::from(u32::MAX)),
        (InterfaceType::U64, _) => unsigned(u64::MAX),
        (InterfaceType::S8, _) => signed(i64::from(i8::MIN), i64::from(i8::MAX)),
        (InterfaceType::S16, _) => signed(i64::from(i16::MIN), i64::from(i16::MAX)),
        (InterfaceType::S32, _) => signed(i64::from(i32::MIN), i64::from(i32::MAX)),
        (InterfaceType::S64, _) => signed(i64::MIN, i64::MAX),
        (InterfaceType::Float32, Value::F32(bits)) => Some(u64::from(*bits)),
        (InterfaceType::Float64, Value::F64(bits)) => Some(*bits),
        (InterfaceType::Char, Value::String(text)) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => Some(u64::from(u32::from(only))),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The single core value of a type whose flat form has one.
fn flat_one<U>(cx: &mut LowerContext<'_, U>, ty: InterfaceType, value: &Value) -> Result<ValRaw> {
    let types = cx.types;
    Ok(match ty {
        InterfaceType::S64 | InterfaceType::U64 => match scalar(ty, value) {
            Some(bits) => ValRaw::u64(bits),
            None => return Err(unfit(cx, ty, value)),
        },
        InterfaceType::Float32 => match scalar(ty, value) {
            Some(bits) => ValRaw::f32(bits as u32),
            None => return Err(unfit(cx, ty, value)),
        },
        InterfaceType::Float64 => match scalar(ty, value) {
            Some(bits) => ValRaw::f64(bits),
            None => return Err(unfit(cx, ty, value)),
        },
        InterfaceType::Own(table) => match value {
            Value::Handle(rep) => ValRaw::u32(cx.guest_resource_lower_own(table, *rep)?),
            value => return Err(unfit(cx, ty, value)),
        },
        InterfaceType::Record(record) => match (&types[record].fields[..], value) {
            ([field], Value::Record(values)) => match &values[..] {
                [(name, value)] if **name == *field.name => flat_one(cx, field.ty, value)?,
                _ => return Err(unfit(cx, ty, value)),
            },
            _ => return Err(unfit(cx, ty, value)),
        },
        InterfaceType::Tuple(tuple) => match (&types[tuple].types[..], value) {
            ([element], Value::List(values)) if values.len() == 1 => flat_one(cx, *element, &values[0])?,
            _ => return Err(unfit(cx, ty, value)),
        },
        InterfaceType::Flags(_) => {
            let bits = flag_words(cx, ty, value)?;
            ValRaw::u32(bits.first().copied().unwrap_or(0))
        }
        InterfaceType::Enum(_)
        | InterfaceType::Variant(_)
        | InterfaceType::Option(_)
        | InterfaceType::Result(_) => match find_case(cx, ty, value)? {
            (discriminant, None) => ValRaw::u32(discriminant),
            _ => return Err(unfit(cx, ty, value)),
        },
        _ => match scalar(ty, value) {
            Some(bits) => ValRaw::u32(bits as u32),
            None => return Err(unfit(cx, ty, value)),
        },
    })
}

/// Writes `value` to memory at `at`, which the caller has checked to be within bounds.
fn store<U>(cx: &mut LowerContext<'_, U>, ty: InterfaceType, value: &Value, at: usize) -> Result<()> {
    let types = cx.types;
    match (ty, value) {
        (InterfaceType::String, Value::String(text)) => text.as_str().linear_lower_to_memory(cx, ty, at),
        (InterfaceType::List(list), Value::Bytes(bytes)) => {
            if types[list].element != InterfaceType::U8 {
                return Err(unfit(cx, ty, value));
            }
            bytes[..].linear_lower_to_memory(cx, ty, at)
        }
        (InterfaceType::List(list), Value::List(values)) => {
            let element = types[list].element;
            let abi = types.canonical_abi(&element);
            let (size, align) = (abi.size32 as usize, abi.align32);
            if element == InterfaceType::U8 {
                return Err(unfit(cx, ty, value));
            }
            let Some(total) = values.len().checked_mul(size) else {
                bail!("a list too large for the guest's memory");
            };
            let ptr = cx.realloc(0, 0, align, total)?;
            for (index, value) in values.iter().enumerate() {
                store(cx, element, value, ptr + index * size)?;
            }
            put(cx, at, &(ptr as u32).to_le_bytes());
            put(cx, at + 4, &(values.len() as u32).to_le_bytes());
            Ok(())
        }
        (InterfaceType::Own(table), Value::Handle(rep)) => {
            let index = cx.guest_resource_lower_own(table, *rep)?;
            put(cx, at, &index.to_le_bytes());
            Ok(())
        }
        (InterfaceType::Record(record), Value::Record(values)) => {
            let fields = &types[record].fields;
            if fields.len() != values.len() {
                return Err(unfit(cx, ty, value));
            }
            let mut offset = 0u32;
            for (field, (name, field_value)) in fields.iter().zip(values) {
                if **name != *field.name {
                    return Err(unfit(cx, ty, value));
                }
                let place = types.canonical_abi(&field.ty).next_field32(&mut offset);
                store(cx, field.ty, field_value, at + place as usize)?;
            }
            Ok(())
        }
        (InterfaceType::Tuple(tuple), Value::List(values)) => {
            let elements = &types[tuple].types;
            if elements.len() != values.len() {
                return Err(unfit(cx, ty, value));
            }
            let mut offset = 0u32;
            for (element, value) in elements.iter().zip(values) {
                let place = types.canonical_abi(element).next_field32(&mut offset);
                store(cx, *element, value, at + place as usize)?;
            }
            Ok(())
        }
        (InterfaceType::Flags(_), _) => {
            let size = types.canonical_abi(&ty).size32 as usize;
            let words = flag_words(cx, ty, value)?;
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            put(cx, at, &bytes[..size]);
            Ok(())
        }
        (
            InterfaceType::Enum(_)
            | InterfaceType::Variant(_)
            | InterfaceType::Option(_)
            | InterfaceType::Result(_),
            _,
        ) => {
            let info = types::variant_info(types, ty)?;
            let (discriminant, payload) = find_case(cx, ty, value)?;
            put_discriminant(cx, at, info, discriminant);
            match payload {
                Some((ty, value)) => store(cx, ty, value, at + info.payload_offset32 as usize),
                None => Ok(()),
            }
        }
        _ => match scalar(ty, value) {
            Some(bits) => {
                let size = types.canonical_abi(&ty).size32 as usize;
                put(cx, at, &bits.to_le_bytes()[..size]);
                Ok(())
            }
            None => Err(unfit(cx, ty, value)),
        },
    }
}

/// Finds the case that a value names, and what goes into it.
fn find_case<'v, U>(
    cx: &LowerContext<'_, U>,
    ty: InterfaceType,
    value: &'v Value,
) -> Result<(u32, Option<(InterfaceType, &'v Value)>)> {
    let types = cx.types;
    let (name, payload) = match (ty, value) {
        (InterfaceType::Option(_), Value::None) => ("none", None),
        (InterfaceType::Option(_), Value::List(values)) if values.len() == 1 => ("some", values.first()),
        (InterfaceType::Option(_), _) => return Err(unfit(cx, ty, value)),
        (_, Value::String(name)) => (name.as_str(), None),
        (_, Value::Record(fields)) if fields.len() == 1 => (&*fields[0].0, Some(&fields[0].1)),
        _ => return Err(unfit(cx, ty, value)),
    };
    let found = types::case_named(types, ty, name);
    match (found, payload) {
        (Some((discriminant, None)), None) => Ok((discriminant, None)),
        (Some((discriminant, Some(ty))), Some(payload)) => Ok((discriminant, Some((ty, payload)))),
        _ => Err(unfit(cx, ty, value)),
    }
}

fn flag_words<U>(cx: &LowerContext<'_, U>, ty: InterfaceType, value: &Value) -> Result<Vec<u32>> {
    let (InterfaceType::Flags(flags), Value::List(set)) = (ty, value) else {
        return Err(unfit(cx, ty, value));
    };
    let names = &cx.types[flags].names;
    let mut words = vec![0u32; names.len().div_ceil(32)];
    for flag in set {
        let Value::String(name) = flag else {
            return Err(unfit(cx, ty, value));
        };
        match names.get_index_of(name) {
            Some(bit) => words[bit / 32] |= 1 << (bit % 32),
            None => return Err(unfit(cx, ty, value)),
        }
    }
    Ok(words)
}

fn unfit<U>(cx: &LowerContext<'_, U>, ty: InterfaceType, value: &Value) -> wasmtime::Error {
    misfit(&types::type_name(cx.types, ty), Some(value))
}

fn put<U>(cx: &mut LowerContext<'_, U>, at: usize, bytes: &[u8]) {
    cx.as_slice_mut()[at..at + bytes.len()].copy_from_slice(bytes);
}

fn put_discriminant<U>(cx: &mut LowerContext<'_, U>, at: usize, info: &VariantInfo, discriminant: u32) {
    let size = u32::from(info.size) as usize;
    put(cx, at, &discriminant.to_le_bytes()[..size]);
}
