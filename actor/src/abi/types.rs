//! Owns the questions about component types that lifting and lowering share: their cases, layout and names.

use wasmtime::component::__internal::wasmtime_environ::component::VariantInfo;
use wasmtime::component::__internal::{CanonicalAbiInfo, ComponentTypes, InterfaceType};
use wasmtime::{Result, Trap, bail};

/// The ABI that wasmtime sees for a parameter or result list of `flat` core values. Sizes in memory are read
/// from the function's type instead.
pub(super) const fn abi(flat: usize) -> CanonicalAbiInfo {
    CanonicalAbiInfo { size32: 0, align32: 1, size64: 0, align64: 1, flat_count: Some(flat as u8) }
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
