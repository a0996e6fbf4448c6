//! Promises about repairs: the longest valid prefix that ends with a call is kept, and the new take never
//! passes for an original.

use retake_chain::*;

use super::samples::*;
use crate::*;

fn plan(take: &[u8]) -> Result<RepairPlan, RepairError> {
    RepairPlan::of(take, take.len() as u64)
}

fn repaired(take: &[u8]) -> (RepairPlan, Vec<u8>) {
    let plan = plan(take).unwrap();
    let (bytes, _) = plan.write(take, Vec::new()).unwrap();
    (plan, bytes)
}

/// The events of each chain of a take.
fn chains(take: &[u8]) -> Vec<Vec<ChainEvent>> {
    let mut chains = Vec::new();
    for record in records(take).0 {
        match record {
            Record::Chain { .. } => chains.push(Vec::new()),
            Record::Event { chain, event, .. } => chains[chain.0 as usize].push(event),
            Record::Actor { .. } => {}
        }
    }
    chains
}

/// A take of these chains, their events one by one in turn, without a seal.
fn unsealed(all: &[(TheaterId, Vec<ChainEvent>)]) -> Vec<u8> {
    let mut take = Vec::new();
    let mut writer = LogWriter::create(&mut take).unwrap();
    writer.embed_actor(COMPONENT).unwrap();
    let numbers: Vec<_> = all.iter().map(|(id, _)| writer.add_chain(*id).unwrap()).collect();
    for turn in 0..all.iter().map(|(_, events)| events.len()).max().unwrap_or(0) {
        for ((_, events), number) in all.iter().zip(&numbers) {
            if let Some(event) = events.get(turn) {
                writer.append(*number, event).unwrap();
            }
        }
    }
    writer.flush().unwrap();
    drop(writer);
    take
}

#[test]
fn what_is_kept_ends_with_the_last_whole_call_of_each_chain() {
    let events = link(&session(id(1)));
    // The end of the chain, and the number of events kept: a genesis, a call of four events, a call of two,
    // the end.
    for (end, kept) in [(5, 5), (6, 5), (7, 7)] {
        let take = unsealed(&[(id(1), events[..end].to_vec())]);
        let (plan, bytes) = repaired(&take);
        assert_eq!((plan.fault(), plan.cut_events()), (FaultKind::Unsealed, (end - kept) as u64));
        assert_eq!(chains(&bytes), [events[..kept].to_vec()]);
    }
    for end in 0..5 {
        let error = plan(&unsealed(&[(id(1), events[..end].to_vec())])).unwrap_err();
        assert!(matches!(error, RepairError::NothingToKeep { .. }), "{error}");
    }
}

#[test]
fn chains_that_are_never_between_calls_at_once_are_each_kept_as_far_as_they_are_whole() {
    let (a, b) = (link(&session(id(1))), link(&session(id(2))));
    let take = unsealed(&[(id(1), a[..7].to_vec()), (id(2), b[..4].to_vec()), (id(3), vec![])]);
    let (plan, bytes) = repaired(&take);
    assert_eq!((plan.calls(), plan.cut_events()), (2, 3));
    assert_eq!(chains(&bytes), [a[..7].to_vec(), b[..1].to_vec(), vec![]]);
}

#[test]
fn a_repaired_take_is_never_taken_for_an_original() {
    let take = unsealed(&[(id(1), link(&session(id(1)))[..6].to_vec())]);
    let (_, bytes) = repaired(&take);
    let report = verify(&bytes[..]).unwrap();
    assert_eq!((report.exit_code(), report.fault()), (ExitCode::Damaged, Some(FaultKind::Repaired)));
    let Some(SealKind::Repaired { reason, cut_events, original_bytes }) = report.seal else {
        panic!("a seal")
    };
    assert_eq!((cut_events, original_bytes), (1, take.len() as u64));
    assert!(reason.contains("not sealed"), "{reason}");
    assert!(report.embedded, "the component is kept");
    assert!(matches!(plan(&bytes), Err(RepairError::Repaired { .. })));
}

#[test]
fn a_take_cut_or_changed_anywhere_is_repaired_to_a_prefix_of_its_calls_or_not_at_all() {
    let (a, b) = (link(&session(id(1))), link(&session(id(2))));
    let take = sealed(&[(id(1), a.clone()), (id(2), b.clone())]);
    let is_prefix = |bytes: &[u8]| {
        for (found, original) in chains(bytes).iter().zip([&a, &b]) {
            assert_eq!(found[..], original[..found.len()]);
            assert!([0, 1, 5, 7, 8].contains(&found.len()), "{}", found.len());
        }
        assert_eq!(verify(bytes).unwrap().exit_code(), ExitCode::Damaged);
    };
    let mut saved = 0;
    for at in 0..take.len() {
        let mut changed = take.clone();
        changed[at] ^= 0x41;
        for broken in [&take[..at], &changed] {
            match plan(broken) {
                Ok(plan) => {
                    is_prefix(&plan.write(broken, Vec::new()).unwrap().0);
                    saved += 1;
                }
                Err(error) => assert!(
                    matches!(error, RepairError::NothingToKeep { .. } | RepairError::Unreadable(_)),
                    "{at}: {error}"
                ),
            }
        }
    }
    assert!(saved > take.len() / 2, "{saved}");
}

#[test]
fn an_altered_event_ends_what_is_kept_and_what_is_behind_it_is_counted() {
    let mut events = link(&session(id(1)));
    events[5].data = bytes::Bytes::from_static(b"altered");
    let (plan, bytes) = repaired(&sealed(&[(id(1), events.clone())]));
    assert_eq!((plan.fault(), plan.cut_events()), (FaultKind::Hash, 3));
    assert_eq!(chains(&bytes), [events[..5].to_vec()]);
}

#[test]
fn an_intact_take_is_not_repaired() {
    let take = sealed(&[(id(1), link(&session(id(1))))]);
    let error = plan(&take).unwrap_err();
    assert!(matches!(error, RepairError::Intact), "{error}");
    assert_eq!(error.exit_code(), ExitCode::Nothing);
}

#[test]
fn a_take_that_changes_between_the_two_readings_is_not_repaired() {
    let events = link(&session(id(1)));
    let take = unsealed(&[(id(1), events[..7].to_vec())]);
    let plan = plan(&take).unwrap();
    let mut other = session(id(1));
    other.remove(2);
    let others = [link(&session(id(2))), link(&other)].map(|events| unsealed(&[(id(1), events)]));
    for other in [&take[..take.len() - 30], b"text", &others[0], &others[1]] {
        let error = plan.write(other, Vec::new()).unwrap_err();
        assert!(matches!(error, RepairError::Changed), "{error}");
    }
}
