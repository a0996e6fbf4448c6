//! Promises about single records: each rule of a chain is checked, and each violation has its name.

use std::sync::Arc;

use bytes::Bytes;
use retake_chain::log::{FORMAT_VERSION, VersionError};
use retake_chain::*;

use super::samples::*;
use crate::*;

/// Checks these events as chain 0 of actor 1.
fn check(events: &[ChainEvent]) -> Result<IntegrityChecker, IntegrityError> {
    let mut checker = IntegrityChecker::new();
    checker.record(&Record::Chain { number: ChainNumber(0), id: id(1) })?;
    feed(&mut checker, 0, 0, events)?;
    Ok(checker)
}

fn feed(
    checker: &mut IntegrityChecker,
    chain: u32,
    first: u64,
    events: &[ChainEvent],
) -> Result<(), IntegrityError> {
    for (number, event) in (first..).zip(events) {
        let (chain, event) = (ChainNumber(chain), event.clone());
        checker.record(&Record::Event { number, chain, event, offset: 0 })?;
    }
    Ok(())
}

fn fault_of(error: IntegrityError) -> EventFault {
    match error {
        IntegrityError::Event { fault, .. } => *fault,
        other => panic!("unexpected {other}"),
    }
}

/// The fault of the last of these events, all before it being good.
fn fault(events: &[ChainEvent]) -> EventFault {
    match check(events).map(|_| ()).unwrap_err() {
        IntegrityError::Event { location, fault } => {
            assert_eq!(location.event as usize, events.len() - 1, "{location}: {fault}");
            *fault
        }
        other => panic!("unexpected {other}"),
    }
}

#[test]
fn a_removed_doubled_or_moved_event_breaks_the_links() {
    let events = link(&session(id(1)));
    let removed = [&events[..2], &events[3..4]].concat();
    let doubled = [&events[..3], &events[2..3]].concat();
    for broken in [removed, doubled] {
        let last = broken.len() - 1;
        let (expected, actual) = (Some(broken[last - 1].hash), broken[last].parent_hash);
        assert_eq!(fault(&broken), EventFault::Link(LinkFault::Link { expected, actual }));
    }
}

#[test]
fn a_chain_begins_with_its_genesis_and_has_no_other() {
    let data = session(id(1));
    assert_eq!(fault(&link(&data[1..2])), GrammarFault::NoGenesis.into());
    let twice = [data[0].clone(), data[0].clone()];
    assert_eq!(fault(&link(&twice)), GrammarFault::SecondGenesis.into());
}

#[test]
fn a_genesis_is_of_the_chains_actor_and_of_a_known_format() {
    let other = ChainEventData::session(start(id(2)));
    assert_eq!(fault(&link(&[other])), EventFault::GenesisActor { chain: id(1), found: id(2) });
    let mut newer = start(id(1));
    newer.format.major.0 += 1;
    let (found, supported) = (newer.format, FORMAT_VERSION);
    assert_eq!(
        fault(&link(&[ChainEventData::session(newer)])),
        EventFault::GenesisVersion(VersionError::NewerMajor { found, supported })
    );
}

#[test]
fn nothing_comes_after_shutdown() {
    let mut data = session(id(1));
    data.push(call("run", vec![]));
    assert_eq!(fault(&link(&data)), GrammarFault::AfterShutdown.into());
}

#[test]
fn a_payload_that_is_not_canonical_is_refused_though_its_hash_is_right() {
    let genesis = link(&session(id(1))[..1]);
    let cases: [(&str, &[u8]); 4] = [
        ("shutdown", b"\xd9\x08Shutdown"),
        ("shutdown", b"\xa8Shutdown\xc0"),
        ("wasm-call", b"\xa8Shutdown"),
        ("shutdown", b""),
    ];
    for (event_type, data) in cases {
        let event = ChainEvent::link(Some(genesis[0].hash), Arc::from(event_type), Bytes::from(data));
        let found = fault(&[genesis[0].clone(), event]);
        assert!(matches!(found, EventFault::Payload(_)), "{found}");
    }
}

#[test]
fn chains_are_introduced_in_turn_once_and_before_their_events() {
    let mut checker = check(&link(&session(id(1)))).unwrap();
    let error = checker.record(&Record::Chain { number: ChainNumber(2), id: id(2) }).unwrap_err();
    assert_eq!(error, IntegrityError::ChainOutOfTurn { expected: ChainNumber(1), found: ChainNumber(2) });
    let error = checker.record(&Record::Chain { number: ChainNumber(1), id: id(1) }).unwrap_err();
    assert_eq!(error, IntegrityError::DuplicateChain { chain: ChainNumber(1), id: id(1) });
    let error = feed(&mut checker, 1, 8, &link(&session(id(2)))).unwrap_err();
    assert_eq!(fault_of(error), EventFault::UnknownChain);
}

#[test]
fn every_genesis_names_the_one_component() {
    let mut other = start(id(2));
    other.actor.digest = ContentRef::of(b"another component");
    let other = link(&[ChainEventData::session(other)]);

    let mut embedded = IntegrityChecker::new();
    let (total, bytes) = (COMPONENT.len() as u64, Bytes::from(COMPONENT));
    embedded.record(&Record::Actor { offset: 0, total, bytes }).unwrap();
    embedded.record(&Record::Chain { number: ChainNumber(0), id: id(2) }).unwrap();
    let error = feed(&mut embedded, 0, 0, &other).unwrap_err();
    let EventFault::GenesisComponent { whose, expected, .. } = fault_of(error) else {
        panic!("another component was taken for this one")
    };
    assert_eq!((whose, expected), ("the embedded one", ContentRef::of(COMPONENT)));

    let mut checker = check(&link(&session(id(1)))).unwrap();
    checker.record(&Record::Chain { number: ChainNumber(1), id: id(2) }).unwrap();
    let error = feed(&mut checker, 1, 8, &other).unwrap_err();
    assert!(matches!(fault_of(error), EventFault::GenesisComponent { .. }));
}

#[test]
fn an_embedded_component_comes_whole_and_once() {
    let piece =
        |offset, total, bytes: &'static [u8]| Record::Actor { offset, total, bytes: Bytes::from(bytes) };
    let broken: [&[Record]; 4] = [
        &[piece(1, 3, b"ab")],
        &[piece(0, 3, b"a"), piece(2, 3, b"c")],
        &[piece(0, 3, b"a"), Record::Chain { number: ChainNumber(0), id: id(1) }],
        &[piece(0, 1, b"a"), piece(0, 1, b"a")],
    ];
    for records in broken {
        let mut checker = IntegrityChecker::new();
        let error = records.iter().find_map(|record| checker.record(record).err()).unwrap();
        assert!(matches!(error, IntegrityError::EmbeddedIncomplete { .. }), "{error}");
    }
}

#[test]
fn the_seal_must_agree_with_what_was_read() {
    let take = sealed(&[(id(1), link(&session(id(1))))]);
    let (records, seal) = records(&take);
    let finish = |change: fn(&mut Seal)| {
        let mut checker = IntegrityChecker::new();
        for record in &records {
            checker.record(record).unwrap();
        }
        let mut seal = seal.clone().unwrap();
        change(&mut seal);
        checker.finish(TakeState::Sealed, Some(&seal), 0)
    };
    finish(|_| ()).unwrap();
    type Change = fn(&mut Seal);
    let changes: [(Change, FaultKind); 5] = [
        (|seal| seal.events += 1, FaultKind::EventCount),
        (|seal| seal.chains.clear(), FaultKind::ChainCount),
        (|seal| seal.chains[0].id = id(9), FaultKind::SealActor),
        (|seal| seal.chains[0].count -= 1, FaultKind::Count),
        (|seal| seal.chains[0].head = None, FaultKind::Head),
    ];
    for (change, fault) in changes {
        assert_eq!(FaultKind::from(&finish(change).unwrap_err()), fault);
    }
}

#[test]
fn a_sealed_chain_ends_with_its_shutdown_alone() {
    let events = link(&session(id(1)));
    for cut in [2, 3, 4, 6] {
        let error = verify(&sealed(&[(id(1), events[..cut].to_vec())])[..]).unwrap_err();
        let VerifyFault::Integrity(IntegrityError::EndsInsideCall { id: found, events, .. }) = error.fault
        else {
            panic!("unexpected {error}")
        };
        assert_eq!((found, events), (id(1), cut as u64));
    }
    for cut in [1, 5, 7] {
        let error = verify(&sealed(&[(id(1), events[..cut].to_vec())])[..]).unwrap_err();
        assert!(matches!(error.fault, VerifyFault::Integrity(IntegrityError::NoShutdown { .. })), "{error}");
    }
    verify(&sealed(&[(id(1), events)])[..]).unwrap();
    let error = verify(&sealed(&[(id(1), vec![])])[..]).unwrap_err();
    assert!(matches!(error.fault, VerifyFault::Integrity(IntegrityError::EmptyChain { .. })), "{error}");
}

#[test]
fn an_unsealed_chain_may_end_inside_a_call() {
    let checker = check(&link(&session(id(1))[..3])).unwrap();
    let report = checker.finish(TakeState::Unsealed, None, 7).unwrap();
    assert_eq!((report.state, report.events, report.calls()), (TakeState::Unsealed, 3, 1));
}

#[test]
fn an_event_stands_only_where_the_grammar_has_it() {
    let genesis = || ChainEventData::session(start(id(1)));
    let log = || {
        let (level, message) = (LogLevel::Info, "a line".into());
        ChainEventData::theater_runtime(TheaterRuntimeEventData::Log { level, message })
    };
    let message =
        || ChainEventData::theater_runtime(TheaterRuntimeEventData::Message { from: id(2), number: 0 });
    let not_made =
        || ChainEventData::wasm(WasmEventData::WasmComponentCreationError { error: "no memory".into() });
    let now = || host("now", vec![], returned(1u8));
    let run = || call("run", vec![]);
    let (open, other) = (|| "run".to_string(), || "stop".to_string());
    let wrong: [(Vec<ChainEventData>, GrammarFault); 9] = [
        (vec![run(), call("stop", vec![])], GrammarFault::CallInCall { open: open(), call: other() }),
        (vec![now()], GrammarFault::HostCallOutsideCall { call: "wasi:clocks/wall-clock@0.2.3/now".into() }),
        (vec![result("run", returned(1u8))], GrammarFault::EndOutsideCall { function: open() }),
        (
            vec![run(), error("stop", TrapKind::Unreachable, "unreachable")],
            GrammarFault::EndOfAnotherCall { open: open(), ended: other() },
        ),
        (vec![run(), not_made()], GrammarFault::InsideCall { open: open() }),
        (vec![run(), message()], GrammarFault::InsideCall { open: open() }),
        (vec![run(), ChainEventData::shutdown()], GrammarFault::InsideCall { open: open() }),
        (vec![message(), log()], GrammarFault::MessageNotTaken),
        (vec![run(), observation()], GrammarFault::ObservationMisplaced),
    ];
    for (events, expected) in wrong {
        let events = [vec![genesis()], events].concat();
        assert_eq!(fault(&link(&events)), expected.into());
    }
    let right = [
        log(),
        not_made(),
        run(),
        log(),
        now(),
        log(),
        result("run", returned(1u8)),
        log(),
        call(INCOMING, vec![]),
        now(),
        observation(),
        log(),
        error(INCOMING, TrapKind::Unreachable, "unreachable"),
        ChainEventData::shutdown(),
    ];
    check(&link(&[vec![genesis()], right.into()].concat())).unwrap();
}

const INCOMING: &str = "wasi:http/incoming-handler@0.2.12/handle";

fn observation() -> ChainEventData {
    ChainEventData::host_function(HostFunctionCall {
        interface: Arc::from("wasi:http/incoming-handler@0.2.12"),
        function: Arc::from("handle"),
        input: vec![Value::record([
            ("method", "GET".into()),
            ("path", "/".into()),
            ("headers", Value::List(vec![])),
            (
                "body",
                Value::record([
                    ("length", 0u64.into()),
                    ("sha256", Value::from(ContentRef::of(b"").as_ref().to_vec())),
                    ("complete", true.into()),
                ]),
            ),
        ])],
        output: Outcome::Cancelled,
    })
}
