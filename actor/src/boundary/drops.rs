//! Owns the code that gives borrows back: after the real call the shim must drop every `borrow` in its
//! parameters, at any depth, or the component model traps.

use std::collections::HashMap;

use wasm_encoder::{BlockType, Function as Code, Instruction as I, MemArg};
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Handle, Resolve, SizeAlign, Type, TypeDefKind, TypeId};

use super::wit_types::{contains_handle, dealias};

/// How many locals the code for one parameter list may need beyond the parameters: an address and a counter
/// for every list that contains lists that contain borrows.
pub(super) const SCRATCH_LOCALS: u32 = 2 * MAX_LIST_DEPTH;
const MAX_LIST_DEPTH: u32 = 16;

/// Emits the drops of one shim.
pub(super) struct Drops<'a> {
    pub resolve: &'a Resolve,
    pub sizes: &'a SizeAlign,
    /// Core function index of `[resource-drop]` per resource.
    pub functions: &'a HashMap<TypeId, u32>,
}

/// Where a value in memory is: a local that holds an address, and an offset from it.
#[derive(Clone, Copy)]
struct Address {
    local: u32,
    offset: u64,
}

/// Scratch locals: the first free one, and how many lists are being walked.
#[derive(Clone, Copy)]
struct Scratch {
    next: u32,
    depth: u32,
}

impl Drops<'_> {
    /// Drops the borrows in parameters that arrive flat, in locals that start at 0. `scratch` is the first of
    /// [`SCRATCH_LOCALS`] `i32` locals. `Err` names what is nested too deep.
    pub fn flat_params(&self, code: &mut Code, types: &[Type], scratch: u32) -> Result<(), &'static str> {
        let scratch = Scratch { next: scratch, depth: 0 };
        let mut at = 0;
        for ty in types {
            let flat = self.flat(ty);
            let locals: Vec<(u32, WasmType)> = (at..).zip(flat.iter().copied()).collect();
            self.flat_value(code, ty, &locals, scratch)?;
            at += flat.len() as u32;
        }
        Ok(())
    }

    /// Drops the borrows in parameters that were spilled to memory at the address in local 0.
    pub fn spilled_params(&self, code: &mut Code, types: &[Type], scratch: u32) -> Result<(), &'static str> {
        let scratch = Scratch { next: scratch, depth: 0 };
        for (offset, ty) in self.sizes.field_offsets(types) {
            let address = Address { local: 0, offset: offset.size_wasm32() as u64 };
            self.stored_value(code, ty, address, scratch)?;
        }
        Ok(())
    }

    fn lends(&self, ty: &Type) -> bool {
        contains_handle(self.resolve, ty, &|handle| matches!(handle, Handle::Borrow(_)))
    }

    fn flat(&self, ty: &Type) -> Vec<WasmType> {
        let mut storage = [WasmType::I32; 64];
        let mut flat = FlatTypes::new(&mut storage);
        self.resolve.push_flat(ty, &mut flat);
        flat.to_vec()
    }

    fn call_drop(&self, code: &mut Code, resource: TypeId) {
        let function = self.functions[&dealias(self.resolve, resource)];
        code.instruction(&I::Call(function));
    }

    /// `locals` hold the flat form of the value, with the core type of each slot. Inside a variant a slot can
    /// be wider than its value.
    fn flat_value(
        &self,
        code: &mut Code,
        ty: &Type,
        locals: &[(u32, WasmType)],
        scratch: Scratch,
    ) -> Result<(), &'static str> {
        if !self.lends(ty) {
            return Ok(());
        }
        let Type::Id(id) = ty else { return Ok(()) };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Handle(Handle::Borrow(resource)) => {
                get_i32(code, locals[0]);
                self.call_drop(code, *resource);
            }
            TypeDefKind::Type(ty) => self.flat_value(code, ty, locals, scratch)?,
            TypeDefKind::List(element) => {
                // The walk wants the address and the length in locals of type i32.
                let inner = scratch.enter_list()?;
                get_i32(code, locals[0]);
                code.instruction(&I::LocalSet(scratch.next));
                get_i32(code, locals[1]);
                code.instruction(&I::LocalSet(scratch.next + 1));
                self.list(code, element, scratch.next, inner)?;
            }
            TypeDefKind::Record(record) => {
                let types: Vec<Type> = record.fields.iter().map(|field| field.ty).collect();
                self.flat_fields(code, &types, locals, scratch)?;
            }
            TypeDefKind::Tuple(tuple) => self.flat_fields(code, &tuple.types, locals, scratch)?,
            kind => {
                for (case, payload) in lending_cases(kind) {
                    if !self.lends(payload) {
                        continue;
                    }
                    if_case(code, case, |code| get_i32(code, locals[0]));
                    self.flat_value(code, payload, &locals[1..], scratch)?;
                    code.instruction(&I::End);
                }
            }
        }
        Ok(())
    }

    fn flat_fields(
        &self,
        code: &mut Code,
        types: &[Type],
        mut locals: &[(u32, WasmType)],
        scratch: Scratch,
    ) -> Result<(), &'static str> {
        for ty in types {
            let (own, rest) = locals.split_at(self.flat(ty).len());
            self.flat_value(code, ty, own, scratch)?;
            locals = rest;
        }
        Ok(())
    }

    fn stored_value(
        &self,
        code: &mut Code,
        ty: &Type,
        address: Address,
        scratch: Scratch,
    ) -> Result<(), &'static str> {
        if !self.lends(ty) {
            return Ok(());
        }
        let Type::Id(id) = ty else { return Ok(()) };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Handle(Handle::Borrow(resource)) => {
                load_i32(code, address);
                self.call_drop(code, *resource);
            }
            TypeDefKind::Type(ty) => self.stored_value(code, ty, address, scratch)?,
            TypeDefKind::List(element) => {
                let inner = scratch.enter_list()?;
                load_i32(code, address);
                code.instruction(&I::LocalSet(scratch.next));
                load_i32(code, address.plus(4));
                code.instruction(&I::LocalSet(scratch.next + 1));
                self.list(code, element, scratch.next, inner)?;
            }
            TypeDefKind::Record(record) => {
                let types: Vec<Type> = record.fields.iter().map(|field| field.ty).collect();
                self.stored_fields(code, &types, address, scratch)?;
            }
            TypeDefKind::Tuple(tuple) => self.stored_fields(code, &tuple.types, address, scratch)?,
            kind => {
                let (tag, payloads) = case_layout(kind);
                let offset = self.sizes.payload_offset(tag, payloads.iter().map(Option::as_ref));
                let payload_address = address.plus(offset.size_wasm32() as u64);
                for (case, payload) in lending_cases(kind) {
                    if !self.lends(payload) {
                        continue;
                    }
                    if_case(code, case, |code| load_tag(code, tag, address));
                    self.stored_value(code, payload, payload_address, scratch)?;
                    code.instruction(&I::End);
                }
            }
        }
        Ok(())
    }

    fn stored_fields(
        &self,
        code: &mut Code,
        types: &[Type],
        address: Address,
        scratch: Scratch,
    ) -> Result<(), &'static str> {
        for (offset, ty) in self.sizes.field_offsets(types) {
            self.stored_value(code, ty, address.plus(offset.size_wasm32() as u64), scratch)?;
        }
        Ok(())
    }

    /// Walks a list whose address is in local `at` and whose length is in local `at + 1`.
    fn list(&self, code: &mut Code, element: &Type, at: u32, scratch: Scratch) -> Result<(), &'static str> {
        let size = self.sizes.size(element).size_wasm32() as i32;
        for instruction in [
            I::Block(BlockType::Empty),
            I::Loop(BlockType::Empty),
            I::LocalGet(at + 1),
            I::I32Eqz,
            I::BrIf(1),
        ] {
            code.instruction(&instruction);
        }
        let address = Address { local: at, offset: 0 };
        self.stored_value(code, element, address, scratch)?;
        for instruction in [
            I::LocalGet(at),
            I::I32Const(size),
            I::I32Add,
            I::LocalSet(at),
            I::LocalGet(at + 1),
            I::I32Const(1),
            I::I32Sub,
            I::LocalSet(at + 1),
            I::Br(0),
            I::End,
            I::End,
        ] {
            code.instruction(&instruction);
        }
        Ok(())
    }
}

impl Address {
    fn plus(self, offset: u64) -> Address {
        Address { offset: self.offset + offset, ..self }
    }

    fn memarg(self, align: u32) -> MemArg {
        MemArg { offset: self.offset, align, memory_index: 0 }
    }
}

impl Scratch {
    fn enter_list(self) -> Result<Scratch, &'static str> {
        if self.depth == MAX_LIST_DEPTH {
            return Err("borrows in lists more than 16 deep");
        }
        Ok(Scratch { next: self.next + 2, depth: self.depth + 1 })
    }
}

/// The cases of a variant-like type that have a payload, with their discriminants.
fn lending_cases(kind: &TypeDefKind) -> Vec<(i32, &Type)> {
    match kind {
        TypeDefKind::Variant(variant) => {
            (0..).zip(&variant.cases).filter_map(|(index, case)| Some((index, case.ty.as_ref()?))).collect()
        }
        TypeDefKind::Option(ty) => vec![(1, ty)],
        TypeDefKind::Result(result) => {
            let ok = result.ok.as_ref().map(|ty| (0, ty));
            ok.into_iter().chain(result.err.as_ref().map(|ty| (1, ty))).collect()
        }
        _ => Vec::new(),
    }
}

/// The tag of a variant-like type and the payloads of all its cases, which decide where a payload is stored.
fn case_layout(kind: &TypeDefKind) -> (wit_parser::Int, Vec<Option<Type>>) {
    match kind {
        TypeDefKind::Variant(variant) => (variant.tag(), variant.cases.iter().map(|case| case.ty).collect()),
        TypeDefKind::Option(ty) => (wit_parser::Int::U8, vec![None, Some(*ty)]),
        TypeDefKind::Result(result) => (wit_parser::Int::U8, vec![result.ok, result.err]),
        _ => (wit_parser::Int::U8, Vec::new()),
    }
}

fn get_i32(code: &mut Code, (local, slot): (u32, WasmType)) {
    code.instruction(&I::LocalGet(local));
    match slot {
        WasmType::I64 | WasmType::PointerOrI64 => {
            code.instruction(&I::I32WrapI64);
        }
        // An i32 beside an f32 shares a slot of type i32, so no other conversion arises.
        _ => {}
    }
}

fn load_i32(code: &mut Code, address: Address) {
    code.instruction(&I::LocalGet(address.local));
    code.instruction(&I::I32Load(address.memarg(2)));
}

fn load_tag(code: &mut Code, tag: wit_parser::Int, address: Address) {
    code.instruction(&I::LocalGet(address.local));
    code.instruction(&match tag {
        wit_parser::Int::U8 => I::I32Load8U(address.memarg(0)),
        wit_parser::Int::U16 => I::I32Load16U(address.memarg(1)),
        wit_parser::Int::U32 | wit_parser::Int::U64 => I::I32Load(address.memarg(2)),
    });
}

fn if_case(code: &mut Code, case: i32, tag: impl FnOnce(&mut Code)) {
    tag(code);
    code.instruction(&I::I32Const(case));
    code.instruction(&I::I32Eq);
    code.instruction(&I::If(BlockType::Empty));
}
