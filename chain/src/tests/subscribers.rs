//! Promises of the best-effort subscriber: the chain never waits for its reader, and drops are counted.

use tokio::runtime::Handle;

use super::strategies::host_call;
use crate::*;

async fn append(chain: &StateChain, count: u16) -> Vec<ChainEvent> {
    let mut appended = Vec::new();
    for n in 0..count {
        appended.push(chain.add_typed_event(host_call(vec![Value::from(n)], Value::None)).await.unwrap());
    }
    appended
}

#[tokio::test]
async fn a_reader_that_never_reads_does_not_stop_the_chain() {
    let chain = StateChain::new(TheaterId::generate());
    let mut subscriber = BestEffortSubscriber::attach(&chain, 10, &Handle::current());
    let mut appended = append(&chain, 500).await;
    appended.push(chain.add_typed_event(ChainEventData::shutdown()).await.unwrap());

    // The drainer ends by itself after the last event, so this waits for it and no longer.
    let mut kept = Vec::new();
    while let Some((_, event)) = subscriber.recv().await {
        kept.push(event);
    }
    assert_eq!(subscriber.dropped() as usize + kept.len(), appended.len());
    assert!(subscriber.dropped() > 0);
    // Which are kept depends on how the reader and the drainer take turns, but their order does not, and the
    // newest is never the one that is dropped.
    let mut rest = appended.iter();
    assert!(kept.iter().all(|event| rest.any(|other| other == event)));
    assert_eq!(kept.last(), appended.last());
}

#[tokio::test]
async fn what_is_dropped_is_counted_exactly_and_the_latest_are_kept() {
    for (events, capacity) in [(10, 9), (9, 9), (8, 9), (200, 9), (200, 1), (200, 199), (200, 0)] {
        let chain = StateChain::new(TheaterId::generate());
        let mut subscriber = BestEffortSubscriber::attach(&chain, capacity, &Handle::current());
        let mut appended = append(&chain, events - 1).await;
        appended.push(chain.add_typed_event(ChainEventData::shutdown()).await.unwrap());
        // Nothing is read before the drainer, the only task, has seen the chain's end.
        while Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
        let dropped = appended.len().saturating_sub(capacity.max(1));
        assert_eq!(subscriber.dropped() as usize, dropped);
        for event in &appended[dropped..] {
            assert_eq!(subscriber.recv().await.as_ref(), Some(&(chain.actor_id(), event.clone())));
        }
        assert_eq!(subscriber.recv().await, None);
        assert_eq!(subscriber.dropped() as usize, dropped);
    }
}

#[tokio::test]
async fn a_reader_that_keeps_up_misses_nothing() {
    let chain = StateChain::new(TheaterId::generate());
    let mut subscriber = BestEffortSubscriber::attach(&chain, 1000, &Handle::current());
    let appended = append(&chain, 300).await;
    for event in &appended {
        assert_eq!(subscriber.recv().await.unwrap(), (chain.actor_id(), event.clone()));
    }
    assert_eq!(subscriber.dropped(), 0);
    assert!(subscriber.try_recv().is_none());
}

#[tokio::test]
async fn a_dropped_subscriber_is_evicted() {
    let chain = StateChain::new(TheaterId::generate());
    let subscriber = BestEffortSubscriber::attach(&chain, 10, &Handle::current());
    drop(subscriber);
    // The drainer is aborted by then or while the chain waits for it; either way all appends go through.
    append(&chain, 200).await;
    assert!(format!("{chain:?}").contains("subscribers: 0"));
}
