//! Promises about writing: what is written is read, wherever it is cut, and what cannot be read is refused.

use std::io::Cursor;

use super::*;

#[test]
fn what_is_written_is_read() {
    let component: Vec<u8> = (0..2 * ACTOR_CHUNK + 77).map(|i| (i * 7 % 255) as u8).collect();
    let (first, second) = (linked_events(300, 40), linked_events(40, 100_000));
    let mut writer = writer();
    writer.embed_actor(&component).unwrap();
    let a = writer.add_chain(id(1)).unwrap();
    let b = writer.add_chain(id(2)).unwrap();
    for (i, event) in first.iter().enumerate() {
        writer.append(a, event).unwrap();
        if let Some(event) = second.get(i) {
            writer.append(b, event).unwrap();
        }
        if i % 50 == 0 {
            writer.flush().unwrap();
        }
    }
    let (bytes, summary) = writer.seal().unwrap();
    assert_eq!(summary.bytes, bytes.len() as u64);
    assert_eq!(summary.events, 340);

    let (records, state, seal) = read(&bytes[..]).unwrap();
    let seal = seal.unwrap();
    assert_eq!(state, TakeState::Sealed);
    assert_eq!((seal.kind, seal.events, &seal.chains), (SealKind::Complete, 340, &summary.chains));
    assert_eq!(seal.chains[0], SealedChain { id: id(1), count: 300, head: Some(first[299].hash) });

    let (mut embedded, mut chains, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    let mut found = [Vec::new(), Vec::new()];
    for record in records {
        match record {
            Record::Actor { offset, total, bytes } => {
                assert_eq!((offset, total), (embedded.len() as u64, component.len() as u64));
                embedded.extend_from_slice(&bytes);
            }
            Record::Chain { number, id } => chains.push((number, id)),
            Record::Event { number, chain, event, .. } => {
                numbers.push(number);
                found[chain.0 as usize].push(event);
            }
        }
    }
    assert_eq!(embedded, component);
    assert_eq!(chains, [(a, id(1)), (b, id(2))]);
    assert_eq!(numbers, (0..340).collect::<Vec<u64>>());
    assert_same(&found[0], &first);
    assert_same(&found[1], &second);
}

#[test]
fn one_event_may_be_larger_than_a_frame() {
    let events = linked_events(3, 3_000_000);
    let (records, state, _) = read(&sealed(&events)[..]).unwrap();
    assert_eq!(state, TakeState::Sealed);
    assert_same(&events_of(&records), &events);
}

#[test]
fn many_frames_are_covered_by_several_indexes() {
    let events = linked_events(1000, 10);
    let mut writer = writer();
    let chain = writer.add_chain(id(1)).unwrap();
    for event in &events {
        writer.append(chain, event).unwrap();
        writer.end_frame().unwrap();
    }
    let (bytes, _) = writer.seal().unwrap();
    let (records, state, _) = read(&bytes[..]).unwrap();
    assert_eq!(state, TakeState::Sealed);
    assert_same(&events_of(&records), &events);
}

#[test]
fn a_take_is_plain_zstd_of_plain_messagepack() {
    let events = linked_events(2, 10);
    let raw = zstd::decode_all(&sealed(&events)[..]).unwrap();
    let mut rest = &raw[..];
    let mut tags = Vec::new();
    while !rest.is_empty() {
        // Any streaming reader of MessagePack would do; the crate's own reader has no part in this.
        let record = rmpv::decode::read_value(&mut rest).unwrap();
        tags.push(record[0].as_str().unwrap().to_owned());
    }
    assert_eq!(tags, ["retake", "chain", "event", "event", "index", "seal"]);
}

#[test]
fn a_take_cut_at_any_length_is_never_sealed_and_gives_its_whole_events() {
    let events = linked_events(30, 50);
    let mut writer = writer();
    writer.embed_actor(b"component").unwrap();
    let chain = writer.add_chain(id(1)).unwrap();
    for (i, event) in events.iter().enumerate() {
        writer.append(chain, event).unwrap();
        match i % 10 {
            4 => writer.flush().unwrap(),
            9 => writer.end_frame().unwrap(),
            _ => {}
        }
    }
    let (bytes, _) = writer.seal().unwrap();
    let mut most = 0;
    for cut in 1..bytes.len() {
        let (records, state, seal) = read(&bytes[..cut]).unwrap();
        assert_ne!(state, TakeState::Sealed, "cut at {cut}");
        assert_eq!(seal, None);
        if let TakeState::Torn { offset } = state {
            assert!(offset < cut as u64);
        }
        let found = events_of(&records);
        assert!(found.len() >= most, "cut at {cut}");
        most = found.len();
        assert_same(&found, &events[..most]);
    }
    assert_eq!(most, events.len());
    assert_eq!(read(&bytes[..]).unwrap().1, TakeState::Sealed);
}

#[test]
fn what_was_flushed_is_there_and_counts_as_unsealed() {
    let events = linked_events(20, 30);
    let mut writer = writer();
    let chain = writer.add_chain(id(1)).unwrap();
    for event in &events {
        writer.append(chain, event).unwrap();
    }
    writer.flush().unwrap();
    let length = writer.bytes() as usize;
    let (bytes, _) = writer.seal().unwrap();
    let (records, state, _) = read(&bytes[..length]).unwrap();
    assert_eq!(state, TakeState::Unsealed);
    assert_same(&events_of(&records), &events);
    let TakeState::Torn { offset } = read(&bytes[..length - 1]).unwrap().1 else {
        panic!("a cut block is torn")
    };
    assert_eq!(offset as usize, header().len());
}

#[test]
fn a_cut_at_the_end_of_any_flush_is_unsealed() {
    let mut writer = writer();
    let chain = writer.add_chain(id(1)).unwrap();
    let mut ends = Vec::new();
    for event in linked_events(5, 200_000) {
        writer.append(chain, &event).unwrap();
        writer.flush().unwrap();
        ends.push(writer.bytes() as usize);
    }
    let (bytes, _) = writer.seal().unwrap();
    for (i, end) in ends.into_iter().enumerate() {
        let (records, state, _) = read(&bytes[..end]).unwrap();
        assert_eq!(state, TakeState::Unsealed);
        assert_eq!(events_of(&records).len(), i + 1);
    }
}

#[test]
fn a_seal_has_one_encoding_that_zstd_can_read() {
    for len in [1, 100, 1 << 17, (1 << 17) + 1, 1 << 20] {
        let content: Vec<u8> = (0..len).map(|i| (i % 253) as u8).collect();
        let frame = encode_seal(&content);
        assert_eq!(zstd::decode_all(&frame[..]).unwrap(), content);
        assert_eq!(frame::decode_seal(&frame), Ok(frame::SealFrame::Whole(content)));
        assert_eq!(frame::decode_seal(&frame[..frame.len() - 1]), Ok(frame::SealFrame::Short));
    }
}

#[test]
fn the_scanner_ends_where_zstd_ends() {
    let raw: Vec<u8> = linked_events(2, 300_000).iter().flat_map(|event| event.data.to_vec()).collect();
    for content in [&raw[..], &vec![0; 1 << 20], b"short"] {
        for bytes in [frame(content), encode_seal(content)] {
            let mut scanner = FrameScanner::new(bytes[4]);
            for (i, byte) in bytes.iter().enumerate() {
                assert!(!scanner.is_done(), "at {i} of {}", bytes.len());
                scanner.feed(&[*byte]);
            }
            assert!(scanner.is_done());
        }
    }
}

#[test]
fn an_event_that_does_not_continue_its_chain_is_refused() {
    let events = linked_events(3, 10);
    let mut writer = writer();
    let chain = writer.add_chain(id(1)).unwrap();
    writer.append(chain, &events[0]).unwrap();
    for wrong in [&events[2], &events[0]] {
        let error = writer.append(chain, wrong).unwrap_err();
        assert!(matches!(error, WriteError::BrokenChain { index: 1, .. }), "{error}");
    }
    assert!(matches!(writer.append(ChainNumber(1), &events[1]), Err(WriteError::UnknownChain { .. })));
    writer.append(chain, &events[1]).unwrap();
    assert_eq!(writer.seal().unwrap().1.events, 2);
}

#[test]
fn the_writer_refuses_what_no_reader_takes() {
    let mut writer = writer();
    assert!(matches!(writer.embed_actor(b""), Err(WriteError::ActorSize { len: 0 })));
    let chain = writer.add_chain(id(1)).unwrap();
    assert!(matches!(writer.embed_actor(b"late"), Err(WriteError::ActorTooLate)));
    let long = ChainEvent::link(None, Arc::from("x".repeat(MAX_EVENT_TYPE + 1)), Bytes::new());
    assert!(matches!(writer.append(chain, &long), Err(WriteError::TypeTooLong { index: 0, .. })));
    assert_eq!(writer.events(), 0);
}

#[test]
fn a_component_in_pieces_is_embedded_as_it_is_at_once() {
    let component: Vec<u8> = (0..ACTOR_CHUNK + 77).map(|i| (i * 7 % 255) as u8).collect();
    let total = component.len() as u64;
    let (mut whole, mut pieces) = (writer(), writer());
    whole.embed_actor(&component).unwrap();
    for (i, piece) in component.chunks(ACTOR_CHUNK).enumerate() {
        pieces.embed_piece((i * ACTOR_CHUNK) as u64, total, piece).unwrap();
    }
    assert_eq!(pieces.seal().unwrap().0, whole.seal().unwrap().0);
}

#[test]
fn pieces_of_a_component_that_no_reader_takes_are_refused() {
    let mut writer = writer();
    assert!(matches!(writer.embed_piece(0, 0, b""), Err(WriteError::ActorSize { len: 0 })));
    assert!(matches!(writer.embed_piece(0, MAX_ACTOR + 1, b"x"), Err(WriteError::ActorSize { .. })));
    let long = vec![0; ACTOR_CHUNK + 1];
    for (offset, piece) in [(1, &b"x"[..]), (0, b""), (0, &long)] {
        let error = writer.embed_piece(offset, long.len() as u64, piece).unwrap_err();
        assert!(matches!(error, WriteError::ActorPiece { expected: 0, .. }), "{error}");
    }
    writer.embed_piece(0, 4, b"ab").unwrap();
    for (offset, total, piece) in [(0, 4, b"ab"), (3, 4, b"cd"), (2, 5, b"cd")] {
        let error = writer.embed_piece(offset, total, piece).unwrap_err();
        assert!(matches!(error, WriteError::ActorPiece { expected: 2, total: 4, .. }), "{error}");
    }
    assert!(matches!(writer.embed_piece(2, 4, b"cde"), Err(WriteError::ActorPiece { .. })));
    assert!(matches!(writer.embed_actor(b"another"), Err(WriteError::ActorTooLate)));
    assert!(matches!(writer.add_chain(id(1)), Err(WriteError::ActorNotWhole { seen: 2, total: 4 })));
    assert!(matches!(writer.seal(), Err(WriteError::ActorNotWhole { seen: 2, total: 4 })));
}

/// Storage that fails after so many bytes, as a full disk does.
struct FullDisk(usize);

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for FullDisk {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_failed_write_the_writer_is_of_no_use() {
    let mut writer = LogWriter::create(FullDisk(1000)).unwrap();
    let chain = writer.add_chain(id(1)).unwrap();
    let events = linked_events(2, 10_000);
    writer.append(chain, &events[0]).unwrap();
    assert!(matches!(writer.flush(), Err(WriteError::Io { .. })));
    assert!(matches!(writer.flush(), Err(WriteError::Poisoned)));
    assert!(matches!(writer.append(chain, &events[1]), Err(WriteError::Poisoned)));
    assert!(matches!(writer.seal(), Err(WriteError::Poisoned)));
}

/// Records in batches, of three frames in all: long runs of one chain, and short ones of two in turn.
fn batched(first: &[ChainEvent], second: &[ChainEvent], batch: usize) -> Vec<u8> {
    let mut writer = writer();
    let (a, b) = (writer.add_chain(id(1)).unwrap(), writer.add_chain(id(2)).unwrap());
    let mut records = EventRecords::default();
    let (alone, in_turn) = first.split_at(first.len() - second.len());
    let events = alone.iter().map(|event| (a, event));
    let pairs = in_turn.iter().zip(second).flat_map(|(first, second)| [(a, first), (b, second)]);
    for (chain, event) in events.chain(pairs) {
        records.push(chain, event.into());
        if records.events() as usize == batch {
            writer.append_all(&records).unwrap();
            records.clear();
        }
    }
    writer.append_all(&records).unwrap();
    writer.seal().unwrap().0
}

#[test]
fn batches_of_any_size_are_in_frames_that_readers_take_and_find_events_in() {
    let (first, second) = (linked_events(16_000, 40), linked_events(4_000, 40));
    for batch in [1, 7, 300, 100_000] {
        let take = batched(&first, &second, batch);
        let (records, state, seal) = read(&take[..]).unwrap();
        assert_eq!((state, seal.unwrap().events), (TakeState::Sealed, 20_000), "{batch}");
        let (of_first, of_second): (Vec<_>, Vec<_>) = records
            .into_iter()
            .filter(|record| matches!(record, Record::Event { .. }))
            .partition(|record| matches!(record, Record::Event { chain: ChainNumber(0), .. }));
        assert_same(&events_of(&of_first), &first);
        assert_same(&events_of(&of_second), &second);

        let mut log = IndexedLog::open(Cursor::new(&take[..])).unwrap().unwrap();
        for number in (0..12_000).step_by(997) {
            let found = log.event(number).unwrap();
            let Some(Record::Event { event, number: found, .. }) = found else {
                panic!("no event: {found:?}")
            };
            assert_eq!((found, event), (number, first[number as usize].clone()));
        }
    }
}

#[test]
fn what_cannot_be_written_is_refused_in_a_batch_as_alone() {
    let events = linked_events(4, 40);
    let refused = |events: &[ChainEvent]| {
        let mut writer = writer();
        let chain = writer.add_chain(id(1)).unwrap();
        let mut records = EventRecords::default();
        events.iter().for_each(|event| records.push(chain, event.into()));
        (writer.append_all(&records).unwrap_err(), writer.events())
    };
    let (error, written) = refused(&[events[0].clone(), events[1].clone(), events[3].clone()]);
    assert!(matches!(error, WriteError::BrokenChain { index: 2, .. }), "{error}");
    assert_eq!(written, 2);
    let mut long = events[2].clone();
    long.event_type = "t".repeat(MAX_EVENT_TYPE + 1).into();
    let (error, written) = refused(&[events[0].clone(), events[1].clone(), long]);
    assert!(matches!(error, WriteError::TypeTooLong { index: 2, .. }), "{error}");
    assert_eq!(written, 2);
}
