//! Owns the walks over WIT types that the files of the boundary share.

use wit_parser::{Function, Handle, Resolve, Type, TypeDefKind, TypeId, TypeOwner};

/// The types directly inside a type, in canonical order.
pub(super) fn children(kind: &TypeDefKind) -> Vec<Type> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty).collect(),
        TypeDefKind::Option(ty) | TypeDefKind::List(ty) | TypeDefKind::Type(ty) => vec![*ty],
        TypeDefKind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        _ => Vec::new(),
    }
}

/// Does something to each type directly inside a type.
pub(super) fn for_each_child(kind: &mut TypeDefKind, change: &mut impl FnMut(&mut Type)) {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter_mut().for_each(|field| change(&mut field.ty)),
        TypeDefKind::Tuple(tuple) => tuple.types.iter_mut().for_each(change),
        TypeDefKind::Variant(variant) => {
            variant.cases.iter_mut().filter_map(|case| case.ty.as_mut()).for_each(change);
        }
        TypeDefKind::Option(ty) | TypeDefKind::List(ty) | TypeDefKind::Type(ty) => change(ty),
        TypeDefKind::Result(result) => result.ok.iter_mut().chain(&mut result.err).for_each(change),
        _ => {}
    }
}

/// Follows type aliases to the type they name.
pub(super) fn dealias(resolve: &Resolve, mut id: TypeId) -> TypeId {
    while let TypeDefKind::Type(Type::Id(next)) = resolve.types[id].kind {
        id = next;
    }
    id
}

/// Whether a handle of the wanted kind is anywhere inside the type.
pub(super) fn contains_handle(resolve: &Resolve, ty: &Type, wanted: &impl Fn(&Handle) -> bool) -> bool {
    let Type::Id(id) = ty else { return false };
    match &resolve.types[*id].kind {
        TypeDefKind::Handle(handle) => wanted(handle),
        kind => children(kind).iter().any(|ty| contains_handle(resolve, ty, wanted)),
    }
}

/// Names the types of a function as interfaces do.
pub(super) fn name_by_interfaces(resolve: &mut Resolve, function: &mut Function) {
    let params = function.params.iter_mut().map(|param| &mut param.ty);
    params.chain(&mut function.result).for_each(|ty| *ty = without_root_names(resolve, *ty));
}

/// The same type by the names that interfaces have for it: an interface cannot use the names of a world.
fn without_root_names(resolve: &mut Resolve, ty: Type) -> Type {
    let Type::Id(id) = ty else { return ty };
    let mut def = resolve.types[id].clone();
    match (def.owner, &mut def.kind) {
        (TypeOwner::World(_), TypeDefKind::Type(target)) => return without_root_names(resolve, *target),
        (TypeOwner::None, TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id))) => {
            *id = dealias(resolve, *id);
        }
        (TypeOwner::None, kind) => {
            for_each_child(kind, &mut |child| *child = without_root_names(resolve, *child));
        }
        _ => return ty,
    }
    Type::Id(resolve.types.alloc(def))
}
