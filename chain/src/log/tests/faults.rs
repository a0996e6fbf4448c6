//! Promises about reading: every fault is told apart, and nothing is believed unchecked.

use super::*;

#[test]
fn other_files_are_told_apart() {
    assert!(matches!(read(&b""[..]), Err(ReadError::Empty)));
    for bytes in
        [&b"{\"json\": 1}"[..], b"\0asm\x01\0\0\0", b"x", &zstd::encode_all(&b"text"[..], 3).unwrap()]
    {
        let error = read(bytes).unwrap_err();
        assert!(matches!(error, ReadError::NotATake { .. }), "{error}");
    }
    let chain_first = frame(b"\x93\xa5chain\x00\xd9\x2401010101-0101-0101-0101-010101010101");
    for bytes in [chain_first, frame(b"plain text in a frame"), frame(b"\x92\xa4seal\x80")] {
        let error = read(&bytes[..]).unwrap_err();
        assert!(matches!(error, ReadError::NotATake { .. }), "{error}");
    }
}

#[test]
fn a_newer_version_is_named_even_if_its_header_has_more() {
    for (raw, major, minor) in [
        (&b"\x92\xa6retake\x81\xa7version\x92\x02\x00"[..], 2, 0),
        (b"\x92\xa6retake\x82\xa7version\x92\x01\x01\xa3new\xc0", 1, 1),
    ] {
        let error = read(&frame(raw)[..]).unwrap_err();
        let ReadError::Version(error) = error else { panic!("unexpected {error}") };
        assert_eq!(Err(error), FormatVersion::new(major, minor).check_readable_by(FORMAT_VERSION));
    }
}

#[test]
fn nothing_may_follow_the_seal() {
    let bytes = sealed(&linked_events(3, 10));
    for more in [&b"x"[..], b"\0", &header()] {
        let error = read(&[&bytes, more].concat()[..]).unwrap_err();
        assert!(
            matches!(error, ReadError::TrailingBytes { offset } if offset == bytes.len() as u64),
            "{error}"
        );
    }
}

#[test]
fn damage_is_named_with_its_byte_and_event() {
    let mut bytes = sealed(&linked_events(30, 100_000));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let error = read(&bytes[..]).unwrap_err();
    let ReadError::Damaged { offset, event, .. } = error else { panic!("unexpected {error}") };
    assert!(offset <= middle as u64 + (1 << 20) && event > 5 && event < 30, "{error}");
}

#[test]
fn after_an_error_there_is_nothing_more() {
    let mut bytes = sealed(&linked_events(3, 100));
    let at = header().len() + 40;
    bytes[at] ^= 0xff;
    let mut reader = LogReader::open(&bytes[..]).unwrap();
    let first = std::iter::from_fn(|| Some(reader.next_record())).find_map(Result::err).unwrap();
    assert!(matches!(first, ReadError::Damaged { .. }));
    assert!(matches!(reader.next_record(), Err(ReadError::Failed)));
}

#[test]
fn records_stand_only_where_they_may() {
    let chain = b"\x93\xa5chain\x00\xd9\x2401010101-0101-0101-0101-010101010101";
    let event = [&b"\x96\xa5event\x00\xc4\x20"[..], &[7; 32], b"\xc0\xa1t\xc4\x00"].concat();
    let second_header = b"\x92\xa6retake\x81\xa7version\x92\x01\x00";
    let half_actor = b"\x94\xa5actor\x00\x02\xc4\x01a";
    let gap = b"\x94\xa5actor\x01\x02\xc4\x01a";
    let second_chain = b"\x93\xa5chain\x01\xd9\x2401010101-0101-0101-0101-010101010101";
    let misplaced = |record, place| Damage::Misplaced { record, place };
    let shared = "shares a frame that it may not share";
    let table: [(&[&[u8]], Damage); 10] = [
        (&[second_header], misplaced("retake", "comes a second time")),
        (&[&event], Damage::UnknownChain { chain: 0 }),
        (&[second_chain], Damage::ChainOutOfTurn { expected: 0, found: 1 }),
        (&[&[&chain[..], half_actor].concat()], misplaced("actor", shared)),
        (&[&[&half_actor[..], half_actor].concat()], misplaced("actor", shared)),
        (&[half_actor, chain], Damage::ActorCut { seen: 1, total: 2 }),
        (&[gap], Damage::ActorPiece { offset: 1, total: 2 }),
        (&[chain, half_actor], misplaced("actor", "comes after a chain")),
        (&[&[&chain[..], b"\x92\xa5index\x80"].concat()], misplaced("index", shared)),
        (&[chain, b"\x92\xa4seal\x80"], misplaced("seal", "is not in the one encoding of a seal's frame")),
    ];
    for (frames, expected) in table {
        let bytes = frames.iter().fold(header(), |bytes, raw| [bytes, frame(raw)].concat());
        assert_eq!(damage(&bytes), expected, "{frames:x?}");
    }
    let good = [header(), frame(&[&chain[..], &event[..]].concat())].concat();
    assert_eq!(read(&good[..]).unwrap().0.len(), 2);
}

#[test]
fn malformed_records_are_refused() {
    let chain = b"\x93\xa5chain\x00\xd9\x2401010101-0101-0101-0101-010101010101";
    let syntax = |expected| Damage::Syntax { expected };
    let unknown = |tag: &str, fields| Damage::UnknownRecord { tag: tag.into(), fields };
    let table: [(&[u8], Damage); 10] = [
        (b"\x91\xa1x", unknown("x", 1)),
        (b"\x93\xa5event\x00\x00", unknown("event", 3)),
        (b"\x93\xa5chain\xcc\x00\xd9\x2401010101-0101-0101-0101-010101010101", Damage::NotCanonical),
        (b"\x93\xa5chain\x00\xda\x00\x2401010101-0101-0101-0101-010101010101", Damage::NotCanonical),
        (b"\x93\xa5chain\x00\xd9\x2401010101-0101-0101-0101-01010101010A", Damage::ActorId),
        (b"\x93\xa5chain\x00\xd9\x24\xff1010101-0101-0101-0101-010101010101", syntax("a string in UTF-8")),
        (b"\xdc\x00\x03\xa5chain\x00\xd9\x2401010101-0101-0101-0101-010101010101", syntax("a short array")),
        (b"\x96\xa5event\x00\xc4\x0212\xc0\xa1t\xc4\x00", syntax("a hash of 32 bytes")),
        (b"\x96\xa5event\xff", syntax("an unsigned integer")),
        (b"\xc0", syntax("a short array")),
    ];
    for (raw, expected) in table {
        assert_eq!(damage(&[header(), frame(raw)].concat()), expected, "{raw:x?}");
    }
    let cut_off = [header(), frame(chain), frame(&chain[..20])].concat();
    assert_eq!(damage(&cut_off), Damage::CrossesFrame);
    assert_eq!(damage(&[header(), frame(b"")].concat()), Damage::EmptyFrame);
}

#[test]
fn claimed_lengths_beyond_the_limits_are_refused_before_their_bytes_come() {
    let head = [&b"\x96\xa5event\x00\xc4\x20"[..], &[7; 32], b"\xc0"].concat();
    let chain = b"\x93\xa5chain\x00\xd9\x2401010101-0101-0101-0101-010101010101";
    for tail in [&b"\xa1t\xc6\xff\xff\xff\xff"[..], b"\xda\x04\x01", b"\xdb\xff\xff\xff\xff"] {
        let found = damage(&[header(), frame(&[&chain[..], &head, tail].concat())].concat());
        assert!(matches!(found, Damage::TooLarge { .. }), "{found}");
    }
    let large_index = [&b"\x92\xa5index"[..], &vec![0xc0; 1 << 20]].concat();
    assert!(matches!(
        damage(&[header(), frame(&large_index)].concat()),
        Damage::TooLarge { what: "an index", .. }
    ));
}

#[test]
fn a_frame_that_goes_on_behind_its_end_is_refused() {
    // A frame is what a reader decompresses to get at one event, so it must not hold a whole session.
    let chain = b"\x93\xa5chain\x00\xd9\x2401010101-0101-0101-0101-010101010101";
    let event = [&b"\x96\xa5event\x00\xc4\x20"[..], &[7; 32], b"\xc0\xa1t\xc5\x10\x00", &[0; 4096]].concat();
    let fits = FRAME_RAW_BYTES as usize / event.len();
    for (events, expected) in [(fits, None), (fits + 1, None), (fits + 2, Some(Damage::LongFrame))] {
        let raw = [&chain[..], &event.repeat(events)].concat();
        let found = match read(&[header(), frame(&raw)].concat()[..]) {
            Err(ReadError::Damaged { damage, .. }) => Some(damage),
            other => other.map(|_| None).unwrap(),
        };
        assert_eq!(found, expected, "{events} events");
    }
}

#[test]
fn frames_with_other_settings_are_refused() {
    let chain = b"\x93\xa5chain\x00\xd9\x2401010101-0101-0101-0101-010101010101";
    let unchecked = zstd::bulk::compress(chain, 3).unwrap();
    let found = damage(&[header(), unchecked].concat());
    assert!(matches!(found, Damage::FrameSettings { .. }), "{found}");
    let skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd";
    assert_eq!(damage(&[&header()[..], skippable].concat()), Damage::NoFrame);
}

#[test]
fn frames_without_an_index_are_refused_before_memory_grows() {
    let chain = b"\x93\xa5chain\x00\xd9\x2401010101-0101-0101-0101-010101010101";
    let event = [&b"\x96\xa5event\x00\xc4\x20"[..], &[7; 32], b"\xc0\xa1t\xc4\x00"].concat();
    let mut bytes = [header(), frame(chain)].concat();
    for _ in 0..MAX_FRAMES_PER_INDEX {
        bytes.extend(frame(&event));
    }
    assert_eq!(damage(&bytes), Damage::MissingIndex);
}

#[test]
fn a_removed_or_doubled_frame_is_noticed_by_the_index() {
    let events = linked_events(3, 100);
    let mut writer = writer();
    let chain = writer.add_chain(id(1)).unwrap();
    let mut ends = Vec::new();
    for event in &events {
        writer.append(chain, event).unwrap();
        writer.end_frame().unwrap();
        ends.push(writer.bytes() as usize);
    }
    let (bytes, _) = writer.seal().unwrap();
    let removed = [&bytes[..ends[0]], &bytes[ends[1]..]].concat();
    let doubled = [&bytes[..ends[1]], &bytes[ends[0]..]].concat();
    for bytes in [removed, doubled] {
        let found = damage(&bytes);
        assert!(matches!(found, Damage::IndexMismatch { .. }), "{found}");
    }
}

/// Hands out a few bytes at a time, with interruptions.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = (self.1 % 7 + 1).min(self.0.len()).min(out.len());
        out[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

#[test]
fn reading_does_not_depend_on_how_the_bytes_come() {
    let events = linked_events(20, 1000);
    let bytes = sealed(&events);
    assert_eq!(read(Trickle(&bytes, 0)).unwrap(), read(&bytes[..]).unwrap());
}

#[test]
fn a_failing_input_is_its_own_error() {
    let bytes = sealed(&linked_events(3, 100_000));
    let broken = bytes[..200_000].chain(Trickle(b"", 2).chain(Failing));
    let error = read(broken).unwrap_err();
    assert!(matches!(error, ReadError::Io { offset: 200_000, .. }), "{error}");
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}
