//! Owns the making of guests: components from WIT text and the text of a core module.
//!
//! The usual guest is an *echo*: the world imports interfaces and exports `retake:test/guest`, in which every
//! function has the name and the flat form of an imported one and passes its arguments on to it. A handle
//! that the export owns may be lent to the import, since both are an index into the same table.

use std::fmt::Write;

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve, WorldId, WorldItem};

/// Where results that the import puts into memory go; the heap begins at `HEAP`.
const RESULT: u32 = 64;
const HEAP: u32 = 32 * 1024;

/// The memory and allocator of every guest.
const MEMORY: &str = r#"
    (memory (export "memory") 16)
    (global $heap (mut i32) (i32.const 32768))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.sub (i32.add (global.get $heap) (local.get 2)) (i32.const 1))
        (i32.sub (i32.const 0) (local.get 2))))
      (global.set $heap (i32.add (local.get $at) (local.get 3)))
      (block $fits
        (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.const 256))))
      (memory.copy (local.get $at) (local.get 0)
        (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))
      (local.get $at))
"#;

/// WIT of a world with one interface `host` whose declarations `declarations` are mirrored by the exports,
/// with `own` for `borrow`, and the given resources.
pub fn mirrored(resources: &[&str], declarations: &str) -> String {
    let mut host = String::new();
    let mut guest = String::new();
    for name in resources {
        writeln!(host, "resource {name};").unwrap();
        writeln!(guest, "use host.{{{name}}};").unwrap();
    }
    host.push_str(declarations);
    guest.push_str(&declarations.replace("borrow<", "own<"));
    format!(
        "package retake:test;
         interface host {{ {host} }}
         interface guest {{ {guest} }}
         world actor {{ import host; export guest; }}"
    )
}

/// An echo of the world `actor` in `wit`. The export for `[method]r.f` is called `r-f`.
pub fn echo(wit: &str) -> Vec<u8> {
    encoded_echo(wit, StringEncoding::UTF8)
}

/// An echo that keeps its strings in the given encoding.
pub fn encoded_echo(wit: &str, encoding: StringEncoding) -> Vec<u8> {
    let (resolve, world) = parse(wit);
    let mut module = String::from("(module\n");
    let imports = functions(&resolve, world, true);
    for (index, (interface, function)) in imports.iter().enumerate() {
        let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
        let (params, results) = (core(&signature.params), core(&signature.results));
        let name = &function.name;
        writeln!(
            module,
            r#"(import "{interface}" "{name}" (func $f{index} (param {params}) (result {results})))"#
        )
        .unwrap();
    }
    module.push_str(MEMORY);
    for (interface, export) in functions(&resolve, world, false) {
        let index = imports.iter().position(|(_, import)| plain(&import.name) == export.name);
        let index = index.unwrap_or_else(|| panic!("no import for `{}`", export.name));
        let import = resolve.wasm_signature(AbiVariant::GuestImport, &imports[index].1);
        let signature = resolve.wasm_signature(AbiVariant::GuestExport, &export);
        let (params, results) = (core(&signature.params), core(&signature.results));
        let name = &export.name;
        write!(module, r#"(func (export "{interface}#{name}") (param {params}) (result {results})"#).unwrap();
        for local in 0..signature.params.len() {
            write!(module, " local.get {local}").unwrap();
        }
        match import.retptr {
            true => write!(module, " i32.const {RESULT} call $f{index} i32.const {RESULT}").unwrap(),
            false => write!(module, " call $f{index}").unwrap(),
        }
        module.push_str(")\n");
    }
    module.push(')');
    component(&self::module(&resolve, world, &module, encoding))
}

/// A guest of the world `actor` in `wit` whose core module has the given imports and functions, and the usual
/// memory.
pub fn handwritten(wit: &str, imports: &str, functions: &str) -> Vec<u8> {
    encoded_handwritten(wit, imports, functions, StringEncoding::UTF8)
}

/// The same, with strings in the given encoding.
pub fn encoded_handwritten(wit: &str, imports: &str, functions: &str, encoding: StringEncoding) -> Vec<u8> {
    component(&handwritten_module(wit, imports, functions, encoding))
}

/// The same as a core module that says in itself what component it makes.
pub fn handwritten_module(wit: &str, imports: &str, functions: &str, encoding: StringEncoding) -> Vec<u8> {
    let (resolve, world) = parse(wit);
    module(&resolve, world, &format!("(module {imports} {MEMORY} {functions})"), encoding)
}

fn parse(wit: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).unwrap_or_else(|error| panic!("{error:?}\n{wit}"));
    let world = resolve.packages[package].worlds["actor"];
    (resolve, world)
}

fn module(resolve: &Resolve, world: WorldId, text: &str, encoding: StringEncoding) -> Vec<u8> {
    let mut module = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    wit_component::embed_component_metadata(&mut module, resolve, world, encoding).unwrap();
    module
}

fn component(module: &[u8]) -> Vec<u8> {
    const { assert!(RESULT < HEAP) };
    let encoder = ComponentEncoder::default().merge_imports_based_on_semver(false);
    let mut encoder = encoder.validate(true).module(module).unwrap();
    encoder.encode().unwrap_or_else(|error| panic!("{error:?}"))
}

fn functions(resolve: &Resolve, world: WorldId, imported: bool) -> Vec<(String, Function)> {
    let world = &resolve.worlds[world];
    let items = if imported { &world.imports } else { &world.exports };
    let mut found = Vec::new();
    for (key, item) in items {
        if let WorldItem::Interface { id, .. } = item {
            let name = resolve.name_world_key(key);
            let functions = resolve.interfaces[*id].functions.values();
            found.extend(functions.map(|function| (name.clone(), function.clone())));
        }
    }
    found
}

fn plain(name: &str) -> String {
    let name = name.split_once(']').map_or(name, |(_, name)| name);
    name.replace('.', "-")
}

fn core(types: &[WasmType]) -> String {
    let name = |ty: &WasmType| match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    };
    types.iter().map(name).collect::<Vec<_>>().join(" ")
}
