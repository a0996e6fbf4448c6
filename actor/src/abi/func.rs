//! Owns the definition of dynamically typed host functions, and the questions about types that lifting and lowering share.

use std::future::Future;

use retake_chain::Value;
use wasmtime::component::__internal::wasmtime_environ::component::VariantInfo;
use wasmtime::component::__internal::{CanonicalAbiInfo, ComponentTypes, InterfaceType};
use wasmtime::component::LinkerInstance;
use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::{Result, StoreContextMut, Trap, bail};

use super::lift::{Arguments, Lifted};
use super::lower::Lowered;

/// Parameters of more core values than this are spilled to memory (canonical ABI).
const MAX_FLAT_PARAMS: usize = 16;

/// What wasmtime is told of a parameter or result list of `flat` core values. Sizes in memory are read from the
/// function's type instead.
pub(super) const fn abi(flat: usize) -> CanonicalAbiInfo {
    CanonicalAbiInfo { size32: 0, align32: 1, size64: 0, align64: 1, flat_count: Some(flat as u8) }
}

/// The number of flat core values of a type.
fn flat_count(ty: &Type) -> usize {
    let widest = |types: &mut dyn Iterator<Item = Type>| types.map(|ty| flat_count(&ty)).max();
    match ty {
        Type::String | Type::List(_) => 2,
        Type::Record(record) => record.fields().map(|field| flat_count(&field.ty)).sum(),
        Type::Tuple(tuple) => tuple.types().map(|ty| flat_count(&ty)).sum(),
        Type::Variant(variant) => 1 + widest(&mut variant.cases().filter_map(|case| case.ty)).unwrap_or(0),
        Type::Option(option) => 1 + flat_count(&option.ty()),
        Type::Result(result) => 1 + widest(&mut result.ok().into_iter().chain(result.err())).unwrap_or(0),
        Type::Flags(flags) => flags.names().len().div_ceil(32),
        _ => 1,
    }
}

/// The `N`s of [`Lifted`] and [`Lowered`] for a function.
fn flat_counts(ty: &ComponentFunc) -> (usize, usize) {
    let params: usize = ty.params().map(|(_, ty)| flat_count(&ty)).sum();
    let results: usize = ty.results().map(|ty| flat_count(&ty)).sum();
    let params = if params > MAX_FLAT_PARAMS { 0 } else { params };
    (params, if results == 1 { 1 } else { 0 })
}

macro_rules! with_counts {
    ($counts:expr, $define:ident) => {
        with_counts!(@ $counts, $define, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
    };
    (@ $counts:expr, $define:ident, $($n:literal)*) => {
        match $counts {
            $(($n, 1) => $define!($n, 1), ($n, 0) => $define!($n, 0),)*
            _ => bail!("a function of more than 16 flat parameters or 1 flat result"),
        }
    };
}

/// Defines a host function of any type. `body` gets the lifted arguments, or what kept them from being lifted, and
/// returns the result, `None` for a function without one.
pub fn define<T: 'static>(
    linker: &mut LinkerInstance<'_, T>,
    name: &str,
    ty: &ComponentFunc,
    body: impl Fn(StoreContextMut<'_, T>, Result<Arguments>) -> Result<Option<Value>> + Send + Sync + 'static,
) -> Result<()> {
    macro_rules! wrap {
        ($n:literal, $r:literal) => {
            linker.func_wrap(name, move |store, Lifted(arguments): Lifted<$n>| {
                Ok(Lowered::<$r>(body(store, arguments)?))
            })
        };
    }
    with_counts!(flat_counts(ty), wrap)
}

/// What a waiting host function answers with: it has no result.
pub type Done = Lowered<0>;

/// As [`define`], for a function without a result whose body may wait.
pub fn define_async<T: Send + 'static, F>(
    linker: &mut LinkerInstance<'_, T>,
    name: &str,
    ty: &ComponentFunc,
    body: F,
) -> Result<()>
where
    F: for<'a> Fn(
            StoreContextMut<'a, T>,
            Result<Arguments>,
        ) -> Box<dyn Future<Output = Result<Done>> + Send + 'a>
        + Send
        + Sync
        + 'static,
{
    macro_rules! wrap {
        ($n:literal, 0) => {
            linker.func_wrap_async(name, move |store, Lifted(arguments): Lifted<$n>| body(store, arguments))
        };
        ($n:literal, 1) => {
            bail!("`{name}` has a result")
        };
    }
    with_counts!(flat_counts(ty), wrap)
}

/// The name and payload type of the case with the given discriminant.
pub(super) fn case(
    types: &ComponentTypes,
    ty: InterfaceType,
    discriminant: u32,
) -> Result<(&str, Option<InterfaceType>)> {
    let index = discriminant as usize;
    let found = match ty {
        InterfaceType::Enum(id) => {
            let name = types[id].names.iter().nth(index);
            name.map(|name| (name.as_str(), None))
        }
        InterfaceType::Variant(id) => {
            let case = types[id].cases.get_index(index);
            case.map(|(name, payload)| (name.as_str(), *payload))
        }
        InterfaceType::Option(id) => match index {
            0 => Some(("none", None)),
            1 => Some(("some", Some(types[id].ty))),
            _ => None,
        },
        InterfaceType::Result(id) => match index {
            0 => Some(("ok", types[id].ok)),
            1 => Some(("err", types[id].err)),
            _ => None,
        },
        _ => None,
    };
    match found {
        Some(found) => Ok(found),
        None => bail!(Trap::InvalidDiscriminant),
    }
}

/// The discriminant and payload type of the case with the given name.
pub(super) fn case_named(
    types: &ComponentTypes,
    ty: InterfaceType,
    name: &str,
) -> Option<(u32, Option<InterfaceType>)> {
    match ty {
        InterfaceType::Enum(id) => {
            let index = types[id].names.get_index_of(name)?;
            Some((index as u32, None))
        }
        InterfaceType::Variant(id) => {
            let (index, _, payload) = types[id].cases.get_full(name)?;
            Some((index as u32, *payload))
        }
        InterfaceType::Option(id) => match name {
            "none" => Some((0, None)),
            "some" => Some((1, Some(types[id].ty))),
            _ => None,
        },
        InterfaceType::Result(id) => match name {
            "ok" => Some((0, types[id].ok)),
            "err" => Some((1, types[id].err)),
            _ => None,
        },
        _ => None,
    }
}

/// How a variant-like type is laid out in memory.
pub(super) fn variant_info(types: &ComponentTypes, ty: InterfaceType) -> Result<&VariantInfo> {
    Ok(match ty {
        InterfaceType::Enum(id) => &types[id].info,
        InterfaceType::Variant(id) => &types[id].info,
        InterfaceType::Option(id) => &types[id].info,
        InterfaceType::Result(id) => &types[id].info,
        other => bail!("{other:?} has no cases"),
    })
}

/// A type as people read it, one level deep.
pub(super) fn type_name(types: &ComponentTypes, ty: InterfaceType) -> String {
    let names = |names: Vec<&str>| names.join(", ");
    match ty {
        InterfaceType::Record(id) => {
            let fields = types[id].fields.iter().map(|field| &*field.name).collect();
            format!("record {{ {} }}", names(fields))
        }
        InterfaceType::Variant(id) => {
            let cases = types[id].cases.keys().map(String::as_str).collect();
            format!("variant {{ {} }}", names(cases))
        }
        InterfaceType::Enum(id) => {
            let cases = types[id].names.iter().map(String::as_str).collect();
            format!("enum {{ {} }}", names(cases))
        }
        InterfaceType::Flags(id) => {
            let flags = types[id].names.iter().map(String::as_str).collect();
            format!("flags {{ {} }}", names(flags))
        }
        InterfaceType::List(_) => "list".into(),
        InterfaceType::Tuple(id) => format!("tuple of {}", types[id].types.len()),
        InterfaceType::Option(_) => "option".into(),
        InterfaceType::Result(_) => "result".into(),
        InterfaceType::Own(_) => "own".into(),
        InterfaceType::Borrow(_) => "borrow".into(),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}
