//! When a recorder says that a call is safe: after its flush, after its sync, or at once.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use crate::support::{Found, chain, emit, soon};
use futures::poll;
use retake_chain::log::Storage;
use retake_recorder::{Durability, LogWriter, Recorder};

/// What a storage is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Write,
    Flush,
    Sync,
}

/// A storage in memory that can be held up: it then does no more operations of a kind until it is released.
#[derive(Clone, Default)]
struct Held(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    file: Vec<u8>,
    flushes: usize,
    syncs: usize,
    holds: Option<Asked>,
    /// Somebody is held.
    waits: bool,
    fails: bool,
}

impl Held {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let done = work(&mut self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.1.notify_all();
        done
    }

    fn hold(&self, asked: Asked) {
        self.with(|state| state.holds = Some(asked));
    }

    fn let_go(&self) {
        self.with(|state| state.holds = None);
    }

    /// Returns when the recorder is held.
    fn until_it_waits(&self) {
        let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(state, Duration::from_secs(60), |state| !state.waits);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(state);
        assert!(!waited.timed_out(), "the recorder does not come to this");
    }

    fn pass(&self, asked: Asked, done: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while state.holds == Some(asked) {
            state.waits = true;
            self.0.1.notify_all();
            state = self.0.1.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waits = false;
        if state.fails {
            return Err(io::ErrorKind::StorageFull.into());
        }
        done(&mut state);
        Ok(())
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pass(Asked::Write, |state| state.file.extend_from_slice(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(Asked::Flush, |state| state.flushes += 1)
    }
}

impl Storage for Held {
    fn sync(&mut self) -> io::Result<()> {
        self.pass(Asked::Sync, |state| state.syncs += 1)
    }
}

fn start(durability: Durability) -> (Held, Recorder) {
    let storage = Held::default();
    let writer = LogWriter::create(storage.clone()).expect("memory takes a header");
    (storage, Recorder::start(writer, durability).expect("a recorder"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_safe_when_it_was_flushed_and_not_before() {
    let (storage, recorder) = start(Durability::Call);
    let chain = chain(&recorder).await.expect("room for a chain");
    emit(&chain, b"an answer".to_vec()).await;
    storage.hold(Asked::Flush);

    // The caller writes by itself, so it is held up.
    let commit = tokio::spawn(async move { recorder.commit().await });
    tokio::task::spawn_blocking({
        let storage = storage.clone();
        move || storage.until_it_waits()
    })
    .await
    .expect("it does not panic");
    assert!(!commit.is_finished(), "the flush has not ended");
    storage.let_go();
    soon(commit).await.expect("it does not panic").expect("it is written");

    storage.with(|state| {
        assert_eq!(Found::read(&state.file).events, 1);
        assert_eq!(state.syncs, 0, "nobody asked for that");
    });
}

#[tokio::test]
async fn with_sync_a_call_is_safe_when_it_was_synced_and_not_before() {
    let (storage, recorder) = start(Durability::Sync);
    assert_eq!(
        storage.with(|state| state.syncs),
        1,
        "the beginning of the take is synced before the session"
    );
    let chain = chain(&recorder).await.expect("room for a chain");
    emit(&chain, b"an answer".to_vec()).await;
    storage.hold(Asked::Sync);

    let commit = recorder.commit();
    futures::pin_mut!(commit);
    assert!(poll!(commit.as_mut()).is_pending());
    storage.until_it_waits();
    assert!(storage.with(|state| Found::read(&state.file).events) == 1, "it is written");
    assert!(poll!(commit.as_mut()).is_pending(), "but not synced");
    storage.let_go();
    soon(commit).await.expect("it is synced");

    assert_eq!(storage.with(|state| state.syncs), 2);
}

#[tokio::test]
async fn calls_that_wait_at_the_same_time_share_a_sync() {
    let (storage, recorder) = start(Durability::Sync);
    let chain = chain(&recorder).await.expect("room for a chain");
    storage.hold(Asked::Sync);
    emit(&chain, b"the first".to_vec()).await;
    let first = recorder.commit();
    futures::pin_mut!(first);
    assert!(poll!(first.as_mut()).is_pending());
    storage.until_it_waits();
    let mut others = Vec::new();
    for number in 0..20 {
        emit(&chain, vec![number; 100]).await;
        let mut commit = Box::pin(recorder.commit());
        assert!(poll!(commit.as_mut()).is_pending());
        others.push(commit);
    }

    storage.let_go();
    soon(first).await.expect("it is synced");
    for commit in others {
        soon(commit).await.expect("it is synced");
    }

    storage.with(|state| {
        assert_eq!(state.syncs, 3, "one at the start, one for the first, one for all others");
        assert_eq!(Found::read(&state.file).events, 21);
    });
}

#[tokio::test]
async fn a_chain_that_is_added_between_flushes_is_not_forgotten() {
    // The recorder looks for flushes after the first, and finds another command.
    let (storage, recorder) = start(Durability::Sync);
    let chain = chain(&recorder).await.expect("room for a chain");
    storage.hold(Asked::Sync);
    emit(&chain, b"the first".to_vec()).await;
    let first = recorder.commit();
    futures::pin_mut!(first);
    assert!(poll!(first.as_mut()).is_pending());
    storage.until_it_waits();
    let (second, added, third) = (recorder.commit(), crate::support::chain(&recorder), recorder.commit());
    futures::pin_mut!(second, added, third);
    assert!(poll!(second.as_mut()).is_pending());
    assert!(poll!(added.as_mut()).is_pending());
    assert!(poll!(third.as_mut()).is_pending());

    storage.let_go();
    let (first, second, added, third) = soon(async { futures::join!(first, second, added, third) }).await;

    assert!(first.and(second).and(third).is_ok());
    emit(&added.expect("room for a chain"), b"of the second chain".to_vec()).await;
    soon(recorder.commit()).await.expect("it is synced");
    assert_eq!(storage.with(|state| Found::read(&state.file).events), 2);
}

#[tokio::test]
async fn with_none_a_call_is_not_waited_for() {
    let (storage, recorder) = start(Durability::None);
    let chain = chain(&recorder).await.expect("room for a chain");
    storage.hold(Asked::Write);
    for number in 0..100 {
        emit(&chain, vec![number]).await;
        let commit = recorder.commit();
        futures::pin_mut!(commit);
        assert!(matches!(poll!(commit), Poll::Ready(Ok(()))));
    }
    storage.let_go();
    soon(recorder.seal()).await.expect("it is written at the latest at the seal");

    assert_eq!(storage.with(|state| Found::read(&state.file).events), 100);
}

#[tokio::test]
async fn with_none_a_write_that_failed_is_reported_at_the_next_call_and_at_the_seal() {
    let (storage, recorder) = start(Durability::None);
    let chain = chain(&recorder).await.expect("room for a chain");
    storage.with(|state| state.fails = true);
    emit(&chain, b"lost".to_vec()).await;
    recorder.commit().await.expect("not waited for");
    // Whenever the recorder comes to write it.
    let written = soon(recorder.flush()).await.expect_err("the storage is full").to_string();

    let reported = recorder.commit().await.expect_err("it is known by now").to_string();
    let at_the_seal = soon(recorder.seal()).await.expect_err("it is not whole").to_string();

    assert_eq!((&reported, &at_the_seal), (&written, &written));
    assert!(reported.contains("no storage space"), "{reported}");
}

#[tokio::test]
async fn with_none_a_write_that_fails_late_is_reported_at_the_seal() {
    let (storage, recorder) = start(Durability::None);
    let chain = chain(&recorder).await.expect("room for a chain");
    storage.with(|state| state.fails = true);
    emit(&chain, b"lost".to_vec()).await;
    recorder.commit().await.expect("not waited for");

    let reported = soon(recorder.seal()).await.expect_err("it is not whole").to_string();

    assert!(reported.contains("no storage space"), "{reported}");
}
