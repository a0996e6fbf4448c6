//! Promises about crashes: wherever a recorder is killed, or its machine loses power, what it has flushed or
//! synced can be read, nothing else is made of it, and only the whole take is sealed.
//!
//! Since it is only ever appended to, a file at the moment of a crash is the beginning of the whole one, and
//! after a loss of power perhaps zeros after that.

use super::session::{Moment, Session, Step};
use super::*;

/// Compresses to literals without a match, in a block that ends in zero.
fn digits(length: usize, seed: u64) -> Vec<u8> {
    noise(length, seed).into_iter().map(|byte| b"0123456789abcdef"[usize::from(byte >> 4)]).collect()
}

fn text(length: usize, seed: u64) -> Vec<u8> {
    format!("the answer to request {seed} is the one before it. ").into_bytes().repeat(length / 40 + 1)
}

fn zeros(length: usize, _: u64) -> Vec<u8> {
    vec![0; length]
}

/// Does not compress, so that its last zeros are the last of its block too.
fn noise_before_zeros(length: usize, seed: u64) -> Vec<u8> {
    [noise(length, seed), vec![0; 9]].concat()
}

/// Sessions of every shape: what they are, and what happened in them.
fn sessions() -> Vec<(&'static str, Session)> {
    use Step::{EndFrame, Event, Flush, Sync};
    let kinds: [fn(usize, u64) -> Vec<u8>; 5] = [noise, digits, text, zeros, noise_before_zeros];
    let small: Vec<Step> = (0..40)
        .flat_map(|i| [Event(i as u8 % 3, kinds[i % 5], i * 13 % 400), if i % 7 == 6 { Sync } else { Flush }])
        .collect();
    let grouped: Vec<Step> = (0..60)
        .flat_map(|i| {
            let then = [
                (i % 4 == 3).then_some(Flush),
                (i % 17 == 16).then_some(EndFrame),
                (i % 20 == 19).then_some(Sync),
            ];
            [Some(Event(i as u8 % 2, kinds[i % 5], 90 + i))].into_iter().chain(then).flatten()
        })
        .collect();
    let framed: Vec<Step> = (0..300)
        .flat_map(|i| [Event(0, digits, 20), EndFrame, if i % 50 == 0 { Sync } else { Flush }])
        .collect();
    let large: Vec<Step> = (0..7)
        .flat_map(|i| {
            [Event(0, kinds[i % 5], 150_000), Event(1, text, 30), if i % 3 == 2 { Sync } else { Flush }]
        })
        .collect();
    let component = noise(3000, 77);
    let pieces = noise(ACTOR_CHUNK + 5000, 78);
    vec![
        ("without an event", Session::run(None, 1, &[])),
        ("flushed after each event", Session::run(Some(&component), 3, &small)),
        ("flushed after several events", Session::run(None, 2, &grouped)),
        ("of several indexes", Session::run(None, 1, &framed)),
        ("of large events", Session::run(None, 2, &large)),
        ("of a component in pieces", Session::run(Some(&pieces), 1, &small[..2])),
    ]
}

#[test]
fn a_recorder_that_is_killed_anywhere_leaves_what_it_had_flushed() {
    for (what, session) in sessions() {
        let (records, state, _) = read(&session.file[..]).unwrap();
        assert_eq!((state, events_of(&records).len()), (TakeState::Sealed, session.events.len()), "{what}");
        for length in session.lengths() {
            let what = format!("{what}, killed at byte {length} of {}", session.file.len());
            session.assert_is_beginning(&session.file[..length], session.safe(length), &what);
        }
    }
}

#[test]
fn a_crash_after_any_operation_leaves_no_event_that_was_not_appended_by_then() {
    for (what, session) in sessions() {
        for Moment { length, events, .. } in session.unfinished() {
            let what = format!("{what}, killed at byte {length}");
            let (found, _) = session.assert_is_beginning(&session.file[..*length], 0, &what);
            assert!(found <= *events, "{what}: {found} events of {events} that were appended");
        }
    }
}

#[test]
fn right_after_a_flush_a_file_has_all_events_so_far_and_no_torn_end() {
    for (what, session) in sessions() {
        for Moment { length, events, .. } in session.unfinished().filter(|moment| moment.ends_flush) {
            let what = format!("{what}, killed at byte {length}, after a flush");
            let found = session.assert_is_beginning(&session.file[..*length], *events, &what);
            assert_eq!(found, (*events, TakeState::Unsealed), "{what}");
        }
    }
}

#[test]
fn the_seal_is_the_last_write_and_is_synced_after_everything_before_it_was_written() {
    for (what, session) in sessions() {
        let writes = session.unfinished().count();
        let later = &session.moments[writes..];
        assert!(later.len() >= 2 && later.iter().any(|moment| moment.is_sync), "{what}");
    }
}

#[test]
fn after_a_loss_of_power_zeros_behind_what_reached_the_disk_are_a_torn_tail() {
    for (what, session) in sessions() {
        // Large files take long to read.
        let some = if session.file.len() > 20_000 { 7 } else { 1 };
        for length in session.lengths().into_iter().step_by(some) {
            // Of the write that was on its way the disk has only the length, or a sector more, or only a few
            // bytes of it.
            let written = session.moments.iter().find(|moment| moment.length > length);
            let missing = written.map_or(1, |moment| moment.length - length);
            for zeros in [1 + length % 8, missing, missing.next_multiple_of(512) + 512 * (length % 20)] {
                let what = format!("{what}, {length} bytes and then {zeros} zeros");
                let image = (&session.file[..length]).chain(io::repeat(0).take(zeros as u64));
                let rest = &session.file[length..];
                if rest.len() == zeros && rest.iter().all(|byte| *byte == 0) {
                    assert_eq!(read(image).unwrap().1, TakeState::Sealed, "{what}: nothing is lost");
                    continue;
                }
                let (_, state) = session.assert_is_beginning(image, session.safe(length), &what);
                let is_torn = matches!(state, TakeState::Torn { .. });
                // Where the first lost byte is zero itself, a flush may end in the zeros.
                assert!(is_torn || rest[0] == 0, "{what}: {state:?}");
            }
        }
    }
}

#[test]
fn what_was_synced_survives_a_loss_of_power_that_takes_all_that_was_not() {
    for (what, session) in sessions() {
        for synced in session.unfinished().filter(|moment| moment.is_sync) {
            for zeros in [0, 1, 3, 4096, 1 << 20] {
                let what = format!("{what}, {} bytes synced, {zeros} zeros", synced.length);
                let image = (&session.file[..synced.length]).chain(io::repeat(0).take(zeros));
                let (found, _) = session.assert_is_beginning(image, synced.flushed, &what);
                assert_eq!(found, synced.events, "{what}");
            }
        }
    }
}
