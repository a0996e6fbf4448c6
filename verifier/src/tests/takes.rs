//! Promises about takes: what `verify` reports for intact, cut, damaged and altered takes.

use retake_chain::*;

use super::samples::*;
use crate::*;

#[test]
fn a_good_take_is_reported_with_its_counts_and_heads() {
    let mut shorter = session(id(2));
    shorter.drain(5..7);
    let (a, b) = (link(&session(id(1))), link(&shorter));
    let take = sealed(&[(id(1), a.clone()), (id(2), b.clone())]);
    let report = verify(&take[..]).unwrap();
    assert_eq!((report.state, report.seal.clone()), (TakeState::Sealed, Some(SealKind::Complete)));
    assert_eq!((report.events, report.calls(), report.bytes), (14, 3, take.len() as u64));
    assert_eq!((report.embedded, report.actor), (true, Some(ContentRef::of(COMPONENT))));
    let chain = |id, events, calls, head| ChainReport { id, events, calls, head: Some(head) };
    assert_eq!(report.chains, [chain(id(1), 8, 2, a[7].hash), chain(id(2), 6, 1, b[5].hash)]);
    assert_eq!(report.exit_code(), ExitCode::Identical);
}

/// Every bit of a sealed take has a meaning. If any bit flips, on a disk or by hand, the take does not pass
/// as sealed and intact. zstd alone cannot do this, because its frames have bits that do not change what is
/// decoded.
#[test]
fn a_flipped_bit_anywhere_in_a_sealed_take_is_detected() {
    let mut take = sealed(&[(id(1), link(&session(id(1))))]);
    for at in 0..take.len() {
        for bit in 0..8 {
            take[at] ^= 1 << bit;
            if let Ok(report) = verify(&take[..]) {
                assert_ne!(report.state, TakeState::Sealed, "bit {bit} of byte {at} of {}", take.len());
                assert_eq!(report.exit_code(), ExitCode::Damaged);
            }
            take[at] ^= 1 << bit;
        }
    }
    assert_eq!(verify(&take[..]).unwrap().state, TakeState::Sealed);
}

#[test]
fn a_byte_replaced_by_any_other_in_the_seal_is_detected() {
    let mut take = sealed(&[(id(1), link(&session(id(1))))]);
    let from = take.len() - 200;
    for at in from..take.len() {
        let good = take[at];
        for byte in (0..=255).filter(|&byte| byte != good) {
            take[at] = byte;
            let state = verify(&take[..]).map(|report| report.state);
            assert!(!matches!(state, Ok(TakeState::Sealed)), "byte {at} as {byte}");
        }
        take[at] = good;
    }
}

#[test]
fn a_take_cut_at_any_length_is_never_sealed_and_what_is_whole_holds() {
    let take = sealed(&[(id(1), link(&session(id(1))))]);
    assert_eq!(verify(&take[..0]).unwrap_err().exit_code(), ExitCode::Unchecked);
    for cut in 1..take.len() {
        let report = verify(&take[..cut]).unwrap();
        assert_ne!(report.state, TakeState::Sealed, "cut at {cut}");
        assert_eq!(report.exit_code(), ExitCode::Damaged);
    }
}

/// Somebody changes one recorded argument, computes every later hash again, and seals again. Nothing in the
/// file contradicts itself. Only the heads differ from the known ones, and a replay diverges.
#[test]
fn an_altered_take_with_everything_made_anew_verifies_with_another_head() {
    let original = verify(&sealed(&[(id(1), link(&session(id(1))))])[..]).unwrap();
    let mut data = session(id(1));
    data[3] = host("resolution", vec![Value::from(4u8)], returned(1u8));
    let altered = verify(&sealed(&[(id(1), link(&data))])[..]).unwrap();
    assert_eq!(altered.state, TakeState::Sealed);
    assert_ne!(altered.chains[0].head, original.chains[0].head);
}

#[test]
fn an_altered_event_in_a_well_made_file_is_named() {
    let mut events = link(&session(id(1)));
    events[3].data = host("resolution", vec![Value::from(4u8)], returned(1u8)).data.encode();
    let error = verify(&sealed(&[(id(1), events.clone())])[..]).unwrap_err();
    assert_eq!((error.checked.events, error.exit_code()), (3, ExitCode::Damaged));
    let VerifyFault::Integrity(IntegrityError::Event { location, fault }) = &error.fault else {
        panic!("unexpected {error}")
    };
    assert_eq!(
        (location.event, location.index, location.chain, location.id),
        (3, 3, ChainNumber(0), Some(id(1)))
    );
    assert_eq!(location.event_type, "wasi:clocks/wall-clock@0.2.3/resolution");
    let actual = events[3].recompute_hash();
    assert_eq!(**fault, EventFault::Link(LinkFault::Hash { expected: events[3].hash, actual }));
}

#[test]
fn a_take_without_a_call_is_nothing_to_check() {
    let mut data = session(id(1));
    data.drain(1..7);
    let report = verify(&sealed(&[(id(1), link(&data))])[..]).unwrap();
    assert_eq!(report.exit_code(), ExitCode::Nothing);
    let report = verify(&LogWriter::create(Vec::new()).unwrap().seal().unwrap().0[..]).unwrap();
    assert_eq!((report.chains.len(), report.exit_code()), (0, ExitCode::Nothing));
}

#[test]
fn a_repaired_take_may_end_in_a_call_and_is_not_passed_off_as_good() {
    let mut writer = LogWriter::create(Vec::new()).unwrap();
    let chain = writer.add_chain(id(1)).unwrap();
    for event in &link(&session(id(1)))[..3] {
        writer.append(chain, event).unwrap();
    }
    let kind = SealKind::Repaired { reason: "torn".into(), cut_events: 3, original_bytes: 1234 };
    let (take, _) = writer.seal_as(kind.clone()).unwrap();
    let report = verify(&take[..]).unwrap();
    assert_eq!((report.state, report.seal.clone()), (TakeState::Sealed, Some(kind)));
    assert_eq!(report.exit_code(), ExitCode::Damaged);
}

#[test]
fn what_cannot_be_checked_is_not_called_damaged() {
    for bytes in [&b""[..], b"not a take"] {
        assert_eq!(verify(bytes).unwrap_err().exit_code(), ExitCode::Unchecked);
    }
    let take = sealed(&[(id(1), link(&session(id(1))))]);
    let trailing = [&take[..], b"x"].concat();
    assert_eq!(verify(&trailing[..]).unwrap_err().exit_code(), ExitCode::Damaged);
}
