//! Owns lifting: from a guest's flat arguments and linear memory to [`Value`]s.
//!
//! The canonical ABI's rules are followed as wasmtime follows them for `Val`; strings in every encoding and
//! byte lists are lifted by wasmtime itself. Faults in the guest's values are found in the same order, and
//! have the same kinds, as in the adapter between guest and shim of an instrumented component: a replay must
//! end as the recording did.

use std::sync::Arc;

use retake_chain::{MAX_VALUES, Value};
use thiserror::Error;
use wasmtime::component::__internal::wasmtime_environ::component::{TypeTuple, VariantInfo};
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext};
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, ResourceType};
use wasmtime::{Result, Trap, ValRaw, bail};

use super::types;

/// The arguments of a call. `N` is the number of flat core values, or 0 where they are spilled to memory.
///
/// A fault of lifting is kept, so that the host function can name the call.
pub struct Lifted<const N: usize>(pub Result<LiftedArguments>);

/// Lifted arguments: the values, and the resource of each handle among them.
#[derive(Debug, Default)]
pub struct LiftedArguments {
    /// One value per parameter; a `Value::Handle` holds the host's representation.
    pub values: Vec<Value>,
    /// The handles, in the order in which they occur in `values`.
    pub handles: Vec<LiftedHandle>,
}

/// A handle met while lifting.
#[derive(Clone, Copy, Debug)]
pub struct LiftedHandle {
    /// The resource type that the host provides.
    pub ty: ResourceType,
    /// The host's representation of the resource.
    pub rep: u32,
}

/// The call has more values than an event can hold.
#[derive(Debug, Error)]
#[error("more than {MAX_VALUES} values at once, which is what an event can hold; split the call")]
struct TooManyValues;

// SAFETY: nothing but `Lower` matters to the callers of a host function's parameters: wasmtime takes the flat
// storage as `[ValRaw; N]`, and `define` instantiates `N` as the flat count of the function's own type, or 0
// where wasmtime passes memory, whose place `linear_lift_from_memory` takes from the address of the slice
// alone.
#[expect(unsafe_code, reason = "wasmtime's traits for values that cross are unsafe to implement")]
unsafe impl<const N: usize> ComponentType for Lifted<N> {
    const ABI: CanonicalAbiInfo = types::abi(N);
    const MAY_REQUIRE_REALLOC: bool = true;
    type Lower = [ValRaw; N];

    fn typecheck(_: &InterfaceType, _: &InstanceType<'_>) -> Result<()> {
        Ok(())
    }
}

// SAFETY: as above.
#[expect(unsafe_code, reason = "wasmtime's traits for values that cross are unsafe to implement")]
unsafe impl<const N: usize> ComponentNamedList for Lifted<N> {}

// SAFETY: values are read through `LiftContext` alone, with every access to memory checked.
#[expect(unsafe_code, reason = "wasmtime's traits for values that cross are unsafe to implement")]
unsafe impl<const N: usize> Lift for Lifted<N> {
    fn linear_lift_from_flat(cx: &mut LiftContext<'_>, ty: InterfaceType, src: &Self::Lower) -> Result<Self> {
        Ok(Lifted(lift(cx, ty, |lifter, tuple| {
            let mut flat = &src[..];
            let mut values = Vec::with_capacity(tuple.types.len());
            for ty in &tuple.types {
                values.push(lifter.flat(*ty, &mut flat)?);
            }
            Ok(values)
        })))
    }

    fn linear_lift_from_memory(cx: &mut LiftContext<'_>, ty: InterfaceType, bytes: &[u8]) -> Result<Self> {
        let start = bytes.as_ptr() as usize - cx.memory().as_ptr() as usize;
        Ok(Lifted(lift(cx, ty, |lifter, tuple| lifter.fields(tuple.types.iter().copied(), start))))
    }
}

fn lift(
    cx: &mut LiftContext<'_>,
    ty: InterfaceType,
    values: impl FnOnce(&mut Lifter<'_, '_>, &TypeTuple) -> Result<Vec<Value>>,
) -> Result<LiftedArguments> {
    let InterfaceType::Tuple(tuple) = ty else {
        bail!("parameters that are not a tuple");
    };
    let types = cx.types;
    let mut lifter = Lifter { cx, handles: Vec::new(), values: 0 };
    let values = values(&mut lifter, &types[tuple])?;
    if !lifter.fits() {
        bail!(TooManyValues);
    }
    Ok(LiftedArguments { values, handles: lifter.handles })
}

struct Lifter<'a, 'b> {
    cx: &'a mut LiftContext<'b>,
    handles: Vec<LiftedHandle>,
    /// Values so far, with all elements of the open lists.
    values: usize,
}

impl<'b> Lifter<'_, 'b> {
    /// Counts values before memory is taken for them.
    fn count(&mut self, values: usize) {
        self.values = self.values.saturating_add(values);
    }

    /// Whether an event can hold the counted values. If not, the rest is checked and not kept: the recording
    /// ends with a fault in it, if there is one.
    fn fits(&self) -> bool {
        self.values <= MAX_VALUES
    }

    /// Lifts a value of type `ty` from the front of `src`.
    fn flat(&mut self, ty: InterfaceType, src: &mut &[ValRaw]) -> Result<Value> {
        self.count(1);
        let types = self.cx.types;
        Ok(match ty {
            InterfaceType::Bool => Value::Bool(next(src)?.get_u32() != 0),
            InterfaceType::S8 => Value::from(i64::from(next(src)?.get_i32() as i8)),
            InterfaceType::U8 => Value::Unsigned(u64::from(next(src)?.get_u32() as u8)),
            InterfaceType::S16 => Value::from(i64::from(next(src)?.get_i32() as i16)),
            InterfaceType::U16 => Value::Unsigned(u64::from(next(src)?.get_u32() as u16)),
            InterfaceType::S32 => Value::from(i64::from(next(src)?.get_i32())),
            InterfaceType::U32 => Value::Unsigned(u64::from(next(src)?.get_u32())),
            InterfaceType::S64 => Value::from(next(src)?.get_i64()),
            InterfaceType::U64 => Value::Unsigned(next(src)?.get_u64()),
            InterfaceType::Float32 => Value::F32(next(src)?.get_f32()),
            InterfaceType::Float64 => Value::F64(next(src)?.get_f64()),
            InterfaceType::Char => character(next(src)?.get_u32())?,
            InterfaceType::String => {
                let pair = [next(src)?, next(src)?];
                Value::String(String::linear_lift_from_flat(self.cx, ty, &pair)?)
            }
            InterfaceType::List(list) => {
                let (ptr, len) = (next(src)?.get_u32(), next(src)?.get_u32());
                self.list(ty, types[list].element, ptr, len)?
            }
            InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
                let index = next(src)?.get_u32();
                self.handle(ty, index)?
            }
            InterfaceType::Record(record) => {
                let mut fields = Vec::with_capacity(types[record].fields.len());
                for field in types[record].fields.iter() {
                    fields.push((Arc::from(&*field.name), self.flat(field.ty, src)?));
                }
                Value::Record(fields)
            }
            InterfaceType::Tuple(tuple) => {
                let elements = types[tuple].types.iter();
                Value::List(elements.map(|ty| self.flat(*ty, src)).collect::<Result<_>>()?)
            }
            InterfaceType::Flags(flags) => {
                let names = &types[flags].names;
                let mut set = Vec::new();
                for word in 0..names.len().div_ceil(32) {
                    push_flags(&mut set, names, word * 32, next(src)?.get_u32());
                }
                self.count(set.len());
                Value::List(set)
            }
            InterfaceType::Enum(_)
            | InterfaceType::Variant(_)
            | InterfaceType::Option(_)
            | InterfaceType::Result(_) => {
                let discriminant = next(src)?.get_u32();
                let Some(slots) = types.canonical_abi(&ty).flat_count(usize::MAX) else {
                    bail!("a variant that has no flat form");
                };
                // Every case uses the front of the same slots.
                let Some((mut payload, rest)) = src.split_at_checked(slots - 1) else {
                    bail!("flat arguments end early");
                };
                *src = rest;
                let (case, payload_ty) = types::case(types, ty, discriminant)?;
                let payload = match payload_ty {
                    Some(ty) => Some(self.flat(ty, &mut payload)?),
                    None => None,
                };
                case_value(ty, case, payload)
            }
            other => bail!("values of type {other:?} are not supported"),
        })
    }

    /// Lifts a value of type `ty` from memory at `at`.
    fn stored(&mut self, ty: InterfaceType, at: usize) -> Result<Value> {
        self.count(1);
        let types = self.cx.types;
        let size = types.canonical_abi(&ty).size32 as usize;
        let bytes = self.bytes(at, size)?;
        Ok(match ty {
            InterfaceType::Bool => Value::Bool(bytes[0] != 0),
            InterfaceType::S8 => Value::from(i64::from(bytes[0] as i8)),
            InterfaceType::U8 => Value::Unsigned(u64::from(bytes[0])),
            InterfaceType::S16 => Value::from(i64::from(i16::from_le_bytes(array(bytes)?))),
            InterfaceType::U16 => Value::Unsigned(u64::from(u16::from_le_bytes(array(bytes)?))),
            InterfaceType::S32 => Value::from(i64::from(i32::from_le_bytes(array(bytes)?))),
            InterfaceType::U32 => Value::Unsigned(u64::from(u32::from_le_bytes(array(bytes)?))),
            InterfaceType::S64 => Value::from(i64::from_le_bytes(array(bytes)?)),
            InterfaceType::U64 => Value::Unsigned(u64::from_le_bytes(array(bytes)?)),
            InterfaceType::Float32 => Value::F32(u32::from_le_bytes(array(bytes)?)),
            InterfaceType::Float64 => Value::F64(u64::from_le_bytes(array(bytes)?)),
            InterfaceType::Char => character(u32::from_le_bytes(array(bytes)?))?,
            InterfaceType::String => Value::String(String::linear_lift_from_memory(self.cx, ty, bytes)?),
            InterfaceType::List(list) => {
                let (ptr, len) = bytes.split_at(4);
                let (ptr, len) = (u32::from_le_bytes(array(ptr)?), u32::from_le_bytes(array(len)?));
                self.list(ty, types[list].element, ptr, len)?
            }
            InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
                let index = u32::from_le_bytes(array(bytes)?);
                self.handle(ty, index)?
            }
            InterfaceType::Record(record) => {
                let fields = &types[record].fields;
                let values = self.fields(fields.iter().map(|field| field.ty), at)?;
                let names = fields.iter().map(|field| Arc::from(&*field.name));
                Value::Record(names.zip(values).collect())
            }
            InterfaceType::Tuple(tuple) => Value::List(self.fields(types[tuple].types.iter().copied(), at)?),
            InterfaceType::Flags(flags) => {
                let mut set = Vec::new();
                for (word, bytes) in bytes.chunks(4).enumerate() {
                    let mut bits = [0; 4];
                    bits[..bytes.len()].copy_from_slice(bytes);
                    push_flags(&mut set, &types[flags].names, word * 32, u32::from_le_bytes(bits));
                }
                self.count(set.len());
                Value::List(set)
            }
            InterfaceType::Enum(_)
            | InterfaceType::Variant(_)
            | InterfaceType::Option(_)
            | InterfaceType::Result(_) => {
                let info = types::variant_info(types, ty)?;
                let discriminant = read_discriminant(bytes, info)?;
                let (case, payload_ty) = types::case(types, ty, discriminant)?;
                let payload = match payload_ty {
                    Some(ty) => Some(self.stored(ty, at + info.payload_offset32 as usize)?),
                    None => None,
                };
                case_value(ty, case, payload)
            }
            other => bail!("values of type {other:?} are not supported"),
        })
    }

    fn fields(&mut self, types: impl Iterator<Item = InterfaceType>, at: usize) -> Result<Vec<Value>> {
        let mut offset = 0u32;
        types
            .map(|ty| {
                let field = self.cx.types.canonical_abi(&ty).next_field32(&mut offset);
                self.stored(ty, at + field as usize)
            })
            .collect()
    }

    fn list(&mut self, ty: InterfaceType, element: InterfaceType, ptr: u32, len: u32) -> Result<Value> {
        if let InterfaceType::U8 = element {
            let pair = [ValRaw::u32(ptr), ValRaw::u32(len)];
            self.bytes(ptr as usize, len as usize).map_err(|_| Trap::ListOutOfBounds)?;
            let bytes = Vec::<u8>::linear_lift_from_flat(self.cx, ty, &pair)?;
            return Ok(Value::Bytes(bytes.into()));
        }
        let abi = self.cx.types.canonical_abi(&element);
        let (size, align) = (abi.size32 as usize, abi.align32);
        let Ok(total) = u32::try_from(u64::from(len) * size as u64) else { bail!(Trap::ListOutOfBounds) };
        if !ptr.is_multiple_of(align) {
            bail!(Trap::UnalignedPointer);
        }
        let (ptr, len) = (ptr as usize, len as usize);
        self.bytes(ptr, total as usize).map_err(|_| Trap::ListOutOfBounds)?;
        // Accounted in canonical bytes, as the profile's bound is given.
        self.cx.consume_fuel_array(len, size.max(1))?;
        self.count(len);
        let mut values = Vec::with_capacity(if self.fits() { len } else { 0 });
        for index in 0..len {
            // `stored` counts the element itself.
            self.values -= 1;
            let value = self.stored(element, ptr + index * size)?;
            if self.fits() {
                values.push(value);
            }
        }
        Ok(Value::List(values))
    }

    fn handle(&mut self, ty: InterfaceType, index: u32) -> Result<Value> {
        let (table, rep) = match ty {
            InterfaceType::Own(table) => (table, self.cx.guest_resource_lift_own(table, index)?.0),
            InterfaceType::Borrow(table) => (table, self.cx.guest_resource_lift_borrow(table, index)?),
            other => bail!("a handle of type {other:?}"),
        };
        if self.fits() {
            self.handles.push(LiftedHandle { ty: self.cx.resource_type(table), rep });
        }
        Ok(Value::Handle(rep))
    }

    fn bytes(&self, at: usize, len: usize) -> Result<&'b [u8]> {
        let end = at.checked_add(len);
        match end.and_then(|end| self.cx.memory().get(at..end)) {
            Some(bytes) => Ok(bytes),
            None => bail!(Trap::MemoryOutOfBounds),
        }
    }
}

fn next(src: &mut &[ValRaw]) -> Result<ValRaw> {
    match src.split_first() {
        Some((first, rest)) => {
            *src = rest;
            Ok(*first)
        }
        None => bail!("flat arguments end early"),
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    Ok(<[u8; N]>::try_from(bytes)?)
}

fn character(code: u32) -> Result<Value> {
    match char::from_u32(code) {
        Some(character) => Ok(Value::String(character.to_string())),
        None => bail!(Trap::InvalidChar),
    }
}

fn read_discriminant(bytes: &[u8], info: &VariantInfo) -> Result<u32> {
    Ok(match u32::from(info.size) {
        1 => u32::from(bytes[0]),
        2 => u32::from(u16::from_le_bytes(array(&bytes[..2])?)),
        _ => u32::from_le_bytes(array(&bytes[..4])?),
    })
}

fn push_flags<'a>(set: &mut Vec<Value>, names: impl IntoIterator<Item = &'a String>, skip: usize, bits: u32) {
    for (bit, name) in names.into_iter().skip(skip).take(32).enumerate() {
        if bits & (1 << bit) != 0 {
            set.push(Value::String(name.clone()));
        }
    }
}

fn case_value(ty: InterfaceType, case: &str, payload: Option<Value>) -> Value {
    match ty {
        InterfaceType::Option(_) => match payload {
            Some(value) => Value::List(vec![value]),
            None => Value::None,
        },
        _ => Value::case(case, payload),
    }
}
