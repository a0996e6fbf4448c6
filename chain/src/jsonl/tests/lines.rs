//! Promises about whole takes: every record comes back, whatever its bytes are.

use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{ExportedEnd, JsonlReader, Line, SealedEnd, read, written};
use crate::log::{Record, SealedChain};
use crate::tests::strategies::payload;
use crate::*;

fn event(number: u64, event_type: &str, data: impl Into<Bytes>) -> Record {
    let parent = (number > 0).then_some(EventHash([number as u8; 32]));
    let event = ChainEvent::link(parent, Arc::from(event_type), data.into());
    Record::Event { number, chain: ChainNumber(number as u32 % 3), event, offset: 0 }
}

/// The same record, as far as it is not about a file.
#[track_caller]
fn assert_same(found: &Line, expected: &Record) {
    match (found, expected) {
        (
            Line::Record(Record::Event { number, chain, event, .. }),
            Record::Event { number: other_number, chain: other_chain, event: other, .. },
        ) => {
            assert_eq!((number, chain), (other_number, other_chain));
            assert_eq!((event.hash, event.parent_hash), (other.hash, other.parent_hash));
            assert_eq!((&event.event_type, &event.data), (&other.event_type, &other.data));
        }
        (Line::Record(found), expected) => assert_eq!(found, expected),
        (found, _) => panic!("{found:?}"),
    }
}

proptest! {
    #[test]
    fn an_event_comes_back_and_its_data_is_readable(payload in payload(), number in 0u64..9) {
        let record = event(number, &payload.event_type(), payload.encode());

        let text = written(std::slice::from_ref(&record), ExportedEnd::Unsealed);

        assert_same(&read(&text).unwrap()[1], &record);
        prop_assert!(!String::from_utf8(text).unwrap().contains("msgpack\":"));
    }

    #[test]
    fn bytes_that_are_no_payload_come_back_too(data in vec(any::<u8>(), 0..40), name in ".{0,20}") {
        let record = event(1, &name, data);
        assert_same(&read(&written(std::slice::from_ref(&record), ExportedEnd::Unsealed)).unwrap()[1], &record);
    }
}

#[test]
fn data_that_is_not_canonical_is_passed_on_as_it_is() {
    let deep = [vec![0x91; 300], vec![0xc0]].concat();
    for data in [&b""[..], b"\xcc\x05", b"\xc0\xc0", b"\x81\x01\x02", b"\xa1\xff", b"\xd6\x02abcd", &deep] {
        let record = event(0, "altered", data.to_vec());
        let text = written(std::slice::from_ref(&record), ExportedEnd::Unsealed);
        assert_same(&read(&text).unwrap()[1], &record);
        assert!(String::from_utf8(text).unwrap().contains(r#""msgpack":""#), "{data:x?}");
    }
}

#[test]
fn data_that_is_nil_is_not_taken_for_none() {
    let record = event(0, "nil", b"\xc0".to_vec());
    let text = written(std::slice::from_ref(&record), ExportedEnd::Unsealed);
    assert!(String::from_utf8_lossy(&text).contains(r#""data":null"#));
    assert_same(&read(&text).unwrap()[1], &record);
}

#[test]
fn every_kind_of_line_and_of_end_comes_back() {
    let id = TheaterId::generate();
    let bytes = Bytes::from((0..=255).cycle().take(log::ACTOR_CHUNK).collect::<Vec<u8>>());
    let records = [
        Record::Actor { offset: 0, total: 1 << 21, bytes: bytes.clone() },
        Record::Actor { offset: 1 << 20, total: 1 << 21, bytes },
        Record::Chain { number: ChainNumber(0), id },
        event(0, "a", b"\x01".to_vec()),
        Record::Chain { number: ChainNumber(1), id: TheaterId::generate() },
    ];
    let chains = vec![SealedChain { id, count: 1, head: Some(EventHash([7; 32])) }];
    let sealed = [ExportedEnd::Sealed(SealedEnd { kind: SealKind::Complete, events: 1, chains })];
    let others = [
        ExportedEnd::Unsealed,
        ExportedEnd::Torn { offset: 5 },
        ExportedEnd::Damaged { reason: "\"bits\"\n".into() },
    ];
    for end in sealed.into_iter().chain(others) {
        let text = written(&records, end.clone());
        let lines = read(&text).unwrap();
        assert_eq!(lines[0], Line::Header(log::FORMAT_VERSION));
        lines[1..].iter().zip(&records).for_each(|(line, record)| assert_same(line, record));
        assert_eq!(lines[records.len() + 1..], [Line::End(end)]);
        assert_eq!(text.iter().filter(|&&byte| byte == b'\n').count(), records.len() + 2);
    }
}

#[test]
fn an_event_is_named_by_the_offset_and_the_number_of_its_line() {
    let text =
        written(&[event(0, "a", b"\x01".to_vec()), event(1, "b", b"\x02".to_vec())], ExportedEnd::Unsealed);
    let mut reader = JsonlReader::new(&text[..]);
    let mut expected = 0;
    for number in 1..=4 {
        let before = expected;
        expected += text[before..].iter().position(|&byte| byte == b'\n').unwrap() + 1;
        match reader.next_line().unwrap().unwrap() {
            Line::Record(Record::Event { offset, .. }) => assert_eq!(offset, before as u64),
            other => assert!([1, 4].contains(&number), "{other:?}"),
        }
        assert_eq!((reader.line(), reader.bytes()), (number, expected as u64));
    }
    assert_eq!(reader.next_line().unwrap(), None);
}

#[test]
fn space_and_the_order_of_a_lines_own_members_do_not_matter() {
    let record = event(0, "a", b"\x82\xa1b\x01\xa1a\x02".to_vec());
    let Record::Event { event, .. } = &record else { unreachable!("it is one") };
    let line = format!(
        r#" {{ "event" : {{"data": {{"b": 1, "a": 2}}, "type":"\u0061", "parent":null, "hash":"{}", "chain":0,"number":0}} }} "#,
        event.hash
    );
    let text = format!("{{\"retake\":{{\"version\":[1,0]}}}}\r\n{line}\r\n{{\"end\":\"unsealed\"}}");
    assert_same(&read(text.as_bytes()).unwrap()[1], &record);
}
