//! Promises about lines that are wrong: each fault has its own error, with the line, and none brings the
//! reader down.

use std::io::{self, BufReader, Read};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{ExportedEnd, JsonlError, JsonlReader, Line, read, written};
use crate::log::{FORMAT_VERSION, FormatVersion, Record};
use crate::*;

const HEADER: &str = "{\"retake\":{\"version\":[1,0]}}\n";
const END: &str = "{\"end\":\"unsealed\"}\n";

fn fault(text: &str) -> JsonlError {
    read(text.as_bytes()).expect_err(text)
}

/// A take of one event, with some text of its line changed.
fn event_with(from: &str, to: &str) -> String {
    let event = ChainEvent::link(None, "a".into(), b"\x01".to_vec().into());
    let record = Record::Event { number: 0, chain: ChainNumber(0), event, offset: 0 };
    let text = String::from_utf8(written(&[record], ExportedEnd::Unsealed)).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    text.replace(from, to)
}

#[test]
fn nothing_at_all_is_empty() {
    assert!(matches!(fault(""), JsonlError::Empty));
}

#[test]
fn another_first_line_is_no_header() {
    for text in [
        "\n",
        "Dear reader,\n",
        "{}\n",
        "{\"a\":1}\n",
        "[1]\n",
        "{\"retake\":{}}\n",
        "{\"retake\":{\"version\":1}}\n",
        END,
        "\u{feff}{\"retake\":{\"version\":[1,0]}}\n",
    ] {
        let error = fault(text);
        assert!(matches!(&error, JsonlError::NoHeader { .. }), "{text}: {error}");
    }
    let zstd = read(b"\x28\xb5\x2f\xfd\x04").unwrap_err();
    assert!(matches!(zstd, JsonlError::NoHeader { .. }), "{zstd}");
}

#[test]
fn a_newer_version_is_named_even_if_its_header_has_more() {
    for (text, found) in [("[2,0],\"later\":[]", (2, 0)), ("[1,1]", (1, 1))] {
        let error = fault(&format!("{{\"retake\":{{\"version\":{text}}}}}\n"));
        let JsonlError::Version(error) = error else { panic!("{error}") };
        assert_eq!(Err(error), FormatVersion::from(found).check_readable_by(FORMAT_VERSION));
    }
}

#[test]
fn a_line_that_is_not_json_is_named_with_its_place() {
    for (line, column) in [("{\"chain\": nil}", 12), ("{\"end\":\"unsealed\"} {}", 20), ("\u{1}", 1), ("", 0)]
    {
        let error = fault(&format!("{HEADER}{line}\n{END}"));
        let JsonlError::NotJson { line: 2, column: found, reason } = &error else {
            panic!("{line}: {error}")
        };
        assert!(*found == column && !reason.contains("at line 1"), "{line}: {error}");
    }
}

#[test]
fn wrong_fields_are_named() {
    let table = [
        (r#""number":0"#, r#""number":-1"#, "-1"),
        (r#""number":0,"#, "", "missing field `number`"),
        (r#""parent":null,"#, "", "missing field `parent`"),
        (r#""type":"a""#, r#""type":1"#, "a string"),
        (r#""chain":0"#, r#""chain":4294967296"#, "4294967296"),
        (r#""chain":0"#, r#""chain":0,"chain":0"#, "duplicate field `chain`"),
        (r#""chain":0"#, r#""chain":0,"color":0"#, "unknown field `color`"),
        (r#""hash":""#, r#""hash":"x"#, "is not a SHA-256"),
        (r#""parent":null"#, r#""parent":"12""#, "is not a SHA-256"),
        (r#""data":1"#, r#""data":1.5"#, "write floats as"),
        (r#""data":1"#, r#""msgpack":"AQ""#, "not padded base64"),
        (r#"{"event""#, r#"{"evnt""#, "unknown variant `evnt`"),
        (r#""end":"unsealed""#, r#""end":"sealed""#, "expected newtype variant"),
        (r#""unsealed""#, r#"{"torn":{"offset":1,"more":2}}"#, "unknown field `more`"),
        (r#""unsealed""#, r#"{"sealed":{"kind":"perfect","events":0,"chains":[]}}"#, "perfect"),
    ];
    for (from, to, words) in table {
        let error = fault(&event_with(from, to));
        let JsonlError::WrongFields { line: 2 | 3, reason, .. } = &error else { panic!("{to}: {error}") };
        assert!(reason.contains(words), "{to}: {reason}");
    }
}

#[test]
fn an_event_without_data_or_with_it_twice_is_refused() {
    for to in ["", r#","data":1,"msgpack":"AQ==""#] {
        let error = fault(&event_with(r#","data":1"#, to));
        assert!(matches!(error, JsonlError::NotOneData { line: 2 }), "{error}");
    }
    assert!(read(event_with(r#""data":1"#, r#""msgpack":"AQ==""#).as_bytes()).is_ok());
}

#[test]
fn a_second_header_is_refused() {
    assert!(matches!(fault(&format!("{HEADER}{HEADER}{END}")), JsonlError::SecondHeader { line: 2 }));
}

#[test]
fn nothing_may_follow_the_end() {
    for more in ["\n", END, "x"] {
        let error = fault(&format!("{HEADER}{END}{more}"));
        assert!(matches!(error, JsonlError::AfterEnd { line: 3 }), "{error}");
    }
}

#[test]
fn a_file_cut_at_any_length_is_told_as_cut() {
    let text = event_with("", "");
    // Only the newline after the end may be missing.
    for length in 1..text.len() - 1 {
        match fault(&text[..length]) {
            JsonlError::NoHeader { .. } => assert!(length < HEADER.len() - 1),
            JsonlError::NoEnd { line } => {
                let before = text[..length].trim_end().lines().count() as u64;
                assert_eq!(line, before, "{length}");
            }
            JsonlError::CutLine { line } => assert_eq!(line, text[..length].lines().count() as u64),
            other => panic!("{length}: {other}"),
        }
    }
    assert!(read(text.trim_end().as_bytes()).is_ok());
}

#[test]
fn a_line_longer_than_any_event_is_refused_without_being_read() {
    let limit = HEADER.len() as u64;
    let endless = || BufReader::new(HEADER.as_bytes().chain(io::repeat(b' ')));
    let mut reader = JsonlReader::with_limit(endless(), limit);
    assert!(matches!(reader.next_line(), Ok(Some(Line::Header(_)))));
    let error = reader.next_line().unwrap_err();
    assert!(matches!(error, JsonlError::TooLong { line: 2, limit: found } if found == limit), "{error}");
    assert!(matches!(reader.next_line(), Err(JsonlError::Failed)), "after an error there is nothing more");
}

#[test]
fn a_failing_input_is_its_own_error() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable"))
        }
    }
    let mut reader = JsonlReader::new(BufReader::new(HEADER.as_bytes().chain(Failing)));
    assert!(reader.next_line().is_ok());
    let error = reader.next_line().unwrap_err();
    assert!(matches!(error, JsonlError::Io { line: 2, .. }), "{error}");
    assert_eq!(error.to_string(), "cannot read line 2: the cable");
}

proptest! {
    #[test]
    fn no_bytes_bring_the_reader_down(bytes in vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
        let _ = read(&bytes);
        let mut changed = event_with("", "").into_bytes();
        let at = at.index(changed.len());
        changed.splice(at..at, bytes);
        let _ = read(&changed);
    }
}
