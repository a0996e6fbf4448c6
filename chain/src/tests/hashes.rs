//! Promises about hashes: the documented formula, checked against values computed by other means.

use std::sync::Arc;

use super::strategies::host_call;
use crate::*;

// Computed with Python's hashlib over MessagePack written by hand:
//   hashlib.sha256(b"retake.event.v1\0" + b"\x93" + parent + type + data)
const ROOT: &str = "34b475a58c4bf35f834306c28d169e96919b24f54445457562fdf021d3876e37";
const CALL: &str = "a3a0227d0bb82de41d34af5ab576d4f0447c89f6cd9c0539c162f3033f392416";
const LONG_TYPE: &str = "85a419d601bb72fc66c62d2d1fab78750efc06d41d0c8fdfacf0b75928c05c30";
const MIDDLE: &str = "e8269223fda6ce4d82bd1063c541a65aaee9152afa577bca47c13627fb1d758a";

#[test]
fn hashes_are_those_that_other_programs_compute() {
    let root = ChainEventData::shutdown().to_chain_event(None);
    assert_eq!(root.hash.to_string(), ROOT);

    let answer = Value::record([("seconds", Value::from(1u8)), ("nanoseconds", Value::from(2u8))]);
    let call = host_call(vec![], answer).to_chain_event(Some(root.hash));
    assert_eq!(call.hash.to_string(), CALL);

    let data: Vec<u8> = (0..70_000u32).map(|i| (i % 251) as u8).collect();
    assert_eq!(event_hash(Some(&call.hash), &"x".repeat(300), &data).to_string(), LONG_TYPE);
    assert_eq!(event_hash(Some(&call.hash), &"x".repeat(40), &data[..300]).to_string(), MIDDLE);
}

#[test]
fn every_field_is_hashed() {
    let event = host_call(vec![], Value::None).to_chain_event(None);
    let other = ChainEvent::link(Some(event.hash), event.event_type.clone(), event.data.clone());
    assert_ne!(other.hash, event.hash);
    let other = ChainEvent::link(None, Arc::from("wasi:clocks/wall-clock@0.2.3/noW"), event.data.clone());
    assert_ne!(other.hash, event.hash);
    let other = ChainEvent::link(None, event.event_type.clone(), event.data.slice(1..));
    assert_ne!(other.hash, event.hash);
}

#[test]
fn a_digest_in_pieces_is_the_digest_of_the_whole() {
    let mut hasher = ContentHasher::new();
    for piece in [&b"a"[..], b"", b"bc"] {
        hasher.update(piece);
    }
    let digest = hasher.finish();
    assert_eq!(digest, ContentRef::of(b"abc"));
    assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn digests_are_read_as_they_are_written() {
    let digest = ContentRef::of(b"abc");
    assert_eq!(digest.to_string().parse(), Ok(digest));
    for text in ["", "ba78", &"z".repeat(64)] {
        assert!(text.parse::<EventHash>().unwrap_err().to_string().contains(text));
    }
    let bytes = to_canonical_vec(&digest).unwrap();
    assert_eq!(bytes[..2], [0xc4, 32]);
    assert_eq!(from_canonical_slice::<ContentRef>(&bytes), Ok(digest));
    assert!(from_canonical_slice::<ContentRef>(&bytes[..33]).is_err());
}
