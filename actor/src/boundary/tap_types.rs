//! Owns the types of the tap interface: for every imported function `f` with index `i`, `a{i}` takes its
//! arguments and `r{i}` its result, with every `own` replaced by a `borrow` of the same layout, so that a
//! report takes nothing from the guest.

use std::collections::HashMap;

use wit_parser::abi::AbiVariant;
use wit_parser::{
    Function, Handle, InterfaceId, Param, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner, WorldId,
    WorldItem, WorldKey,
};

use super::error::InstrumentError;
use super::names::{arguments_name, result_name};
use super::wit_types::{contains_handle, for_each_child};

/// Adds an interface with one function as a mould for others, and returns it with that function.
pub(super) fn add_interface(
    resolve: &mut Resolve,
    name: &str,
    wit: &str,
) -> Result<(InterfaceId, Function), InstrumentError> {
    let package = resolve
        .push_str(format!("{name}.wit"), wit)
        .map_err(|error| InstrumentError::build("interface", error))?;
    let id = resolve.packages[package].interfaces[name];
    match resolve.interfaces[id].functions.shift_remove("mould") {
        Some(mould) => Ok((id, mould)),
        None => Err(InstrumentError::build("interface", "no mould")),
    }
}

/// A world item that imports or exports the interface.
pub(super) fn interface_item(id: InterfaceId) -> (WorldKey, WorldItem) {
    let item = WorldItem::Interface {
        id,
        stability: Default::default(),
        external_id: None,
        docs: Default::default(),
        span: Default::default(),
    };
    (WorldKey::Interface(id), item)
}

/// Adds the tap interface to the imports of `world`.
pub(super) fn add_tap_interface(
    resolve: &mut Resolve,
    world: WorldId,
    functions: &[(String, Function)],
) -> Result<InterfaceId, InstrumentError> {
    let (tap, mould) =
        add_interface(resolve, "tap", "package retake:boundary; interface tap { mould: func(); }")?;
    let mut lender = Lender { resolve, tap, lent: HashMap::new() };
    for (index, (_, function)) in functions.iter().enumerate() {
        let mut arguments = mould.clone();
        arguments.name = arguments_name(index);
        arguments.params = function.params.clone();
        for param in &mut arguments.params {
            param.ty = lender.lend(&param.ty);
        }
        lender.declare(arguments);

        // A function without a result reports too: the report says that the call returned.
        let mut result = mould.clone();
        result.name = result_name(index);
        if let Some(ty) = &function.result {
            let signature = lender.resolve.wasm_signature(AbiVariant::GuestImport, function);
            let lent = lender.lend(ty);
            // A result in memory is reported in place, as a list of one element.
            let ty = if signature.retptr { lender.anonymous(TypeDefKind::List(lent)) } else { lent };
            result.params = vec![Param { name: "result".into(), ty, span: Default::default() }];
        }
        lender.declare(result);
    }
    let (key, item) = interface_item(tap);
    resolve.worlds[world].imports.insert(key, item);
    Ok(tap)
}

struct Lender<'a> {
    resolve: &'a mut Resolve,
    tap: InterfaceId,
    lent: HashMap<TypeId, Type>,
}

impl Lender<'_> {
    fn declare(&mut self, function: Function) {
        self.resolve.interfaces[self.tap].functions.insert(function.name.clone(), function);
    }

    fn anonymous(&mut self, kind: TypeDefKind) -> Type {
        Type::Id(self.resolve.types.alloc(TypeDef {
            name: None,
            kind,
            owner: TypeOwner::None,
            docs: Default::default(),
            stability: Default::default(),
            span: Default::default(),
            external_id: None,
        }))
    }

    /// The same type with `borrow` for `own`.
    fn lend(&mut self, ty: &Type) -> Type {
        let owns = |handle: &Handle| matches!(handle, Handle::Own(_));
        let Type::Id(id) = *ty else { return *ty };
        if !contains_handle(self.resolve, ty, &owns) {
            return *ty;
        }
        if let Some(lent) = self.lent.get(&id) {
            return *lent;
        }
        let mut def = self.resolve.types[id].clone();
        let lent = if let TypeDefKind::Type(aliased) = def.kind {
            self.lend(&aliased)
        } else {
            self.lend_inside(&mut def.kind);
            let name = def.name.as_ref().map(|_| format!("t{}", self.lent.len()));
            def.owner = match name {
                Some(_) => TypeOwner::Interface(self.tap),
                None => TypeOwner::None,
            };
            def.name = name.clone();
            let new = self.resolve.types.alloc(def);
            if let Some(name) = name {
                self.resolve.interfaces[self.tap].types.insert(name, new);
            }
            Type::Id(new)
        };
        self.lent.insert(id, lent);
        lent
    }

    fn lend_inside(&mut self, kind: &mut TypeDefKind) {
        match kind {
            TypeDefKind::Handle(handle) => {
                if let Handle::Own(resource) = *handle {
                    *handle = Handle::Borrow(resource);
                }
            }
            // Nothing else holds a handle: `World::decode` refused it.
            kind => for_each_child(kind, &mut |ty| *ty = self.lend(ty)),
        }
    }
}
