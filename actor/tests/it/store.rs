//! What an actor's store answers: from its history, about its chain, and of the values kept with it.

use std::sync::Arc;

use retake_actor::{ActorError, ActorHandle, ActorStore, Presence, SaveError};
use retake_chain::log::{LogReader, Record, SealKind, TakeState};
use retake_chain::{
    BrokenChain, ChainEventData, EventWindow, HttpReplayChain, LinkFault, LogLevel, SHUTDOWN, StateChain,
    TheaterId, TheaterRuntimeEventData, Value,
};
use tokio::sync::broadcast::error::TryRecvError;

fn store() -> ActorStore {
    let id = TheaterId::generate();
    let (theater_tx, _) = tokio::sync::mpsc::channel(1);
    let chain = Arc::new(StateChain::new(id));
    ActorStore::new(id, theater_tx, ActorHandle::channel().0, chain, Value::None)
}

/// Appends these numbered lines.
async fn log_lines(store: &ActorStore, lines: std::ops::Range<u32>) {
    for line in lines {
        let line = TheaterRuntimeEventData::Log { level: LogLevel::Info, message: format!("line {line}") };
        store.record_theater_runtime_event(line).await.expect("the chain takes it");
    }
}

#[tokio::test]
async fn every_question_is_answered_up_to_the_event_that_came_before_it() {
    let store = store().with_history(100);
    for count in 1..=70 {
        log_lines(&store, count - 1..count).await;
        assert_eq!(store.get_all_events().events.len(), count as usize);
        assert_eq!(store.get_last_event().map(|event| event.hash), store.chain.head_hash());
    }
    store.record_theater_runtime_event(TheaterRuntimeEventData::ActorStarted).await.expect("taken");

    let started = store.get_events_by_type("theater-runtime/actor-started");
    assert_eq!((started.events.len(), started.lost), (1, 0));
    let recent = store.get_recent_events(2).events;
    assert_eq!(
        [&*recent[0].event_type, &*recent[1].event_type],
        ["theater-runtime/actor-started", "theater-runtime/log"]
    );
    assert_eq!(store.has_event_type("theater-runtime/log"), Presence::Present);
    assert_eq!(store.has_event_type("wasm-call"), Presence::Absent);
    assert_eq!(store.get_chain(), store.get_all_events());
    store.verify_chain().expect("a whole chain");
}

#[tokio::test]
async fn a_history_says_what_it_has_lost() {
    let store = store().with_history(10);
    log_lines(&store, 0..25).await;

    let all = store.get_all_events();
    assert_eq!((all.events.len(), all.lost), (10, 15));
    assert_eq!(store.get_recent_events(10).lost, 0, "all that was asked for is there");
    assert_eq!(store.get_recent_events(12).lost, 2);
    assert_eq!(store.get_recent_events(100).lost, 15);
    assert_eq!(store.has_event_type("wasm-call"), Presence::Unknown { lost: 15 });
    store.verify_chain().expect("what is there is whole");
}

#[tokio::test]
async fn a_store_without_a_history_has_lost_everything() {
    let store = store();
    log_lines(&store, 0..3).await;

    assert_eq!(store.get_all_events(), EventWindow { events: vec![], lost: 3 });
    assert!(store.subscribe_to_events().is_none());
    assert_eq!(store.get_last_event(), None);
}

#[tokio::test]
async fn a_broken_window_is_told_with_its_first_wrong_event() {
    let store = store().with_history(10);
    log_lines(&store, 0..4).await;
    let whole = store.get_all_events();

    let mut altered = whole.clone();
    altered.events[2].data = altered.events[1].data.clone();
    assert!(matches!(altered.verify(), Err(BrokenChain { index: 2, fault: LinkFault::Hash { .. }, .. })));

    let mut removed = whole.clone();
    removed.events.remove(1);
    assert!(matches!(removed.verify(), Err(BrokenChain { index: 1, fault: LinkFault::Link { .. }, .. })));

    let mut beheaded = whole;
    beheaded.events.remove(0);
    assert!(matches!(beheaded.verify(), Err(BrokenChain { index: 0, fault: LinkFault::Link { .. }, .. })));
    beheaded.lost = 1;
    beheaded.verify().expect("the first event's parent is not known");
}

#[tokio::test]
async fn a_chain_that_ended_is_saved_as_a_sealed_take() {
    let store = store().with_history(10);
    log_lines(&store, 0..3).await;
    assert!(matches!(store.save_chain(Vec::new()), Err(SaveError::NotEnded)));
    store.record_event(ChainEventData::shutdown()).await.expect("taken");

    let mut file = Vec::new();
    let summary = store.save_chain(&mut file).expect("memory takes every write");

    assert_eq!(summary.events, 4);
    let mut reader = LogReader::open(&file[..]).expect("a take");
    let mut types = Vec::new();
    while let Some(record) = reader.next_record().expect("a whole take") {
        if let Record::Event { event, .. } = record {
            types.push(event.event_type.to_string());
        }
    }
    assert_eq!(types[3], SHUTDOWN);
    assert_eq!(reader.state(), TakeState::Sealed);
    assert_eq!(reader.seal().map(|seal| &seal.kind), Some(&SealKind::Complete));
}

#[tokio::test]
async fn a_part_of_a_chain_is_never_sealed() {
    let store = store().with_history(2);
    log_lines(&store, 0..3).await;
    store.record_event(ChainEventData::shutdown()).await.expect("taken");

    let mut file = Vec::new();
    assert!(matches!(store.save_chain(&mut file), Err(SaveError::Lost { lost: 2 })));
    assert!(file.is_empty());
}

#[tokio::test]
async fn listeners_hear_what_comes_later_and_how_much_they_missed() {
    let store = store().with_history(2);
    log_lines(&store, 0..3).await;
    let mut listener = store.subscribe_to_events().expect("a history");
    log_lines(&store, 3..5).await;
    let recent = store.get_recent_events(2).events;

    assert_eq!(listener.try_recv().as_ref(), Ok(&recent[1]));
    assert_eq!(listener.try_recv().as_ref(), Ok(&recent[0]));
    assert_eq!(listener.try_recv(), Err(TryRecvError::Empty));

    log_lines(&store, 5..2000).await;
    assert_eq!(store.get_all_events().lost, 1998);
    assert!(matches!(listener.try_recv(), Err(TryRecvError::Lagged(_))));
}

#[tokio::test]
async fn clones_share_all_but_the_state() {
    let mut store = store().with_history(10);
    let mut clone = store.clone();
    clone.set_state(Value::from(1u32));
    clone.set_extension(7u32);
    log_lines(&clone, 0..1).await;

    assert_eq!((store.get_state(), clone.get_state()), (Value::None, Value::from(1u32)));
    assert_eq!(store.get_extension::<u32>(), Some(7));
    assert_eq!(store.get_all_events(), clone.get_all_events());
    store.set_extension(8u32);
    assert_eq!(clone.remove_extension::<u32>(), Some(8), "one value per type");
    assert!(!store.has_extension::<u32>());
    store.set_state(Value::from(2u32));
    assert_eq!(clone.get_state(), Value::from(1u32));
}

#[tokio::test]
async fn a_host_can_tell_that_its_actor_is_being_replayed() {
    let store = store();
    assert!(!store.has_extension::<HttpReplayChain>());
    store.set_extension(HttpReplayChain::default());
    assert!(store.has_extension::<HttpReplayChain>());
}

#[tokio::test]
async fn a_handle_whose_actor_is_gone_says_so() {
    let (handle, mailbox) = ActorHandle::channel();
    drop(mailbox);
    assert_eq!(handle.call_function("f", vec![]).await, Err(ActorError::Ended));
    assert_eq!(handle.get_state().await, Err(ActorError::Ended));
    assert_eq!(handle.shutdown().await, Err(ActorError::Ended));
}
