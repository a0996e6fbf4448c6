//! Promises about the JSON form of values: there and back without loss, one form for each, plain numbers that
//! every reader takes exactly, and bounds.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value as Json;

use crate::codec::count::count_values;
use crate::codec::payload_codec::value_bytes;
use crate::tests::strategies::value;
use crate::*;

fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}

/// Reads with the bound on depth that events have.
fn from_json(text: &str) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    let value = serde::Deserialize::deserialize(&mut deserializer)?;
    deserializer.end().map(|()| value)
}

/// Whether readers that keep numbers as doubles read the same.
fn is_plain(json: &Json) -> bool {
    match json {
        Json::Number(number) => number.as_i64().is_some_and(|number| number.unsigned_abs() < 1 << 53),
        Json::Array(elements) => elements.iter().all(is_plain),
        Json::Object(members) => members.values().all(is_plain),
        Json::Null | Json::Bool(_) | Json::String(_) => true,
    }
}

proptest! {
    #[test]
    fn a_value_comes_back_from_its_json(value in value()) {
        prop_assert_eq!(from_json(&json(&value)).unwrap(), value);
    }

    #[test]
    fn the_json_of_a_value_is_one_line_with_plain_numbers(value in value()) {
        let text = json(&value);
        prop_assert!(!text.contains('\n'));
        prop_assert!(is_plain(&serde_json::from_str(&text).unwrap()), "{}", text);
    }

    #[test]
    fn json_that_is_read_is_the_only_json_of_its_value(value in value(), at in any::<prop::sample::Index>(), byte in 0x20u8..0x7f) {
        let mut changed = json(&value).into_bytes();
        let at = at.index(changed.len());
        changed[at] = byte;
        let Ok(text) = String::from_utf8(changed) else { return Ok(()) };
        if let Ok(found) = from_json(&text) {
            let parsed: Json = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::to_value(&found).unwrap(), parsed);
        }
    }

    #[test]
    fn the_json_of_a_value_is_as_long_as_a_line_may_be_at_most(value in value()) {
        let bytes = value_bytes(&value);
        let most = 6 * bytes.len() + 64 * count_values(&bytes).unwrap();
        prop_assert!(json(&value).len() <= most, "{} > {}", json(&value).len(), most);
    }
}

#[test]
fn every_kind_has_the_json_that_is_documented() {
    let table = [
        (Value::None, "null"),
        (Value::Bool(true), "true"),
        (Value::from((1u64 << 53) - 1), "9007199254740991"),
        (Value::from(-(1i64 << 53) + 1), "-9007199254740991"),
        (Value::from(1u64 << 53), r#"{"$int":"9007199254740992"}"#),
        (Value::from(-(1i64 << 53)), r#"{"$int":"-9007199254740992"}"#),
        (Value::from(u64::MAX), r#"{"$int":"18446744073709551615"}"#),
        (Value::from(i64::MIN), r#"{"$int":"-9223372036854775808"}"#),
        (Value::from(1.5f32), r#"{"$f32":"1.5"}"#),
        (Value::from(0.1f32), r#"{"$f32":"0.1"}"#),
        (Value::from(-0.0f64), r#"{"$f64":"-0.0"}"#),
        (Value::from(0.0001f64), r#"{"$f64":"0.0001"}"#),
        (Value::from(0.00001f64), r#"{"$f64":"1e-5"}"#),
        (Value::from(1e15f64), r#"{"$f64":"1000000000000000.0"}"#),
        (Value::from(1.5e16f64), r#"{"$f64":"1.5e16"}"#),
        (Value::from(f64::MIN_POSITIVE), r#"{"$f64":"2.2250738585072014e-308"}"#),
        (Value::from(f32::INFINITY), r#"{"$f32":"inf"}"#),
        (Value::from(f64::NEG_INFINITY), r#"{"$f64":"-inf"}"#),
        (Value::F32(0x7fc0_0000), r#"{"$f32":"nan:7fc00000"}"#),
        (Value::F64(0xfff0_0000_0000_0001), r#"{"$f64":"nan:fff0000000000001"}"#),
        (Value::from("é\n\u{1}"), r#""é\n\u0001""#),
        (Value::from(b"\x00\xff".to_vec()), r#"{"$bytes":"AP8="}"#),
        (Value::Handle(7), r#"{"$handle":7}"#),
        (Value::List(vec![Value::None, Value::List(vec![])]), "[null,[]]"),
        (Value::record([("z", Value::None), ("a", Value::Bool(false))]), r#"{"z":null,"a":false}"#),
        (Value::record([("$bytes", Value::from("x"))]), r#"{"$$bytes":"x"}"#),
        (Value::record([("$$", Value::None), ("$", Value::None)]), r#"{"$$$":null,"$$":null}"#),
        (Value::Record(vec![]), "{}"),
    ];
    for (value, text) in table {
        assert_eq!(json(&value), text);
        assert_eq!(from_json(text).unwrap(), value, "{text}");
    }
}

#[test]
fn every_other_form_is_refused_and_the_right_one_is_named() {
    let table = [
        ("1.5", "write floats as"),
        ("1e2", "write floats as"),
        ("-0", "write floats as"),
        ("9007199254740992", r#"write it as {"$int": "9007199254740992"}"#),
        ("-9007199254740992", r#"write it as {"$int": "-9007199254740992"}"#),
        ("18446744073709551616", "large integers as"),
        (r#"{"$int":"5"}"#, "`5`, which is not an integer beyond"),
        (r#"{"$int":"+9007199254740992"}"#, "which is not an integer"),
        (r#"{"$int":"18446744073709551616"}"#, "which is not an integer"),
        (r#"{"$int":9007199254740992}"#, "expected a string"),
        (r#"{"$f32":"1"}"#, "which is not a float of 32 bits"),
        (r#"{"$f32":"0.10000000149011612"}"#, "which is not a float of 32 bits"),
        (r#"{"$f64":"NaN"}"#, "which is not a float of 64 bits"),
        (r#"{"$f64":"nan:7FF8000000000000"}"#, "which is not a float"),
        (r#"{"$f64":"nan:3ff8000000000000"}"#, "which is not a float"),
        (r#"{"$f64":"infinity"}"#, "which is not a float"),
        (r#"{"$bytes":"AP8"}"#, "not padded base64"),
        (r#"{"$bytes":"AP9="}"#, "not padded base64"),
        (r#"{"$bytes":"A P8="}"#, "not padded base64"),
        (r#"{"$bytes":[0,255]}"#, "expected bytes in base64"),
        (r#"{"$handle":4294967296}"#, "4294967296"),
        (r#"{"$handle":-1}"#, "-1"),
        (r#"{"$handle":1,"x":2}"#, "other keys beside `$handle`"),
        (r#"{"$other":1}"#, "write a key of a record that begins with `$` as `$$other`"),
        (r#"{"$":1}"#, "as `$$`"),
        (r#"{"x":2,"$handle":1}"#, "as `$$handle`"),
        (r#"{"a":1,"b":2,"a":1}"#, "the key `a` twice"),
    ];
    for (text, words) in table {
        let error = from_json(text).expect_err(text).to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn what_messagepack_can_nest_json_can_nest_and_no_more() {
    let lists = |depth| [vec![0x91; depth], vec![0xc0]].concat();
    let deepest = (0..=MAX_DECODE_DEPTH).rev().find_map(|d| Value::decode(&lists(d)).ok());
    let deepest = deepest.unwrap();
    assert_eq!(from_json(&json(&deepest)).unwrap(), deepest);

    for nested in ["[", r#"{"a":"#] {
        let error = from_json(&nested.repeat(1_000_000)).unwrap_err().to_string();
        assert!(error.contains("values nested deeper than 256"), "{error}");
    }
}

#[test]
fn more_values_than_an_event_may_have_are_refused_before_they_are_there() {
    // The text is never complete: whoever reads on meets its end.
    let text = format!("[{}", "[],".repeat(MAX_VALUES));
    let error = from_json(&text).unwrap_err().to_string();
    assert!(error.contains("more than 4194304 values"), "{error}");
}

#[test]
fn order_in_a_record_is_kept() {
    let keys = ["b", "a", "c", "B", ""].map(Arc::<str>::from);
    let value = Value::Record(keys.iter().cloned().map(|key| (key, Value::None)).collect());
    let Value::Record(fields) = from_json(&json(&value)).unwrap() else { panic!("a record") };
    assert!(fields.iter().map(|(key, _)| key).eq(&keys));
}
