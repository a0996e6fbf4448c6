//! Owns random component types, the WIT that declares them, and random values of them.

use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use retake_chain::Value;

/// A component type.
#[derive(Clone, Debug)]
pub enum Ty {
    /// A type without a structure, by its name in WIT.
    Scalar(&'static str),
    List(Box<Ty>),
    Record(Vec<Ty>),
    Tuple(Vec<Ty>),
    /// The cases, and how many more without a payload stand before them.
    Variant(Vec<Option<Ty>>, usize),
    Enum(usize),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
    Flags(usize),
}

const SCALARS: [&str; 13] =
    ["bool", "u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "char", "string"];

/// Any type, nested up to four deep; now and then one of the `handles` is in it.
pub fn any_type(handles: &'static [&'static str]) -> impl Strategy<Value = Ty> {
    let scalar = prop::sample::select(&SCALARS[..]).prop_map(Ty::Scalar).boxed();
    let mut leaves = vec![
        (12, scalar),
        (1, prop_oneof![3 => 1..6usize, 1 => 255..260usize].prop_map(Ty::Enum).boxed()),
        (1, (1..=32usize).prop_map(Ty::Flags).boxed()),
    ];
    if !handles.is_empty() {
        leaves.push((2, prop::sample::select(handles).prop_map(Ty::Scalar).boxed()));
    }
    let leaf = prop::strategy::Union::new_weighted(leaves);
    leaf.prop_recursive(4, 24, 5, |inner| {
        let maybe = prop::option::weighted(0.7, inner.clone());
        let boxed = maybe.clone().prop_map(|ty| ty.map(Box::new));
        prop_oneof![
            inner.clone().prop_map(|ty| Ty::List(ty.into())),
            vec(inner.clone(), 1..5).prop_map(Ty::Record),
            vec(inner.clone(), 1..5).prop_map(Ty::Tuple),
            (vec(maybe, 1..5), prop_oneof![4 => Just(0usize), 1 => 254..258usize])
                .prop_map(|(cases, more)| Ty::Variant(cases, more)),
            inner.prop_map(|ty| Ty::Option(ty.into())),
            (boxed.clone(), boxed).prop_map(|(ok, err)| Ty::Result(ok, err)),
        ]
    })
}

/// Declarations of named types, as WIT.
#[derive(Default)]
pub struct Declarations {
    pub text: String,
    count: usize,
}

impl Declarations {
    /// The type as WIT; what has to have a name is declared.
    pub fn name(&mut self, ty: &Ty) -> String {
        match ty {
            Ty::Scalar(name) => name.to_string(),
            Ty::List(ty) => format!("list<{}>", self.name(ty)),
            Ty::Option(ty) => format!("option<{}>", self.name(ty)),
            Ty::Tuple(types) => {
                let names: Vec<String> = types.iter().map(|ty| self.name(ty)).collect();
                format!("tuple<{}>", names.join(", "))
            }
            Ty::Result(ok, err) => {
                let mut name = |ty: &Option<Box<Ty>>| ty.as_ref().map_or("_".into(), |ty| self.name(ty));
                match (name(ok), name(err)) {
                    (ok, err) if ok == "_" && err == "_" => "result".into(),
                    (ok, err) if err == "_" => format!("result<{ok}>"),
                    (ok, err) => format!("result<{ok}, {err}>"),
                }
            }
            Ty::Record(types) => {
                let fields = (0..).zip(types).map(|(index, ty)| format!("f{index}: {}", self.name(ty)));
                let fields: Vec<String> = fields.collect();
                self.declare("record", &fields)
            }
            Ty::Variant(cases, more) => {
                let mut lines: Vec<String> = (0..*more).map(|index| format!("more{index}")).collect();
                for (index, ty) in cases.iter().enumerate() {
                    lines.push(match ty {
                        Some(ty) => format!("c{index}({})", self.name(ty)),
                        None => format!("c{index}"),
                    });
                }
                self.declare("variant", &lines)
            }
            Ty::Enum(count) => self.declare("enum", &numbered("e", *count)),
            Ty::Flags(count) => self.declare("flags", &numbered("n", *count)),
        }
    }

    fn declare(&mut self, kind: &str, members: &[String]) -> String {
        let name = format!("t{}", self.count);
        self.count += 1;
        writeln!(self.text, "{kind} {name} {{ {} }}", members.join(", ")).unwrap();
        name
    }
}

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{prefix}{index}")).collect()
}

/// Any value of the type.
pub fn value_of(ty: &Ty) -> BoxedStrategy<Value> {
    fn all(types: &[Ty]) -> Vec<BoxedStrategy<Value>> {
        types.iter().map(value_of).collect()
    }
    fn case(name: String, ty: Option<&Ty>) -> BoxedStrategy<Value> {
        match ty {
            Some(ty) => value_of(ty).prop_map(move |value| Value::case(&name, Some(value))).boxed(),
            None => Just(Value::from(name)).boxed(),
        }
    }
    match ty {
        Ty::Scalar(name) => scalar_value(name),
        Ty::List(ty) if matches!(**ty, Ty::Scalar("u8")) => {
            vec(any::<u8>(), 0..9).prop_map(Value::from).boxed()
        }
        Ty::List(ty) => vec(value_of(ty), 0..4).prop_map(Value::List).boxed(),
        Ty::Record(types) => {
            let named = |values: Vec<Value>| {
                Value::record(
                    values.into_iter().enumerate().map(|(index, value)| (format!("f{index}"), value)),
                )
            };
            all(types).prop_map(named).boxed()
        }
        Ty::Tuple(types) => all(types).prop_map(Value::List).boxed(),
        Ty::Variant(cases, more) => {
            let cases = cases.iter().enumerate().map(|(index, ty)| case(format!("c{index}"), ty.as_ref()));
            let last = more.checked_sub(1).map(|last| case(format!("more{last}"), None));
            prop::strategy::Union::new(cases.chain(last)).boxed()
        }
        Ty::Enum(count) => (0..*count).prop_map(|index| Value::from(format!("e{index}"))).boxed(),
        Ty::Option(ty) => prop::option::of(value_of(ty)).prop_map(Value::from).boxed(),
        Ty::Result(ok, err) => {
            prop_oneof![case("ok".into(), ok.as_deref()), case("err".into(), err.as_deref())].boxed()
        }
        Ty::Flags(count) => prop::sample::subsequence(numbered("n", *count), 0..=*count)
            .prop_map(|names| Value::List(names.into_iter().map(Value::from).collect()))
            .boxed(),
    }
}

fn scalar_value(name: &str) -> BoxedStrategy<Value> {
    match name {
        "bool" => any::<bool>().prop_map(Value::from).boxed(),
        "u8" => any::<u8>().prop_map(Value::from).boxed(),
        "s8" => any::<i8>().prop_map(Value::from).boxed(),
        "u16" => any::<u16>().prop_map(Value::from).boxed(),
        "s16" => any::<i16>().prop_map(Value::from).boxed(),
        "u32" => any::<u32>().prop_map(Value::from).boxed(),
        "s32" => any::<i32>().prop_map(Value::from).boxed(),
        "u64" => any::<u64>().prop_map(Value::from).boxed(),
        "s64" => any::<i64>().prop_map(Value::from).boxed(),
        "f32" => any::<u32>().prop_map(Value::F32).boxed(),
        "f64" => any::<u64>().prop_map(Value::F64).boxed(),
        "char" => any::<char>().prop_map(Value::from).boxed(),
        "string" => any::<String>().prop_map(Value::from).boxed(),
        _ => any::<u32>().prop_map(Value::Handle).boxed(),
    }
}
