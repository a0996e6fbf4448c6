//! Values of every type cross the boundary both ways, bit for bit.

use retake_chain::{Outcome, Value};
use wit_component::StringEncoding;

use crate::common::guest::{echo, encoded_echo, handwritten, mirrored};
use crate::common::session::{Session, list};

/// Sends each value through an echo and has the host answer with the next one: as the only parameter and the
/// only result, after enough parameters to be spilled, as a result that is spilled, and without one of them.
async fn cross(declarations: &str, ty: &str, values: &[Value]) {
    let many = (0..16).map(|index| format!("p{index}: u64, ")).collect::<String>();
    let wit = mirrored(
        &[],
        &format!(
            "{declarations}
             plain: func(p: {ty}) -> {ty};
             spilled: func({many} p: {ty}) -> tuple<u8, {ty}, u8>;
             take: func(p: {ty});
             give: func() -> {ty};"
        ),
    );
    let mut session = Session::of(echo(&wit));
    let mut results = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let answer = &values[(index + 1) % values.len()];
        let wrapped = list([Value::from(7u8), answer.clone(), Value::from(9u8)]);
        let spilled = (0..16u64).map(Value::from).chain([value.clone()]);
        session = session.call("plain", [value.clone()]).answer(answer.clone());
        session = session.call("spilled", spilled).answer(wrapped.clone());
        session = session.call("take", [value.clone()]).answer(None);
        session = session.call("give", []).answer(answer.clone());
        results
            .extend([Some(answer.clone()), Some(wrapped), None, Some(answer.clone())].map(Outcome::Returned));
    }
    let recorded = session.record_and_replay().await;
    assert_eq!(recorded.outcomes, results, "what the guest was given");
    let outputs: Vec<Outcome> = recorded.host_calls.into_iter().map(|call| call.output).collect();
    assert_eq!(outputs, results, "what was recorded");
}

macro_rules! cross {
    ($($name:ident: $declarations:literal, $ty:literal, [$($value:expr),* $(,)?];)*) => {$(
        #[tokio::test]
        async fn $name() {
            cross($declarations, $ty, &[$(Value::from($value)),*]).await;
        }
    )*};
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn case(name: &str, payload: impl Into<Value>) -> Value {
    Value::case(name, Some(payload.into()))
}

fn some(value: impl Into<Value>) -> Value {
    list([value.into()])
}

fn u32s(values: &[u32]) -> Value {
    list(values.iter().copied().map(Value::from))
}

fn names(prefix: &str, indices: impl IntoIterator<Item = usize>) -> Value {
    list(indices.into_iter().map(|index| Value::from(format!("{prefix}{index}"))))
}

cross! {
    booleans_cross: "", "bool", [true, false];
    bytes_cross: "", "u8", [0u8, 1u8, 0x80u8, u8::MAX];
    signed_bytes_cross: "", "s8", [i8::MIN, -1i8, 0i8, i8::MAX];
    u16s_cross: "", "u16", [0u16, 0x8000u16, u16::MAX];
    s16s_cross: "", "s16", [i16::MIN, -1i16, 0i16, i16::MAX];
    u32s_cross: "", "u32", [0u32, 0x8000_0000u32, u32::MAX];
    s32s_cross: "", "s32", [i32::MIN, -1i32, 0i32, i32::MAX];
    u64s_cross: "", "u64", [0u64, 1u64 << 63, u64::MAX];
    s64s_cross: "", "s64", [i64::MIN, -1i64, 0i64, i64::MAX];
    chars_cross: "", "char", ['\0', 'a', 'é', '\u{d7ff}', '\u{e000}', char::MAX];
    strings_cross: "", "string", ["", "a", "naïve ☃ 🦀", "\0"];
    byte_lists_cross: "", "list<u8>", [Vec::<u8>::new(), vec![0u8], vec![7u8; 70_000]];
    number_lists_cross: "", "list<u32>", [u32s(&[]), u32s(&[1]), u32s(&[u32::MAX; 3])];
    lists_of_lists_cross: "", "list<list<string>>", [
        list([]),
        list([list([]), list([text(""), text("ab")]), list([text("c")])]),
    ];
    lists_of_records_cross: "record r { a: u8, b: u64, c: string }", "list<r>", [
        list([]),
        list([
            Value::record([("a", Value::from(1u8)), ("b", Value::from(u64::MAX)), ("c", text("x"))]),
            Value::record([("a", Value::from(2u8)), ("b", Value::from(0u64)), ("c", text(""))]),
        ]),
    ];
    tuples_cross: "", "tuple<u8, s64, string, f32>", [
        list([Value::from(1u8), Value::from(-2i64), text("three"), Value::from(4.5f32)]),
    ];
    records_of_one_scalar_cross: "record r { only: s16 }", "r", [
        Value::record([("only", Value::from(-3i16))]),
    ];
    nested_records_cross: "record inner { x: u8, y: u16 } record outer { a: inner, b: tuple<inner, bool> }", "outer", [
        Value::record([
            ("a", Value::record([("x", Value::from(1u8)), ("y", Value::from(2u16))])),
            ("b", list([Value::record([("x", Value::from(3u8)), ("y", Value::from(4u16))]), Value::from(true)])),
        ]),
    ];
    variants_without_payload_cross: "variant v { a, b, c }", "v", ["a", "b", "c"];
    variants_of_mixed_width_cross:
        "variant v { none, byte(u8), float(f32), double(f64), long(u64), text(string), bytes(list<u8>) }", "v", [
        text("none"),
        case("byte", 255u8),
        case("float", -0.0f32),
        case("float", Value::F32(0x7fc0_dead)),
        case("double", f64::MIN_POSITIVE),
        case("long", u64::MAX),
        case("text", "é"),
        case("bytes", vec![1u8, 2]),
    ];
    variants_whose_floats_share_a_word_slot_cross: "variant v { float(f32), int(u32), text(string) }", "v", [
        case("float", Value::F32(0xffff_ffff)), case("int", u32::MAX), case("text", "z"),
    ];
    enums_cross: "enum e { red, green, blue }", "e", ["red", "green", "blue"];
    options_cross: "", "option<u16>", [Value::None, some(0u16), some(9u16)];
    nested_options_cross: "", "option<option<string>>", [Value::None, some(Value::None), some(some("x"))];
    results_with_payloads_cross: "", "result<u64, string>", [case("ok", 1u64), case("err", "no")];
    results_with_an_ok_alone_cross: "", "result<u8>", [case("ok", 1u8), text("err")];
    results_with_an_error_alone_cross: "", "result<_, u8>", [text("ok"), case("err", 1u8)];
    results_without_payloads_cross: "", "result", ["ok", "err"];
    a_single_flag_crosses: "flags f { n0 }", "f", [names("n", []), names("n", [0])];
    nine_flags_cross: "flags f { n0, n1, n2, n3, n4, n5, n6, n7, n8 }", "f", [
        names("n", []), names("n", [0, 7, 8]), names("n", 0..9),
    ];
    seventeen_flags_cross:
        "flags f { n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16 }", "f", [
        names("n", [16]), names("n", 0..17),
    ];
    floats_cross_with_their_bits: "", "f32", [
        Value::F32(0), Value::F32(0x8000_0000), Value::F32(0x7f80_0000), Value::F32(0x7fc0_0001),
        Value::F32(0xffc1_2345), Value::F32(1),
    ];
    doubles_cross_with_their_bits: "", "f64", [
        Value::F64(0), Value::F64(1 << 63), Value::F64(0x7ff0 << 48), Value::F64(0x7ff8_0000_0000_0001),
        Value::F64(0xfff8_dead_beef_0001), Value::F64(1),
    ];
    aliases_cross: "type a = list<u16>; type b = option<a>; type c = u8;", "tuple<b, c>", [
        list([Value::None, Value::from(1u8)]),
        list([some(list([Value::from(2u16)])), Value::from(1u8)]),
    ];
}

#[tokio::test]
async fn as_many_flags_as_there_can_be_cross() {
    let flags: Vec<String> = (0..32).map(|index| format!("n{index}")).collect();
    let declaration = format!("flags f {{ {} }}", flags.join(", "));
    let values = [names("n", []), names("n", [0, 8, 31]), names("n", 0..32), names("n", [31])];
    cross(&declaration, "f", &values).await;
}

#[tokio::test]
async fn every_number_of_flat_parameters_up_to_seventeen_crosses() {
    let params =
        |count: usize| (0..count).map(|index| format!("p{index}: u32")).collect::<Vec<_>>().join(", ");
    let functions = (0..=17).map(|count| format!("f{count}: func({}) -> u32;", params(count)));
    let wit = mirrored(&[], &functions.collect::<String>());
    let mut session = Session::of(echo(&wit));
    for count in 0..=17u32 {
        session = session.call(&format!("f{count}"), (0..count).map(Value::from)).answer(Value::from(count));
    }
    let recorded = session.record_and_replay().await;
    assert_eq!(recorded.host_calls.len(), 18);
    for (count, call) in (0..).zip(recorded.host_calls) {
        assert_eq!(call.input, (0..count).map(Value::from).collect::<Vec<_>>());
        assert_eq!(call.output, Outcome::Returned(Some(Value::from(count))));
    }
}

async fn strings_cross_in(encoding: StringEncoding) {
    let wit = mirrored(&[], "f: func(p: string, q: list<string>) -> tuple<string, list<string>>;");
    let mut session = Session::of(encoded_echo(&wit, encoding));
    let texts = ["", "ascii", "latin é ÿ", "beyond ☃", "🦀 pair", "\0 zero"];
    for text in texts {
        let both = [Value::from(text), list(texts.map(Value::from))];
        session = session.call("f", both.clone()).answer(list(both));
    }
    let recorded = session.record_and_replay().await;
    for (text, call) in texts.into_iter().zip(recorded.host_calls) {
        assert_eq!(call.input[0], Value::from(text));
    }
}

#[tokio::test]
async fn strings_of_a_utf16_guest_cross() {
    strings_cross_in(StringEncoding::UTF16).await;
}

#[tokio::test]
async fn strings_of_a_latin1_guest_cross() {
    strings_cross_in(StringEncoding::CompactUTF16).await;
}

/// Such a string is first given the room that the worst case needs, then only what it really needs.
#[tokio::test]
async fn a_long_string_of_a_utf16_guest_crosses() {
    let wit = mirrored(&[], "f: func(p: string);");
    let long = Value::from("é".repeat(60_000));
    let session =
        Session::of(encoded_echo(&wit, StringEncoding::UTF16)).call("f", [long.clone()]).answer(None);
    let recorded = session.record_and_replay().await;
    assert_eq!(recorded.outcomes, [Outcome::Returned(None)]);
    assert_eq!(recorded.host_calls[0].input, [long]);
}

/// The guest's memory is a MiB from the start; the shim's must not be more than that of one call.
#[tokio::test]
async fn copies_of_a_call_do_not_outlive_it() {
    let wit = "package retake:test;
        interface host { f: func(p: list<u8>) -> list<u8>; }
        interface guest { f: func(); }
        world actor { import host; export guest; }";
    let guest = handwritten(
        wit,
        r#"(import "retake:test/host" "f" (func $f (param i32 i32 i32)))"#,
        r#"(func (export "retake:test/guest#f") (call $f (i32.const 0) (i32.const 60000) (i32.const 64)))"#,
    );
    let mut session = Session::of(guest).memory_limit(1 << 20);
    for _ in 0..50 {
        session = session.call("f", []).answer(Value::from(vec![1u8]));
    }
    let recorded = session.record_and_replay().await;
    assert_eq!(recorded.outcomes, vec![Outcome::Returned(None); 50]);
}

/// Toolchains leave such types out, but a component may have them.
#[test]
fn a_type_that_no_function_uses_is_there_when_the_original_asks_for_it() {
    let component = wat::parse_str(
        r#"(component (import "a:b/c" (instance
            (type $r' (record (field "a" u8))) (export "r" (type $r (eq $r')))
            (type $v' (variant (case "x") (case "y" $r))) (export "v" (type (eq $v')))
            (type $e' (enum "one")) (export "e" (type (eq $e')))
            (export "res" (type (sub resource)))
            (export "f" (func (param "p" $r))))))"#,
    )
    .unwrap();
    let instrumented = retake_actor::instrument(&component).unwrap();
    wasmparser::validate(&instrumented.component).unwrap();
}
