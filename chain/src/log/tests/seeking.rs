//! Promises about random access: an event costs an index or a few and one frame, and what lies on the way to
//! it is noticed.

use std::io::{Cursor, Seek, SeekFrom};

use super::*;
use crate::log::format::{FrameRef, IndexBody, TAG_INDEX, TAG_SEAL};

/// Counts what is read.
struct Counting<'a> {
    input: Cursor<&'a [u8]>,
    read: &'a std::cell::Cell<usize>,
}

impl Read for Counting<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(out)?;
        self.read.set(self.read.get() + count);
        Ok(count)
    }
}

impl Seek for Counting<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.input.seek(to)
    }
}

fn event(record: Option<Record>) -> (u64, ChainNumber, ChainEvent) {
    match record {
        Some(Record::Event { number, chain, event, .. }) => (number, chain, event),
        other => panic!("no event: {other:?}"),
    }
}

#[test]
fn every_event_is_found_by_its_number() {
    let (first, second) = (linked_events(300, 40), linked_events(300, 20_000));
    let mut writer = writer();
    writer.embed_actor(b"component").unwrap();
    let chains = [writer.add_chain(id(1)).unwrap(), writer.add_chain(id(2)).unwrap()];
    for (a, b) in first.iter().zip(&second) {
        writer.append(chains[0], a).unwrap();
        writer.append(chains[1], b).unwrap();
        writer.end_frame().unwrap();
    }
    let (take, _) = writer.seal().unwrap();
    let mut log = IndexedLog::open(Cursor::new(&take[..])).unwrap().unwrap();
    for wanted in (0..600).rev() {
        let (number, chain, found) = event(log.event(wanted).unwrap());
        let expected = if wanted % 2 == 0 { &first } else { &second };
        assert_eq!((number, chain.0), (wanted, (wanted % 2) as u32));
        assert_same(&[found], &expected[wanted as usize / 2..][..1]);
    }
    assert_eq!(log.event(600).unwrap(), None);
    assert_eq!(log.event(u64::MAX).unwrap(), None);
}

#[test]
fn one_event_costs_the_index_and_one_frame() {
    let take = sealed(&linked_events(1000, 100_000));
    let read = std::cell::Cell::new(0);
    let input = Counting { input: Cursor::new(&take[..]), read: &read };
    let mut log = IndexedLog::open(input).unwrap().unwrap();
    log.event(500).unwrap().unwrap();
    // The header's read-ahead, the seal's search, an index, and a frame of a MiB and an event.
    let bound = (256 << 10) + (64 << 10) + (16 << 10) + (1 << 20) + 200_000;
    assert!(
        take.len() > 50 * bound && read.get() < bound,
        "{} of {} bytes were read",
        read.get(),
        take.len()
    );
}

#[test]
fn a_take_without_a_seal_at_its_end_has_no_random_access() {
    let take = sealed(&linked_events(3, 100));
    for bytes in [&take[..take.len() - 1], &take[..header().len()], &[&take[..], b"x"].concat()] {
        assert!(IndexedLog::open(Cursor::new(bytes)).unwrap().is_none());
    }
    assert!(matches!(IndexedLog::open(Cursor::new(&b"text"[..])), Err(ReadError::NotATake { .. })));
}

/// A take of two data frames, whose index and seal say what they are told to.
fn lying(change: impl FnOnce(&mut IndexBody, &mut FrameRef)) -> Vec<u8> {
    let events = linked_events(2, 100);
    let mut writer = writer();
    let chain = writer.add_chain(id(1)).unwrap();
    for event in &events {
        writer.append(chain, event).unwrap();
        writer.end_frame().unwrap();
    }
    let take = writer.seal().unwrap().0;
    let mut seal = read(&take[..]).unwrap().2.unwrap();
    let at = seal.index.offset as usize;
    let raw = zstd::decode_all(&take[at..at + seal.index.length as usize]).unwrap();
    let (_, mut index): (String, IndexBody) = crate::from_canonical_slice(&raw).unwrap();
    let mut place = seal.index;
    change(&mut index, &mut place);
    let index = frame(&crate::to_canonical_vec(&(TAG_INDEX, &index)).unwrap());
    if place == seal.index {
        place = FrameRef { offset: at as u64, length: index.len() as u64, crc32c: crc32c::crc32c(&index) };
    }
    seal.index = place;
    let seal = encode_seal(&crate::to_canonical_vec(&(TAG_SEAL, &seal)).unwrap());
    [&take[..at], &index, &seal].concat()
}

#[test]
fn an_index_that_lies_is_noticed_before_an_event_is_believed() {
    let mut log = IndexedLog::open(Cursor::new(lying(|_, _| ()))).unwrap().unwrap();
    assert_eq!(event(log.event(1).unwrap()).0, 1);

    type Lie = fn(&mut IndexBody, &mut FrameRef);
    let lies: [(&str, Lie); 10] = [
        ("another frame", |index, _| index.frames[2].frame = index.frames[1].frame),
        ("a wrong checksum", |index, _| index.frames[2].frame.crc32c ^= 1),
        ("a wrong length", |index, _| index.frames[2].frame.length -= 1),
        ("a length beyond the file", |index, _| index.frames[2].frame.length = 1 << 60),
        ("an offset beyond the file", |index, _| index.frames[2].frame.offset = u64::MAX),
        ("the header as the event's frame", |index, _| index.frames[2] = index.frames[0]),
        ("no frame", |index, _| index.frames.clear()),
        ("events that are elsewhere", |index, _| index.frames[2].first_event = 0),
        ("itself as the index before", |index, place| {
            index.frames.truncate(1);
            index.frames[0].first_event = 5;
            index.frames[0].frame = *place;
        }),
        ("an index in the middle of nowhere", |_, place| place.offset -= 7),
    ];
    for (lie, change) in lies {
        let found = IndexedLog::open(Cursor::new(lying(change))).unwrap().unwrap().event(1);
        assert!(matches!(found, Err(ReadError::Damaged { .. })), "{lie}: {found:?}");
    }
}
