//! Owns the walks over the handles inside a value or a type.

use retake_chain::Value;
use wasmtime::component::Type;

/// Replaces every handle inside a value, in the order in which lifting met them.
pub fn map_handles<E>(value: &mut Value, map: &mut impl FnMut(u32) -> Result<u32, E>) -> Result<(), E> {
    match value {
        Value::Handle(handle) => *handle = map(*handle)?,
        Value::List(values) => {
            for value in values {
                map_handles(value, map)?;
            }
        }
        Value::Record(fields) => {
            for (_, value) in fields {
                map_handles(value, map)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether a value of the type can have an owned handle in it.
pub(crate) fn has_owned_handle(ty: &Type) -> bool {
    match ty {
        Type::Own(_) => true,
        Type::List(list) => has_owned_handle(&list.ty()),
        Type::Record(record) => record.fields().any(|field| has_owned_handle(&field.ty)),
        Type::Tuple(tuple) => tuple.types().any(|ty| has_owned_handle(&ty)),
        Type::Variant(variant) => variant.cases().filter_map(|case| case.ty).any(|ty| has_owned_handle(&ty)),
        Type::Option(option) => has_owned_handle(&option.ty()),
        Type::Result(result) => result.ok().into_iter().chain(result.err()).any(|ty| has_owned_handle(&ty)),
        _ => false,
    }
}

/// For each handle inside a value, in the order in which lifting met them, whether the type says that it is
/// an owned one.
pub(crate) fn owned_handles(value: &Value, ty: &Type, owned: &mut Vec<bool>) {
    match (ty, value) {
        (Type::Own(_), _) => owned.push(true),
        (Type::Borrow(_), _) => owned.push(false),
        (Type::List(list), Value::List(values)) => {
            let ty = list.ty();
            values.iter().for_each(|value| owned_handles(value, &ty, owned));
        }
        (Type::Option(option), Value::List(values)) => {
            let ty = option.ty();
            values.iter().for_each(|value| owned_handles(value, &ty, owned));
        }
        (Type::Tuple(tuple), Value::List(values)) => {
            tuple.types().zip(values).for_each(|(ty, value)| owned_handles(value, &ty, owned));
        }
        (Type::Record(record), Value::Record(fields)) => {
            let pairs = record.fields().zip(fields);
            pairs.for_each(|(field, (_, value))| owned_handles(value, &field.ty, owned));
        }
        (Type::Variant(variant), Value::Record(payload)) => {
            for (name, value) in payload {
                let case = variant.cases().find(|case| case.name == &**name);
                if let Some(ty) = case.and_then(|case| case.ty) {
                    owned_handles(value, &ty, owned);
                }
            }
        }
        (Type::Result(result), Value::Record(payload)) => {
            for (name, value) in payload {
                let ty = if &**name == "ok" { result.ok() } else { result.err() };
                if let Some(ty) = ty {
                    owned_handles(value, &ty, owned);
                }
            }
        }
        _ => {}
    }
}
