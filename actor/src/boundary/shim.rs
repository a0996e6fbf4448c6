//! Owns the shim: a component that imports what the actor imports, and the tap, and exports for each imported
//! function a function that reports its arguments, calls the real one, reports the result and gives borrows
//! back.

use std::collections::HashMap;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function as Code,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction as I, MemorySection, MemoryType,
    Module, TypeSection, ValType,
};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{
    Function, FunctionKind, InterfaceId, SizeAlign, Type, TypeDef, TypeDefKind, TypeId, TypeOwner,
};

use super::drops::{Drops, SCRATCH_LOCALS};
use super::error::InstrumentError;
use super::names::{CALLS, TAP, arguments_name, call_name, result_name};
use super::tap_types::{add_interface, add_tap_interface, interface_item};
use super::wit_types::contains_handle;
use super::world::World;

/// Where the bump allocator starts, and restarts after each call: copies live for one call.
const HEAP_BASE: i32 = 1024;
const HEAP: u32 = 0;

/// Builds the shim of a component with the given world. Consumes the world: its exports are replaced by the
/// shim's.
pub(super) fn build(mut world: World) -> Result<Vec<u8>, InstrumentError> {
    world.resolve.worlds[world.world].exports.clear();
    let (calls, mould) = add_interface(
        &mut world.resolve,
        "calls",
        "package retake:boundary-calls; interface calls { mould: func(); }",
    )?;
    for (index, (_, function)) in world.functions.iter().enumerate() {
        let call = Function {
            name: call_name(index),
            kind: FunctionKind::Freestanding,
            params: function.params.clone(),
            result: function.result,
            ..mould.clone()
        };
        let functions = &mut world.resolve.interfaces[calls].functions;
        functions.insert(call.name.clone(), call);
    }
    use_every_type(&mut world, calls);
    let (key, item) = interface_item(calls);
    world.resolve.worlds[world.world].exports.insert(key, item);
    let tap = add_tap_interface(&mut world.resolve, world.world, &world.functions)?;

    let mut core = CoreModule::default();
    let imported = core.import_all(&world, tap);
    core.add_realloc();
    let mut sizes = SizeAlign::default();
    sizes.fill(&world.resolve);
    for (index, imports) in imported.calls.iter().enumerate() {
        let (_, function) = &world.functions[index];
        core.add_call(&world, &sizes, &imported.drops, index, function, *imports)?;
    }
    let mut module = core.finish();
    wit_component::embed_component_metadata(&mut module, &world.resolve, world.world, StringEncoding::UTF8)
        .map_err(|error| InstrumentError::build("metadata", error))?;
    ComponentEncoder::default()
        // An actor that imports two versions of an interface gets two.
        .merge_imports_based_on_semver(false)
        .module(&module)
        .and_then(|encoder| encoder.validate(cfg!(debug_assertions)).encode())
        .map_err(|error| InstrumentError::build("shim", error))
}

/// Makes the interface use each named type of the imports. The encoder drops unused types, but the original
/// needs them.
fn use_every_type(world: &mut World, calls: InterfaceId) {
    let resolve = &mut world.resolve;
    let named = world.imports.iter().flat_map(|import| resolve.interfaces[import.id].types.values());
    for (index, id) in named.copied().collect::<Vec<_>>().into_iter().enumerate() {
        let name = format!("t{index}");
        let used = resolve.types.alloc(TypeDef {
            name: Some(name.clone()),
            kind: TypeDefKind::Type(Type::Id(id)),
            owner: TypeOwner::Interface(calls),
            docs: Default::default(),
            stability: Default::default(),
            span: Default::default(),
            external_id: None,
        });
        resolve.interfaces[calls].types.insert(name, used);
    }
}

/// Core function indices of what one shim function calls.
#[derive(Clone, Copy)]
struct CallImports {
    real: u32,
    arguments: u32,
    result: u32,
}

struct Imported {
    calls: Vec<CallImports>,
    drops: HashMap<TypeId, u32>,
}

#[derive(Default)]
struct CoreModule {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    exports: ExportSection,
    code: CodeSection,
    function_count: u32,
    realloc: u32,
}

impl CoreModule {
    fn import_all(&mut self, world: &World, tap: InterfaceId) -> Imported {
        let resolve = &world.resolve;
        let signature = |function: &Function| {
            let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
            (values(&signature.params), values(&signature.results))
        };
        let tap = &resolve.interfaces[tap].functions;
        let mut calls = Vec::new();
        for (index, (interface, function)) in world.functions.iter().enumerate() {
            let (arguments, result) = (arguments_name(index), result_name(index));
            calls.push(CallImports {
                real: self.import(interface, &function.name, signature(function)),
                arguments: self.import(TAP, &arguments, signature(&tap[&arguments])),
                result: self.import(TAP, &result, signature(&tap[&result])),
            });
        }
        let mut drops = HashMap::new();
        for import in &world.imports {
            for (name, id) in &resolve.interfaces[import.id].types {
                if let TypeDefKind::Resource = resolve.types[*id].kind {
                    let drop = format!("[resource-drop]{name}");
                    let index = self.import(&import.name, &drop, (vec![ValType::I32], vec![]));
                    drops.insert(*id, index);
                }
            }
        }
        Imported { calls, drops }
    }

    fn import(&mut self, module: &str, name: &str, (params, results): (Vec<ValType>, Vec<ValType>)) -> u32 {
        let ty = self.add_type(params, results);
        self.imports.import(module, name, EntityType::Function(ty));
        self.function_count += 1;
        self.function_count - 1
    }

    fn add_type(&mut self, params: Vec<ValType>, results: Vec<ValType>) -> u32 {
        let index = self.types.len();
        self.types.ty().function(params, results);
        index
    }

    fn add_function(&mut self, name: &str, params: Vec<ValType>, results: Vec<ValType>, code: &Code) -> u32 {
        let ty = self.add_type(params, results);
        self.functions.function(ty);
        self.code.function(code);
        self.exports.export(name, ExportKind::Func, self.function_count);
        self.function_count += 1;
        self.function_count - 1
    }

    fn add_realloc(&mut self) {
        let code = realloc_code();
        self.realloc = self.add_function("cabi_realloc", vec![ValType::I32; 4], vec![ValType::I32], &code);
    }

    fn add_call(
        &mut self,
        world: &World,
        sizes: &SizeAlign,
        drops: &HashMap<TypeId, u32>,
        index: usize,
        function: &Function,
        imports: CallImports,
    ) -> Result<(), InstrumentError> {
        let resolve = &world.resolve;
        let inner = resolve.wasm_signature(AbiVariant::GuestImport, function);
        let outer = resolve.wasm_signature(AbiVariant::GuestExport, function);
        let params: Vec<Type> = function.params.iter().map(|param| param.ty).collect();
        let lends = params.iter().any(|ty| {
            contains_handle(resolve, ty, &|handle| matches!(handle, wit_parser::Handle::Borrow(_)))
        });

        let param_count = outer.params.len() as u32;
        let scratch_count = if lends { SCRATCH_LOCALS } else { 0 };
        let result = param_count + scratch_count;
        let mut locals = vec![(scratch_count, ValType::I32)];
        locals.extend(values(&outer.results).into_iter().map(|ty| (1, ty)));
        let mut code = Code::new(locals);

        let push_params = |code: &mut Code| {
            for param in 0..param_count {
                code.instruction(&I::LocalGet(param));
            }
        };
        push_params(&mut code);
        code.instruction(&I::Call(imports.arguments));
        push_params(&mut code);
        if let (true, Some(ty)) = (inner.retptr, &function.result) {
            self.allocate_result(&mut code, sizes, ty, result);
        }
        code.instruction(&I::Call(imports.real));
        report_result(&mut code, &inner, result, imports.result);

        if lends {
            let drops = Drops { resolve, sizes, functions: drops };
            let emitted = if outer.indirect_params {
                drops.spilled_params(&mut code, &params, param_count)
            } else {
                drops.flat_params(&mut code, &params, param_count)
            };
            emitted.map_err(|what| InstrumentError::Unsupported {
                interface: world.functions[index].0.clone(),
                function: function.name.clone(),
                what,
            })?;
        }
        if !outer.results.is_empty() {
            code.instruction(&I::LocalGet(result));
        }
        code.instruction(&I::End);

        let name = format!("{CALLS}#{}", call_name(index));
        let results = values(&outer.results);
        self.add_function(&name, values(&outer.params), results.clone(), &code);

        self.add_post_return(&name, results);
        Ok(())
    }

    /// Makes room for a result that the real call writes to memory; the address is in local `result` and on
    /// the stack.
    fn allocate_result(&self, code: &mut Code, sizes: &SizeAlign, ty: &Type, result: u32) {
        for instruction in [
            I::I32Const(0),
            I::I32Const(0),
            I::I32Const(sizes.align(ty).align_wasm32() as i32),
            I::I32Const(sizes.size(ty).size_wasm32() as i32),
            I::Call(self.realloc),
            I::LocalTee(result),
        ] {
            code.instruction(&instruction);
        }
    }

    /// The post-return function of a call frees all that was allocated for it.
    fn add_post_return(&mut self, call: &str, results: Vec<ValType>) {
        let mut code = Code::new([]);
        for instruction in [I::I32Const(HEAP_BASE), I::GlobalSet(HEAP), I::End] {
            code.instruction(&instruction);
        }
        self.add_function(&format!("cabi_post_{call}"), results, vec![], &code);
    }

    fn finish(mut self) -> Vec<u8> {
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        self.exports.export("memory", ExportKind::Memory, 0);
        let mut globals = GlobalSection::new();
        globals.global(
            GlobalType { val_type: ValType::I32, mutable: true, shared: false },
            &ConstExpr::i32_const(HEAP_BASE),
        );
        let mut module = Module::new();
        module
            .section(&self.types)
            .section(&self.imports)
            .section(&self.functions)
            .section(&memories)
            .section(&globals)
            .section(&self.exports)
            .section(&self.code);
        module.finish()
    }
}

/// `cabi_realloc(old, old_len, align, new_len)` on a bump allocator: one table of instructions.
fn realloc_code() -> Code {
    let (old, old_len, align, new_len, at, end) = (0, 1, 2, 3, 4, 5);
    let mut code = Code::new([(2, ValType::I32)]);
    for instruction in [
        // what shrinks stays where it is
        I::LocalGet(new_len),
        I::LocalGet(old_len),
        I::I32LeU,
        I::If(BlockType::Empty),
        I::LocalGet(old),
        I::Return,
        I::End,
        // at = heap rounded up to align; end = at + new_len, trapping on overflow
        I::GlobalGet(HEAP),
        I::LocalGet(align),
        I::I32Add,
        I::I32Const(1),
        I::I32Sub,
        I::I32Const(0),
        I::LocalGet(align),
        I::I32Sub,
        I::I32And,
        I::LocalTee(at),
        I::LocalGet(new_len),
        I::I32Add,
        I::LocalTee(end),
        I::LocalGet(at),
        I::I32LtU,
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
        // grow to hold end
        I::LocalGet(end),
        I::MemorySize(0),
        I::I32Const(16),
        I::I32Shl,
        I::I32GtU,
        I::If(BlockType::Empty),
        I::LocalGet(end),
        I::I32Const(16),
        I::I32ShrU,
        I::I32Const(1),
        I::I32Add,
        I::MemorySize(0),
        I::I32Sub,
        I::MemoryGrow(0),
        I::I32Const(-1),
        I::I32Eq,
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
        I::End,
        I::LocalGet(end),
        I::GlobalSet(HEAP),
        // what was there moves along
        I::LocalGet(old_len),
        I::If(BlockType::Empty),
        I::LocalGet(at),
        I::LocalGet(old),
        I::LocalGet(old_len),
        I::MemoryCopy { src_mem: 0, dst_mem: 0 },
        I::End,
        I::LocalGet(at),
        I::End,
    ] {
        code.instruction(&instruction);
    }
    code
}

/// Keeps the real call's result in local `result` and reports it to the tap.
fn report_result(code: &mut Code, inner: &WasmSignature, result: u32, tap: u32) {
    if inner.retptr {
        // The result is in memory; the tap takes it as a list of one.
        code.instruction(&I::LocalGet(result));
        code.instruction(&I::I32Const(1));
    } else if !inner.results.is_empty() {
        code.instruction(&I::LocalTee(result));
    }
    code.instruction(&I::Call(tap));
}

fn values(types: &[WasmType]) -> Vec<ValType> {
    let value = |ty: &WasmType| match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    };
    types.iter().map(value).collect()
}
