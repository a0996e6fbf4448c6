//! Promises about values: one to one with their bytes, exact, bounded, and readable.

use proptest::collection::vec;
use proptest::prelude::*;

use super::strategies::value;
use crate::codec::payload_codec::value_bytes;
use crate::*;

proptest! {
    #[test]
    fn a_value_comes_back_from_its_bytes(value in value()) {
        let bytes = to_canonical_vec(&value).unwrap();
        prop_assert_eq!(Value::decode(&bytes).unwrap(), value);
    }

    #[test]
    fn the_hand_made_encoder_equals_serde(value in value()) {
        prop_assert_eq!(value_bytes(&value), to_canonical_vec(&value).unwrap());
    }

    #[test]
    fn bytes_that_decode_are_the_only_ones_for_their_value(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(value) = Value::decode(&bytes) {
            prop_assert_eq!(to_canonical_vec(&value).unwrap(), bytes);
        }
    }

    #[test]
    fn a_changed_byte_is_another_value_or_none(value in value(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = to_canonical_vec(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert_ne!(Value::decode(&bytes).ok(), Some(value));
    }

    #[test]
    fn the_form_for_people_is_one_line(value in value()) {
        prop_assert_eq!(value.to_string().lines().count(), 1);
    }
}

#[test]
fn every_kind_has_the_bytes_that_messagepack_gives_it() {
    let table: [(Value, &[u8]); 20] = [
        (Value::None, b"\xc0"),
        (Value::Bool(true), b"\xc3"),
        (Value::from(127u8), b"\x7f"),
        (Value::from(128u8), b"\xcc\x80"),
        (Value::from(256u16), b"\xcd\x01\x00"),
        (Value::from(65536u32), b"\xce\x00\x01\x00\x00"),
        (Value::from(1u64 << 32), b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
        (Value::from(5i64), b"\x05"),
        (Value::from(-1i8), b"\xff"),
        (Value::from(-33i8), b"\xd0\xdf"),
        (Value::from(-129i16), b"\xd1\xff\x7f"),
        (Value::from(-32769i32), b"\xd2\xff\xff\x7f\xff"),
        (Value::from(i64::MIN), b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
        (Value::from(1.0f32), b"\xca\x3f\x80\x00\x00"),
        (Value::from(-0.0f64), b"\xcb\x80\x00\x00\x00\x00\x00\x00\x00"),
        (Value::from('é'), b"\xa2\xc3\xa9"),
        (Value::from(vec![1u8, 2]), b"\xc4\x02\x01\x02"),
        (Value::from(Some(Value::None)), b"\x91\xc0"),
        (Value::case("ok", Some(Value::Bool(false))), b"\x81\xa2ok\xc2"),
        (Value::Handle(258), b"\xd6\x01\x00\x00\x01\x02"),
    ];
    for (value, bytes) in table {
        assert_eq!(to_canonical_vec(&value).unwrap(), bytes, "{value}");
        assert_eq!(value_bytes(&value), bytes, "{value}");
        assert_eq!(Value::decode(bytes).unwrap(), value);
    }
}

#[test]
fn nan_payloads_survive_signalling_ones_too() {
    for bits in [0x7fc0_0000, 0x7f80_0001, 0xffc1_2345, 0x7fbf_ffff] {
        let bytes = to_canonical_vec(&Value::F32(bits)).unwrap();
        assert_eq!(bytes[1..], bits.to_be_bytes());
        assert_eq!(Value::decode(&bytes).unwrap(), Value::F32(bits));
    }
    for bits in [0x7ff8_0000_0000_0000, 0x7ff0_0000_0000_0001, 0xfff4_dead_beef_0001] {
        let bytes = to_canonical_vec(&Value::F64(bits)).unwrap();
        assert_eq!(bytes[1..], bits.to_be_bytes());
        assert_eq!(Value::decode(&bytes).unwrap(), Value::F64(bits));
    }
}

#[test]
fn overlong_forms_are_not_canonical_and_the_byte_is_named() {
    let table: [(&[u8], u64); 7] = [
        (b"\xcc\x05", 0),
        (b"\xd0\x05", 0),
        (b"\xd9\x01a", 0),
        (b"\xc5\x00\x01a", 0),
        (b"\x92\x01\xdc\x00\x00", 2),
        (b"\x81\xd9\x01a\x01", 1),
        (b"\xc7\x04\x01\x00\x00\x00\x01", 0),
    ];
    for (bytes, at) in table {
        assert_eq!(Value::decode(bytes), Err(DecodeError::NotCanonical { offset: at }), "{bytes:x?}");
    }
}

#[test]
fn bytes_after_the_value_are_refused() {
    assert_eq!(Value::decode(b"\xc0\xc0\xc0"), Err(DecodeError::Trailing { offset: 1, extra: 2 }));
}

#[test]
fn bytes_that_end_early_are_cut_off_in_the_object_that_is_named() {
    assert_eq!(Value::decode(b"\x92\x01\xa5ab"), Err(DecodeError::Truncated { offset: 2, len: 5 }));
}

#[test]
fn extensions_that_are_no_handle_are_refused() {
    for bytes in [&b"\xd6\x02\x00\x00\x00\x01"[..], b"\xd5\x01\x00\x01", b"\xd6\xff\x00\x00\x00\x01"] {
        let error = Value::decode(bytes).unwrap_err();
        assert!(matches!(error, DecodeError::Syntax { offset: 0, .. }), "{error}");
    }
}

#[test]
fn claimed_lengths_ask_for_no_memory() {
    for bytes in
        [&b"\xdd\xff\xff\xff\xff\x01"[..], b"\xdf\xff\xff\xff\xff\xa0\x01", b"\xc6\xff\xff\xff\xff\x01"]
    {
        let error = Value::decode(bytes).unwrap_err();
        assert!(
            matches!(error, DecodeError::Truncated { .. } | DecodeError::TooManyValues { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_key_that_comes_twice_is_refused_in_small_maps_and_large_ones() {
    for size in [2, 16, 17, 5000] {
        let names = || (0..size).map(|name: u32| name.to_string());
        let record = |names: &mut dyn Iterator<Item = String>| {
            to_canonical_vec(&Value::record(names.map(|name| (name, Value::None)))).unwrap()
        };
        assert!(Value::decode(&record(&mut names())).is_ok());
        let doubled = record(&mut names().take(size as usize - 1).chain(["0".to_owned()]));
        assert_eq!(Value::decode(&doubled), Err(DecodeError::DuplicateKey { offset: 0, key: "0".into() }));
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let deep = |depth: usize| {
        let mut bytes = vec![0x91; depth];
        bytes.push(0xc0);
        bytes
    };
    assert!(Value::decode(&deep(MAX_VALUE_DEPTH)).is_ok());
    for depth in [MAX_DECODE_DEPTH + 1, 1_000_000] {
        let error = Value::decode(&deep(depth)).unwrap_err();
        assert!(matches!(error, DecodeError::TooDeep { .. }), "{error}");
    }
}

#[test]
fn the_form_for_people_is_as_documented() {
    let table = [
        (Value::None, "none"),
        (Value::from(-5i8), "-5"),
        (Value::from(1.0f32), "1.0"),
        (Value::F32(0x7fc0_0000), "NaN(0x7fc00000)"),
        (Value::F64(0x7ff8_0000_0000_0001), "NaN(0x7ff8000000000001)"),
        (Value::from(f64::NEG_INFINITY), "-inf"),
        (Value::from("a\n\"b\""), r#""a\n\"b\"""#),
        (Value::from(b"\x00a\"\xff".to_vec()), r#"b"\x00a\"\xff""#),
        (Value::Handle(3), "#3"),
        (Value::List(vec![Value::Bool(true), Value::None]), "[true, none]"),
        (Value::record([("a", Value::from(1u8)), ("b", Value::from("x"))]), r#"{a: 1, b: "x"}"#),
    ];
    for (value, text) in table {
        assert_eq!(value.to_string(), text);
    }
}

#[test]
fn what_is_cut_in_the_form_for_people_still_differs() {
    let bytes = |last: u8| Value::from([vec![b'a'; 5000], vec![last]].concat());
    assert!(bytes(1).to_string().contains("(5001 bytes, sha256 "), "{}", bytes(1));
    assert!(bytes(1).to_string().len() < 250);
    assert_ne!(bytes(1).to_string(), bytes(2).to_string());

    let text = |last: char| Value::from(format!("{}{last}", "é".repeat(500)));
    assert_ne!(text('a').to_string(), text('b').to_string());

    let list = |last: u8| Value::List((0..100).map(|_| Value::None).chain([Value::from(last)]).collect());
    assert!(list(1).to_string().contains("101 elements"));
    assert_ne!(list(1).to_string(), list(2).to_string());
}

#[test]
fn json_shows_what_it_has_no_word_for() {
    let value = Value::List(vec![
        Value::from(b"\x00\xff".to_vec()),
        Value::Handle(7),
        Value::from(f32::INFINITY),
        Value::from(1.5f64),
        Value::case("some", Some(Value::from(u64::MAX))),
        Value::None,
    ]);
    let json = concat!(
        r#"[{"$bytes":"AP8="},{"$handle":7},{"$f32":"inf"},{"$f64":"1.5"},"#,
        r#"{"some":{"$int":"18446744073709551615"}},null]"#
    );
    assert_eq!(serde_json::to_string(&value).unwrap(), json);
}
