//! The dynamic ABI is held equal to wasmtime's public one: whatever the type, both lift the same value from a
//! guest and give it the same value back. And an answer that does not fit its type is an error, never a
//! panic.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use retake_actor::abi::{self, UnfitValue, map_handles, val};
use retake_actor::{compile, profile};
use retake_chain::Value;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Linker, ResourceAny, ResourceDynamic, ResourceType, Val};
use wasmtime::{AsContextMut, Engine, Result, Store, Trap};

use crate::common::guest::{echo, handwritten, mirrored};
use crate::types::{Declarations, Ty, any_type, value_of};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| profile::engine(&profile::default_profile()).unwrap());

/// The kind of the one resource type.
const CELL: u32 = 9;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(48),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A component that passes the parameters of its one export to its one import, and the result back.
fn component(params: &[Ty], result: Option<&Ty>) -> Component {
    let mut declarations = Declarations::default();
    let params: Vec<String> =
        (0..).zip(params).map(|(index, ty)| format!("p{index}: {}", declarations.name(ty))).collect();
    let result = result.map_or(String::new(), |ty| format!("-> {}", declarations.name(ty)));
    let function = format!("{} f: func({}) {result};", declarations.text, params.join(", "));
    compile(&ENGINE, &echo(&mirrored(&["cell"], &function))).unwrap()
}

/// How the import is defined.
#[derive(Clone, Copy)]
enum Abi {
    Fast,
    Reference,
}

/// What a host function is to answer, and what it was called with.
#[derive(Default)]
struct Host {
    answer: Option<Value>,
    lifted: Vec<Value>,
}

/// What crossed: the arguments that the host function got, and the result that came back through the guest.
#[derive(Debug, PartialEq)]
struct Crossed {
    lifted: Vec<Value>,
    returned: Option<Value>,
}

fn own(store: impl AsContextMut, ty: ResourceType, rep: u32) -> Result<ResourceAny> {
    assert_eq!(ty, ResourceType::host_dynamic(CELL));
    ResourceDynamic::new_own(rep, CELL).try_into_resource_any(store)
}

fn rep(store: impl AsContextMut, resource: &ResourceAny) -> Result<u32> {
    Ok(resource.try_into_resource_dynamic(store)?.rep())
}

fn linker(component: &Component, abi: Abi) -> Result<Linker<Host>> {
    let mut linker = Linker::new(&ENGINE);
    for (interface, import) in component.component_type().imports(&ENGINE) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { unreachable!() };
        let mut linker = linker.instance(interface)?;
        for (name, export) in instance.exports(&ENGINE) {
            match (export.ty, abi) {
                (ComponentItem::Resource(_), _) => {
                    linker.resource(name, ResourceType::host_dynamic(CELL), |_, _| Ok(()))?;
                }
                (ComponentItem::ComponentFunc(ty), Abi::Fast) => define_fast(&mut linker, name, &ty)?,
                (ComponentItem::ComponentFunc(_), Abi::Reference) => define_reference(&mut linker, name)?,
                _ => {}
            }
        }
    }
    Ok(linker)
}

type LinkerInstance<'a> = wasmtime::component::LinkerInstance<'a, Host>;

fn define_fast(linker: &mut LinkerInstance<'_>, name: &str, ty: &ComponentFunc) -> Result<()> {
    abi::define(linker, name, ty, |mut store, arguments| {
        let mut arguments = arguments?;
        let mut handles = arguments.handles.iter();
        for value in &mut arguments.values {
            map_handles(value, &mut |rep| {
                let handle = handles.next().expect("as many handles as are in the values");
                assert_eq!((handle.ty, handle.rep), (ResourceType::host_dynamic(CELL), rep));
                Ok::<_, wasmtime::Error>(rep)
            })?;
        }
        assert!(handles.next().is_none(), "no more handles than are in the values");
        store.data_mut().lifted = arguments.values;
        Ok(store.data_mut().answer.clone())
    })
}

fn define_reference(linker: &mut LinkerInstance<'_>, name: &str) -> Result<()> {
    linker.func_new(name, |mut store, ty, arguments, results| {
        for (argument, (_, ty)) in arguments.iter().zip(ty.params()) {
            let value = val::to_value(argument, &ty, &mut |resource| rep(&mut store, resource))?;
            store.data_mut().lifted.push(value);
        }
        if let (Some(ty), Some(answer)) = (ty.results().next(), store.data_mut().answer.take()) {
            results[0] = val::from_value(&answer, &ty, &mut |ty, rep| own(&mut store, ty, rep))?;
        }
        Ok(())
    })
}

fn cross(component: &Component, abi: Abi, arguments: &[Value], answer: Option<&Value>) -> Result<Crossed> {
    let mut store = Store::new(&ENGINE, Host { answer: answer.cloned(), ..Host::default() });
    let instance = linker(component, abi)?.instantiate(&mut store, component)?;
    let guest = instance.get_export_index(&mut store, None, "retake:test/guest").unwrap();
    let f = instance.get_export_index(&mut store, Some(&guest), "f").unwrap();
    let f = instance.get_func(&mut store, f).unwrap();
    let ty = f.ty(&store);
    let mut params = Vec::new();
    for (value, (_, ty)) in arguments.iter().zip(ty.params()) {
        params.push(val::from_value(value, &ty, &mut |ty, rep| own(&mut store, ty, rep))?);
    }
    let mut results = vec![Val::Bool(false); ty.results().len()];
    f.call(&mut store, &params, &mut results)?;
    let returned = match ty.results().next() {
        Some(ty) => Some(val::to_value(&results[0], &ty, &mut |resource| rep(&mut store, resource))?),
        None => None,
    };
    Ok(Crossed { lifted: store.into_data().lifted, returned })
}

#[derive(Clone, Debug)]
struct Case {
    params: Vec<Ty>,
    result: Option<Ty>,
    arguments: Vec<Value>,
    answer: Option<Value>,
}

fn any_case() -> impl Strategy<Value = Case> {
    let params = vec(any_type(&["own<cell>", "borrow<cell>"]), 0..6);
    (params, prop::option::weighted(0.9, any_type(&["own<cell>"]))).prop_flat_map(|(params, result)| {
        let arguments: Vec<_> = params.iter().map(value_of).collect();
        let answer = match &result {
            Some(ty) => value_of(ty).prop_map(Some).boxed(),
            None => Just(None).boxed(),
        };
        (Just(params), Just(result), arguments, answer).prop_map(|(params, result, arguments, answer)| Case {
            params,
            result,
            arguments,
            answer,
        })
    })
}

/// Any shape of value, most of which fit nothing.
fn any_value() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(&["f0", "c0", "n0", "e0", "ok", "err", "some", ""][..]);
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        any::<u32>().prop_map(Value::F32),
        any::<u64>().prop_map(Value::F64),
        name.clone().prop_map(Value::from),
        vec(any::<u8>(), 0..4).prop_map(Value::from),
        any::<u32>().prop_map(Value::Handle),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::List),
            vec((name.clone(), inner), 0..3).prop_map(Value::record),
        ]
    })
}

/// A small change to a part of a value.
#[derive(Clone, Debug)]
enum Change {
    Replace(Value),
    Shorten,
    Lengthen,
    Rename,
}

impl Change {
    /// Changes the `at`th part of the value, in depth.
    fn apply(&self, value: &mut Value, at: &mut usize) {
        let here = *at == 0;
        *at = at.wrapping_sub(1);
        match (self, &mut *value) {
            (Change::Replace(other), value) if here => *value = other.clone(),
            (Change::Shorten, Value::List(values)) if here => drop(values.pop()),
            (Change::Shorten, Value::Record(fields)) if here => drop(fields.pop()),
            (Change::Lengthen, Value::List(values)) if here => values.extend(values.last().cloned()),
            (Change::Lengthen, Value::Record(fields)) if here => fields.extend(fields.last().cloned()),
            (Change::Rename, Value::Record(fields)) if here && !fields.is_empty() => {
                fields[0].0 = "other".into()
            }
            (_, Value::List(values)) => values.iter_mut().for_each(|value| self.apply(value, at)),
            (_, Value::Record(fields)) => fields.iter_mut().for_each(|(_, value)| self.apply(value, at)),
            _ => {}
        }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any_value().prop_map(Change::Replace),
        Just(Change::Shorten),
        Just(Change::Lengthen),
        Just(Change::Rename),
    ]
}

/// A type, and a value that may fit it: any value at all, or one of the type in which a part was changed.
fn any_answer() -> impl Strategy<Value = (Ty, Value)> {
    any_type(&["own<cell>"]).prop_flat_map(|ty| {
        let near = (value_of(&ty), 0..4usize, any_change()).prop_map(|(mut value, mut at, change)| {
            change.apply(&mut value, &mut at);
            value
        });
        (Just(ty), prop_oneof![1 => any_value().boxed(), 3 => near.boxed()])
    })
}

fn is_unfit(result: &Result<Crossed>) -> bool {
    matches!(result, Err(error) if error.downcast_ref::<UnfitValue>().is_some())
}

proptest! {
    #![proptest_config(config(384))]

    #[test]
    fn every_value_crosses_as_on_the_public_path(case in any_case()) {
        let component = component(&case.params, case.result.as_ref());
        let answer = case.answer.as_ref();
        let reference = cross(&component, Abi::Reference, &case.arguments, answer).unwrap();
        let fast = cross(&component, Abi::Fast, &case.arguments, answer).unwrap();
        prop_assert_eq!(&fast, &reference);
        prop_assert_eq!(fast, Crossed { lifted: case.arguments, returned: case.answer });
    }

    #[test]
    fn an_answer_fits_where_it_fits_on_the_public_path((ty, answer) in any_answer()) {
        let component = component(&[], Some(&ty));
        let reference = cross(&component, Abi::Reference, &[], Some(&answer));
        let fast = cross(&component, Abi::Fast, &[], Some(&answer));
        match reference {
            Ok(reference) => prop_assert_eq!(fast.unwrap(), reference),
            Err(_) => {
                prop_assert!(is_unfit(&reference), "{:?}", reference);
                prop_assert!(is_unfit(&fast), "{:?}", fast);
            }
        }
    }
}

#[test]
fn an_answer_where_there_is_none_to_give_is_unfit() {
    let component = component(&[], None);
    assert!(is_unfit(&cross(&component, Abi::Fast, &[], Some(&Value::from(1u8)))));
}

#[test]
fn no_answer_where_there_is_one_to_give_is_unfit() {
    for ty in [Ty::Scalar("u8"), Ty::Scalar("string")] {
        let component = component(&[], Some(&ty));
        assert!(is_unfit(&cross(&component, Abi::Fast, &[], None)), "{ty:?}");
    }
}

#[test]
fn a_function_is_told_what_kept_its_arguments_from_being_lifted() {
    let guest = handwritten(
        "package retake:test;
         interface host { f: func(p: list<u8>); }
         interface guest { f: func(); }
         world actor { import host; export guest; }",
        r#"(import "retake:test/host" "f" (func $f (param i32 i32)))"#,
        r#"(func (export "retake:test/guest#f") (call $f (i32.const 0) (i32.const -1)))"#,
    );
    let component = compile(&ENGINE, &guest).unwrap();
    let error = cross(&component, Abi::Fast, &[], None).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::ListOutOfBounds));
}
