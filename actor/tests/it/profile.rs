//! Why the engine profile is recorded: without it the same component computes other bits, on this machine or
//! the next.

use retake_actor::profile;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

/// Adds to a NaN with a payload, and takes bytes by indices that are out of range.
const GUEST: &str = r#"(component
    (core module $m
        (func (export "nan") (param f32) (result i32)
            (i32.reinterpret_f32 (f32.add (local.get 0) (f32.reinterpret_i32 (i32.const 0x7fc00123)))))
        (func (export "swizzle") (param i32) (result i32)
            (i32x4.extract_lane 0 (i8x16.relaxed_swizzle
                (v128.const i32x4 0x04030201 0x08070605 0x0c0b0a09 0x100f0e0d)
                (i8x16.splat (local.get 0))))))
    (core instance $i (instantiate $m))
    (func (export "nan") (param "a" f32) (result u32) (canon lift (core func $i "nan")))
    (func (export "swizzle") (param "index" u32) (result u32) (canon lift (core func $i "swizzle"))))"#;

/// The bits of the sum, and the bytes at index 17.
fn computed(engine: &Engine) -> (u32, u32) {
    let component = Component::new(engine, GUEST).unwrap();
    let mut store = Store::new(engine, ());
    let instance = Linker::new(engine).instantiate(&mut store, &component).unwrap();
    let nan = instance.get_typed_func::<(f32,), (u32,)>(&mut store, "nan").unwrap();
    let nan = nan.call(&mut store, (1.0,)).unwrap().0;
    let swizzle = instance.get_typed_func::<(u32,), (u32,)>(&mut store, "swizzle").unwrap();
    (nan, swizzle.call(&mut store, (17,)).unwrap().0)
}

#[test]
fn under_the_profile_nan_bits_and_relaxed_simd_are_the_same_everywhere() {
    let engine = profile::engine(&profile::default_profile()).unwrap();
    assert_eq!(computed(&engine), (0x7fc0_0000, 0));
}

#[test]
fn without_it_the_same_component_computes_other_bits() {
    let engine = Engine::new(Config::new().cranelift_nan_canonicalization(false)).unwrap();
    let (nan, swizzled) = computed(&engine);
    assert_eq!(nan, 0x7fc0_0123, "the payload of a NaN passes through");
    if cfg!(target_arch = "x86_64") {
        assert_eq!(swizzled, 0x0202_0202, "pshufb takes an index modulo 16");
    }
}
