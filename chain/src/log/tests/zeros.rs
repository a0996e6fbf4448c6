//! Promises about zeros: at the end of a file they are a torn tail, wherever they begin; after a seal, or
//! before other bytes, they are what they were.

use super::*;

/// A take of two events that was flushed and not sealed, with its length after the first.
fn unsealed() -> (Vec<u8>, usize) {
    let mut writer = writer();
    let chain = writer.add_chain(id(1)).unwrap();
    let events = linked_events(2, 300);
    writer.append(chain, &events[0]).unwrap();
    writer.flush().unwrap();
    let first = writer.bytes() as usize;
    writer.append(chain, &events[1]).unwrap();
    writer.flush().unwrap();
    let length = writer.bytes() as usize;
    let (mut bytes, _) = writer.seal().unwrap();
    bytes.truncate(length);
    (bytes, first)
}

#[test]
fn a_file_of_zeros_alone_is_torn_at_its_first_byte() {
    for length in [1, 4, 33, 4096] {
        let (records, state, _) = read(&vec![0; length][..]).unwrap();
        assert_eq!((records.len(), state), (0, TakeState::Torn { offset: 0 }));
    }
}

#[test]
fn zeros_in_place_of_a_frame_or_a_block_are_a_torn_tail() {
    let (bytes, first) = unsealed();
    let frame = header().len();
    for (length, torn_at, events) in [(frame, frame, 0), (first, frame, 1), (bytes.len(), frame, 2)] {
        for zeros in [1, 2, 3, 4, 5, 6, 7, 1000, 1 << 20] {
            let image = (&bytes[..length]).chain(io::repeat(0).take(zeros));
            let (records, state, _) = read(image).unwrap();
            assert_eq!(state, TakeState::Torn { offset: torn_at as u64 }, "{length} bytes, {zeros} zeros");
            assert_eq!(events_of(&records).len(), events);
        }
    }
}

#[test]
fn zeros_between_frames_and_within_one_are_damage_when_other_bytes_follow() {
    let (bytes, first) = unsealed();
    let frame = header().len();
    for (length, zeros) in [(frame, 1), (frame, 4096), (frame, 1 << 20), (first + 5, 40), (first + 20, 4096)]
    {
        let mut image = [&bytes[..length], &vec![0; zeros]].concat();
        image.extend_from_slice(&bytes[length..]);
        assert!(matches!(read(&image[..]), Err(ReadError::Damaged { .. })), "{length} bytes, {zeros} zeros");
        // Not even more zeros at the end turn it into a torn tail.
        image.extend_from_slice(&[0; 5000]);
        assert!(
            matches!(read(&image[..]), Err(ReadError::Damaged { .. })),
            "{length} bytes, {zeros} zeros, and more"
        );
    }
}

#[test]
fn zeros_behind_a_seal_are_bytes_behind_a_seal() {
    let bytes = sealed(&linked_events(3, 10));
    for zeros in [1, 2, 3, 4, 5000, 1 << 20, MAX_SEAL as u64 + 5000] {
        let error = read((&bytes[..]).chain(io::repeat(0).take(zeros))).unwrap_err();
        assert!(
            matches!(error, ReadError::TrailingBytes { offset } if offset == bytes.len() as u64),
            "{error}"
        );
    }
}

fn noise_without_zeros() -> Vec<u8> {
    noise(2000, 1).into_iter().map(|byte| byte.max(1)).collect()
}

#[test]
fn an_event_whose_end_zeros_took_is_not_handed_out_as_another() {
    // A block that was stored as it is has no checksum of its own: with zeros in place of its last bytes it
    // decompresses.
    let event = ChainEvent::link(None, "t".into(), noise_without_zeros().into());
    let mut writer = writer();
    let chain = writer.add_chain(id(1)).unwrap();
    writer.append(chain, &event).unwrap();
    writer.flush().unwrap();
    let length = writer.bytes() as usize;
    let (bytes, _) = writer.seal().unwrap();
    for lost in [1, 2, 100, 1500] {
        let image = [&bytes[..length - lost], &vec![0; lost]].concat();
        let raw = zstd::stream::read::Decoder::new(&image[..]).unwrap();
        let decompressed = io::BufReader::new(raw).bytes().map_while(Result::ok).count();
        assert!(decompressed > 2000, "zstd does not mind: {decompressed} bytes");

        let (records, state, _) = read(&image[..]).unwrap();
        assert_eq!(state, TakeState::Torn { offset: header().len() as u64 });
        assert_eq!(events_of(&records), []);
    }
}

#[test]
fn an_embedded_component_whose_end_zeros_took_is_not_handed_out() {
    // One of these ends where a block of zstd's does, so that it is whole before its frame's checksum.
    for length in 131_030..131_072 {
        let component: Vec<u8> = noise(length, 2).into_iter().map(|byte| byte.max(1)).collect();
        let mut writer = writer();
        writer.embed_actor(&component).unwrap();
        let end = writer.bytes() as usize;
        let (bytes, _) = writer.seal().unwrap();
        for lost in [8, 20] {
            let image = [&bytes[..end - lost], &vec![0; lost], &[0; 7][..]];
            for zeros in [lost - 7, lost, lost + 7] {
                let (records, state, _) = read(&image.concat()[..end - lost + zeros]).unwrap();
                assert_eq!(records, [], "{length} bytes, the last {lost} lost, {zeros} zeros");
                assert_eq!(state, TakeState::Torn { offset: header().len() as u64 });
            }
        }
    }
}
