//! Promises of the state chain: order, back-pressure and cancellation.

mod grammar;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::polling::Woken;
use super::strategies::{host_call, linked_events, session};
use crate::*;

fn data(n: u8) -> ChainEventData {
    host_call(vec![Value::from(n)], Value::None)
}

fn chain() -> StateChain {
    StateChain::new(TheaterId::generate())
}

/// Polls once; a future that is ready gives its output.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    Arc::new(Woken::default()).poll(Pin::new(future))
}

fn drain(receiver: &mut mpsc::Receiver<(TheaterId, ChainEvent)>) -> Vec<ChainEvent> {
    std::iter::from_fn(|| receiver.try_recv().ok()).map(|(_, event)| event).collect()
}

fn assert_linked(events: &[ChainEvent]) {
    for pair in events.windows(2) {
        assert_eq!(pair[1].parent_hash, Some(pair[0].hash));
    }
    for event in events {
        assert_eq!(event.recompute_hash(), event.hash);
    }
}

#[tokio::test]
async fn events_are_linked_and_delivered_in_order() {
    let chain = chain();
    assert_eq!(chain.head_hash(), None);
    let before = chain.add_typed_event(data(0)).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(8);
    chain.add_subscriber(sender);
    let mut appended = Vec::new();
    for n in 1..5 {
        appended.push(chain.add_typed_event(data(n)).await.unwrap());
        assert_eq!(chain.head_hash(), Some(appended.last().unwrap().hash));
    }
    let delivered = drain(&mut receiver);
    assert_eq!(delivered, appended);
    assert_eq!(delivered[0].parent_hash, Some(before.hash));
    assert_linked(&delivered);
    assert_eq!(chain.event_count(), 5);
}

#[tokio::test]
async fn an_appender_waits_for_a_full_subscriber_and_loses_nothing() {
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(1);
    chain.add_subscriber(sender);
    let first = chain.add_typed_event(data(0)).await.unwrap();
    let mut second = Box::pin(chain.add_typed_event(data(1)));
    assert!(poll_once(&mut second).is_none());
    assert_eq!(receiver.recv().await.unwrap().1, first);
    let second = second.await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), (chain.actor_id(), second));
}

#[tokio::test]
async fn a_full_subscriber_does_not_stop_those_who_only_look() {
    let chain = chain();
    let (sender, _receiver) = mpsc::channel(1);
    chain.add_subscriber(sender.clone());
    chain.add_typed_event(data(0)).await.unwrap();
    let mut stalled = Box::pin(chain.add_typed_event(data(1)));
    assert!(poll_once(&mut stalled).is_none());
    // All of these return while the append waits: none of them is a future.
    assert!(chain.head_hash().is_some());
    assert_eq!(chain.event_count(), 2);
    let (other, _other_receiver) = mpsc::channel(1);
    chain.add_subscriber(other.clone());
    assert!(chain.remove_subscriber(&other));
    assert!(format!("{chain:?}").contains("subscribers: 1"));
    assert!(poll_once(&mut stalled).is_none());
}

#[tokio::test]
async fn a_full_subscriber_does_not_stop_another_chain() {
    let (stalled, other) = (chain(), chain());
    let (sender, _receiver) = mpsc::channel(1);
    stalled.add_subscriber(sender);
    stalled.add_typed_event(data(0)).await.unwrap();
    let mut waiting = Box::pin(stalled.add_typed_event(data(1)));
    assert!(poll_once(&mut waiting).is_none());

    let (sender, mut receiver) = mpsc::channel(8);
    other.add_subscriber(sender);
    let appended = poll_once(&mut Box::pin(other.add_typed_event(data(2)))).expect("nobody to wait for");
    assert_eq!(drain(&mut receiver), [appended.unwrap()]);
    assert!(poll_once(&mut waiting).is_none());
}

#[tokio::test]
async fn a_dropped_append_neither_forks_the_chain_nor_leaves_a_gap() {
    let chain = chain();
    let (full, mut slow) = mpsc::channel(1);
    let (roomy, mut quick) = mpsc::channel(16);
    let (late, mut last) = mpsc::channel(16);
    chain.add_subscriber(roomy);
    chain.add_subscriber(full);
    chain.add_subscriber(late);
    chain.add_typed_event(data(0)).await.unwrap();
    {
        let mut dropped = Box::pin(chain.add_typed_event(data(1)));
        assert!(poll_once(&mut dropped).is_none());
    }
    assert_eq!(chain.event_count(), 2);
    let mut received = drain(&mut slow);
    chain.settle().await;
    received.extend(drain(&mut slow));
    chain.add_typed_event(data(2)).await.unwrap();
    received.extend(drain(&mut slow));

    assert_eq!(received.len(), 3);
    assert_linked(&received);
    assert_eq!(drain(&mut quick), received);
    assert_eq!(drain(&mut last), received);
    assert_eq!(chain.head_hash(), Some(received[2].hash));
}

#[tokio::test]
async fn the_next_append_delivers_what_a_dropped_one_left() {
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(1);
    chain.add_subscriber(sender);
    chain.add_typed_event(data(0)).await.unwrap();
    for n in 1..3 {
        // The second dropped one is dropped while it delivers the first one's event, before its own is in.
        let mut dropped = Box::pin(chain.add_typed_event(data(n)));
        assert!(poll_once(&mut dropped).is_none());
    }
    assert_eq!(chain.event_count(), 2);
    let mut received = vec![receiver.recv().await.unwrap().1];
    let (appended, ()) = tokio::join!(chain.add_typed_event(data(3)), async {
        for _ in 0..2 {
            received.push(receiver.recv().await.unwrap().1);
        }
    });
    assert_eq!(received[2], appended.unwrap());
    assert_linked(&received);
}

#[tokio::test]
async fn an_append_that_never_got_the_lock_leaves_no_trace() {
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(1);
    chain.add_subscriber(sender);
    chain.add_typed_event(data(0)).await.unwrap();
    let mut stalled = pin!(chain.add_typed_event(data(1)));
    assert!(poll_once(&mut stalled).is_none());
    {
        let mut queued = Box::pin(chain.add_typed_event(data(2)));
        assert!(poll_once(&mut queued).is_none());
    }
    drain(&mut receiver);
    let second = stalled.await.unwrap();
    assert_eq!(chain.event_count(), 2);
    assert_eq!(chain.head_hash(), Some(second.hash));
}

#[tokio::test]
async fn a_subscriber_that_hung_up_is_evicted_at_the_next_event() {
    let chain = chain();
    let (gone, receiver) = mpsc::channel(1);
    let (stays, mut kept) = mpsc::channel(4);
    chain.add_subscriber(gone.clone());
    chain.add_subscriber(stays);
    drop(receiver);
    assert!(format!("{chain:?}").contains("subscribers: 2"));
    chain.add_typed_event(data(0)).await.unwrap();
    assert!(format!("{chain:?}").contains("subscribers: 1"));
    assert!(!chain.remove_subscriber(&gone));
    assert_eq!(drain(&mut kept).len(), 1);
}

#[tokio::test]
async fn a_subscriber_that_hung_up_is_evicted_though_the_append_is_dropped() {
    let chain = chain();
    let (gone, receiver) = mpsc::channel(1);
    let (full, _kept) = mpsc::channel(1);
    chain.add_subscriber(gone);
    chain.add_subscriber(full);
    chain.add_typed_event(data(0)).await.unwrap();
    drop(receiver);
    assert!(poll_once(&mut Box::pin(chain.add_typed_event(data(1)))).is_none());
    assert!(format!("{chain:?}").contains("subscribers: 1"));
}

#[tokio::test]
async fn hanging_up_frees_an_appender_that_waits() {
    let chain = chain();
    let (sender, receiver) = mpsc::channel(1);
    chain.add_subscriber(sender);
    chain.add_typed_event(data(0)).await.unwrap();
    let mut waiting = Box::pin(chain.add_typed_event(data(1)));
    assert!(poll_once(&mut waiting).is_none());
    drop(receiver);
    waiting.await.unwrap();
    assert!(format!("{chain:?}").contains("subscribers: 0"));
}

#[tokio::test]
async fn a_subscriber_that_panics_frees_the_appender_and_costs_the_others_nothing() {
    let chain = chain();
    let (before, mut first) = mpsc::channel(8);
    let (sender, mut receiver) = mpsc::channel(1);
    let (behind, mut last) = mpsc::channel(8);
    chain.add_subscriber(before);
    chain.add_subscriber(sender);
    chain.add_subscriber(behind);
    let (go_on, told) = oneshot::channel::<()>();
    let subscriber = tokio::spawn(async move {
        receiver.recv().await.unwrap();
        told.await.unwrap();
        panic!("the subscriber's own fault");
    });
    let mut appended = vec![chain.add_typed_event(data(0)).await.unwrap()];
    appended.push(chain.add_typed_event(data(1)).await.unwrap());
    let mut waiting = Box::pin(chain.add_typed_event(data(2)));
    assert!(poll_once(&mut waiting).is_none());
    go_on.send(()).unwrap();
    assert!(subscriber.await.unwrap_err().is_panic());
    appended.push(waiting.await.unwrap());
    appended.push(chain.add_typed_event(data(3)).await.unwrap());
    assert_eq!(drain(&mut first), appended);
    assert_eq!(drain(&mut last), appended);
    assert!(format!("{chain:?}").contains("subscribers: 2"));
}

#[tokio::test]
async fn removing_a_full_subscriber_frees_an_appender_that_waits() {
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(1);
    let (behind, mut rest) = mpsc::channel(4);
    chain.add_subscriber(sender.clone());
    chain.add_subscriber(behind);
    let first = chain.add_typed_event(data(0)).await.unwrap();
    let mut waiting = Box::pin(chain.add_typed_event(data(1)));
    let woken = Arc::new(Woken::default());
    assert!(woken.poll(waiting.as_mut()).is_none());
    assert!(chain.remove_subscriber(&sender));
    assert!(woken.take());
    let second = poll_once(&mut waiting).expect("nobody is left to wait for").unwrap();
    let delivered = drain(&mut rest);
    assert_eq!(delivered, [first, second]);
    assert_eq!(drain(&mut receiver), delivered[..1]);
}

#[tokio::test]
async fn one_that_subscribes_again_gets_no_event_from_before() {
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(1);
    chain.add_subscriber(sender.clone());
    let first = chain.add_typed_event(data(0)).await.unwrap();
    let mut waiting = Box::pin(chain.add_typed_event(data(1)));
    assert!(poll_once(&mut waiting).is_none());
    chain.remove_subscriber(&sender);
    chain.add_subscriber(sender);
    assert_eq!(drain(&mut receiver), [first]);
    poll_once(&mut waiting).expect("nobody is left to wait for").unwrap();
    assert!(drain(&mut receiver).is_empty());
    let later = chain.add_typed_event(data(2)).await.unwrap();
    assert_eq!(drain(&mut receiver), [later]);
}

#[tokio::test]
async fn removing_goes_by_channel_and_may_be_repeated() {
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(4);
    let (stranger, _other) = mpsc::channel(4);
    chain.add_subscriber(sender.clone());
    assert!(!chain.remove_subscriber(&stranger));
    assert!(chain.remove_subscriber(&sender.clone()));
    assert!(!chain.remove_subscriber(&sender));
    chain.add_typed_event(data(0)).await.unwrap();
    assert!(drain(&mut receiver).is_empty());
}

#[tokio::test]
async fn shutdown_is_the_last_event_and_closes_the_channels() {
    let chain = chain();
    let (sender, mut receiver) = mpsc::channel(4);
    chain.add_subscriber(sender);
    let last = chain.add_typed_event(ChainEventData::shutdown()).await.unwrap();
    assert_eq!(receiver.recv().await.unwrap().1, last);
    assert!(receiver.recv().await.is_none());
    let error = chain.add_typed_event(data(0)).await.unwrap_err();
    assert_eq!((error.index, error.fault), (1, AppendFault::Ended));
    assert_eq!(chain.head_hash(), Some(last.hash));

    let (late, mut late_receiver) = mpsc::channel(4);
    chain.add_subscriber(late);
    assert!(late_receiver.recv().await.is_none());
}

#[tokio::test]
async fn what_no_take_can_hold_is_refused_and_changes_nothing() {
    let chain = chain();
    let doubled = Value::record([("a", Value::None), ("b", Value::None), ("a", Value::None)]);
    let error = chain.add_typed_event(host_call(vec![doubled], Value::None)).await.unwrap_err();
    assert_eq!((error.index, error.fault), (0, AppendFault::DuplicateKey { key: "a".into() }));
    let deep = (0..MAX_VALUE_DEPTH + 1).fold(Value::None, |value, _| Value::List(vec![value]));
    let error = chain.add_typed_event(host_call(vec![deep], Value::None)).await.unwrap_err();
    assert_eq!((error.index, error.fault), (0, AppendFault::TooDeep { depth: MAX_VALUE_DEPTH + 1 }));

    let many = Value::List(vec![Value::None; MAX_VALUES]);
    let error = chain.add_typed_event(host_call(vec![many], Value::None)).await.unwrap_err();
    assert_eq!((error.index, error.fault), (0, AppendFault::TooManyValues));

    let mut wrong = data(0);
    wrong.event_type = Arc::from(SHUTDOWN);
    let error = chain.add_typed_event(wrong).await.unwrap_err();
    assert!(matches!(error.fault, AppendFault::WrongType { .. }), "{error}");

    let long = ChainEvent::link(None, Arc::from("x".repeat(MAX_EVENT_TYPE + 1)), Bytes::new());
    let error = ChainHead::new().append_recorded(&long).unwrap_err();
    assert_eq!((error.index, error.fault), (0, AppendFault::TypeTooLong { len: MAX_EVENT_TYPE + 1 }));
    assert_eq!((chain.head_hash(), chain.event_count()), (None, 0));
}

#[tokio::test]
async fn the_deepest_value_that_is_taken_can_be_read() {
    let chain = chain();
    let deep = (0..MAX_VALUE_DEPTH).fold(Value::None, |value, _| Value::List(vec![value]));
    let event = chain.add_typed_event(host_call(vec![deep.clone()], deep)).await.unwrap();
    event.payload().unwrap();
}

#[tokio::test]
async fn the_most_values_that_are_taken_can_be_read() {
    let chain = chain();
    let call = |nils| host_call(vec![Value::List(vec![Value::None; nils])], Value::None);
    let event = chain.add_typed_event(call(0)).await.unwrap();
    let most = MAX_VALUES - event.value_count();
    let event = chain.add_typed_event(call(most)).await.unwrap();
    assert_eq!(event.value_count(), MAX_VALUES);
    event.payload().unwrap();
    let error = chain.add_typed_event(call(most + 1)).await.unwrap_err();
    assert_eq!((error.index, error.fault), (2, AppendFault::TooManyValues));
}

#[test]
fn a_copied_event_keeps_type_and_data_and_gets_a_new_hash() {
    let mut chain = ChainHead::new();
    let first = chain.append(data(0)).unwrap();
    let recorded = linked_events(3, 10).remove(2);
    let copied = chain.append_recorded(&recorded).unwrap().to_event();
    assert_eq!((&copied.event_type, &copied.data), (&recorded.event_type, &recorded.data));
    assert_eq!(copied.parent_hash, Some(first.hash));
    assert_linked(&[first, copied]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_appenders_make_one_chain_and_all_subscribers_see_the_same() {
    let chain = Arc::new(chain());
    let subscribers: Vec<_> = [3, 1, 500]
        .into_iter()
        .map(|capacity| {
            let (sender, mut receiver) = mpsc::channel(capacity);
            chain.add_subscriber(sender);
            tokio::spawn(async move {
                let mut received = Vec::new();
                while let Some((_, event)) = receiver.recv().await {
                    received.push(event);
                }
                received
            })
        })
        .collect();
    let appenders: Vec<_> = (0..8)
        .map(|n| {
            let chain = chain.clone();
            tokio::spawn(async move {
                let mut appended = Vec::new();
                for _ in 0..50 {
                    appended.push(chain.add_typed_event(data(n)).await.unwrap());
                }
                appended
            })
        })
        .collect();
    let mut appended = Vec::new();
    for appender in appenders {
        appended.push(appender.await.unwrap());
    }
    let last = chain.add_typed_event(ChainEventData::shutdown()).await.unwrap();

    let mut seen = Vec::new();
    for subscriber in subscribers {
        seen.push(subscriber.await.unwrap());
    }
    assert_eq!((seen[0].len(), seen[0][0].parent_hash, seen[0].last()), (401, None, Some(&last)));
    assert_linked(&seen[0]);
    assert!(seen.iter().all(|other| other == &seen[0]));
    // Each appender's own order is kept too.
    for own in appended {
        let mut rest = seen[0].iter();
        assert!(own.iter().all(|event| rest.any(|other| other == event)));
    }
}
