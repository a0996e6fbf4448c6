//! A session whose storage fails at any of its operations: every question is answered, what was reported safe
//! can be read, and nothing is reported safe after the failure.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::support::{Found, chain, emit, noise, soon};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use retake_chain::log::{Storage, TakeState};
use retake_recorder::http::Pool;
use retake_recorder::{
    Actor, CancellationToken, Durability, Host, LiveActor, LogWriter, Permissions, RecordError, Recorder,
    Session, SessionKind, SessionOptions, Value,
};

/// A storage in memory of which one operation fails. The later ones would succeed.
#[derive(Clone)]
struct Faulty(Arc<Mutex<State>>);

struct State {
    file: Vec<u8>,
    /// Operations before the one that fails.
    before: usize,
    fault: Fault,
    /// Bytes of the writes that were whole, once one was not.
    whole: Option<usize>,
    failed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    code: i32,
    says: &'static str,
    /// A write that fails takes some of the bytes first.
    is_short: bool,
}

/// The codes of `ENOSPC` and `EIO`, which are the same on every Unix.
const FAULTS: [Fault; 3] = [
    Fault { code: 28, says: "No space left on device", is_short: false },
    Fault { code: 28, says: "No space left on device", is_short: true },
    Fault { code: 5, says: "error", is_short: false },
];

impl Faulty {
    fn new(before: usize, fault: Fault) -> Faulty {
        let state = State { file: Vec::new(), before, fault, whole: None, failed: false };
        Faulty(Arc::new(Mutex::new(state)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn found(&self) -> Found {
        self.with(|state| Found::read(&state.file))
    }

    /// Whether the storage has failed.
    fn has_failed(&self) -> bool {
        self.with(|state| state.failed)
    }

    /// Demands that the error names the position and what the storage said.
    #[track_caller]
    fn assert_reports(&self, reported: &str) {
        let (whole, fault) = self.with(|state| (state.whole.expect("the storage has failed"), state.fault));
        assert!(reported.contains(&format!("at byte {whole}: ")), "{reported} ({whole} bytes were whole)");
        assert!(reported.contains(fault.says), "{reported}");
    }
}

impl State {
    /// An operation that may be the one to fail.
    fn next(&mut self) -> io::Result<()> {
        if self.before > 0 || self.failed {
            self.before = self.before.saturating_sub(1);
            return Ok(());
        }
        self.failed = true;
        self.whole.get_or_insert(self.file.len());
        Err(io::Error::from_raw_os_error(self.fault.code))
    }
}

impl Write for Faulty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|state| {
            let mut taken = bytes.len();
            if state.before == 0 && state.whole.is_none() && state.fault.is_short && taken > 1 {
                // The rest is another write, and that one fails.
                state.whole = Some(state.file.len());
                taken /= 2;
            } else {
                state.next()?;
            }
            state.file.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(State::next)
    }
}

impl Storage for Faulty {
    fn sync(&mut self) -> io::Result<()> {
        self.with(State::next)
    }

    fn close(&mut self) -> io::Result<()> {
        self.with(State::next)
    }
}

/// Starts to record. `None` if the storage fails so early that there is no recorder, which is reported.
fn start(storage: &Faulty, durability: Durability) -> Option<Recorder> {
    let recorder = LogWriter::create(storage.clone())
        .map_err(|fault| fault.to_string())
        .and_then(|writer| Recorder::start(writer, durability).map_err(|error| error.to_string()));
    recorder.inspect_err(|reported| storage.assert_reports(reported)).ok()
}

/// Seals the take. It must be reported if the storage has failed, in the same words as before.
async fn seal(storage: &Faulty, recorder: &Recorder, reported: Option<&str>) {
    match soon(recorder.seal()).await {
        Ok(_) => {
            assert!(!storage.has_failed());
            assert_eq!(storage.found().state, TakeState::Sealed);
        }
        Err(error) => {
            storage.assert_reports(&error.to_string());
            assert!(
                reported.is_none_or(|reported| reported.contains(&error.to_string())),
                "{error} after {reported:?}"
            );
        }
    }
}

/// Runs sessions with a storage that fails at the first operation, at the second, and so on, until one is
/// over without a fault.
async fn with_a_fault_anywhere(mut session: impl AsyncFnMut(&Faulty, Durability)) {
    for fault in FAULTS {
        for durability in [Durability::Call, Durability::Sync, Durability::None] {
            let mut before = 0;
            loop {
                let storage = Faulty::new(before, fault);
                session(&storage, durability).await;
                if !storage.has_failed() {
                    break;
                }
                before += 1;
            }
            assert!(before > 5, "only {before} operations");
        }
    }
}

#[tokio::test]
async fn whichever_operation_fails_what_was_safe_is_readable_and_nothing_is_safe_after() {
    with_a_fault_anywhere(async |storage, durability| {
        let Some(recorder) = start(storage, durability) else { return };
        let (mut safe, mut emitted, mut reported) = (0, 0, None);
        let chains = [soon(chain(&recorder)).await, soon(chain(&recorder)).await];
        for round in 0..12 {
            for chain in chains.iter().flatten() {
                emit(chain, noise(if round == 7 { 300_000 } else { 50 * round }, round as u64)).await;
                emitted += 1;
            }
            match soon(recorder.commit()).await {
                Ok(()) => {
                    assert_eq!(reported, None, "nothing is safe after a fault");
                    safe = emitted;
                }
                Err(error) => {
                    storage.assert_reports(&error.to_string());
                    reported.get_or_insert(error.to_string());
                }
            }
        }
        seal(storage, &recorder, reported.as_deref()).await;

        let found = storage.found();
        if durability != Durability::None {
            assert!(found.events >= safe, "{found:?}, {safe} events were safe");
        }
        assert!(found.events <= emitted);
    })
    .await;
}

const ADDER: &str = r#"(component
    (core module $m (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_operation_fails_every_call_of_an_actor_is_answered() {
    let options = SessionOptions { kind: Some(SessionKind::Invoke), ..SessionOptions::default() };
    let actor = Actor::new(ADDER.as_bytes()).expect("a component");
    let program = Host::program(actor, options, Permissions::default()).expect("it can be recorded");
    with_a_fault_anywhere(async |storage, durability| {
        let Some(recorder) = start(storage, durability) else { return };
        let cancel = CancellationToken::new();
        let actor = match soon(LiveActor::start(&program, &recorder, &Session::new(), cancel)).await {
            Ok(actor) => actor.spawn().expect("a thread"),
            Err(error) => return storage.assert_reports(&error.to_string()),
        };
        let (mut safe, mut reported) = (0, None);
        for number in 0..6u32 {
            let sum =
                soon(actor.handle().call_function("add", vec![Value::from(number), Value::from(1u32)])).await;
            match sum {
                Ok(sum) => {
                    assert_eq!((sum, reported.as_ref()), (Some(Value::from(number + 1)), None));
                    safe += 1;
                }
                // The first is reported why; by then the actor has ended.
                Err(error) if reported.is_none() => {
                    storage.assert_reports(&error.to_string());
                    reported = Some(error.to_string());
                }
                Err(_) => {}
            }
        }
        let _ = soon(actor.handle().shutdown()).await;
        assert_eq!(soon(actor.join()).await.is_err(), reported.is_some());
        seal(storage, &recorder, reported.as_deref()).await;

        let found = storage.found();
        if durability != Durability::None {
            assert!(found.whole_calls >= safe, "{found:?}, {safe} calls were answered");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_operation_fails_every_request_is_answered_and_none_with_a_whole_body_that_is_not_safe() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/actors/http-edge.wasm");
    let actor = Actor::new(&std::fs::read(path).expect("the fixture")).expect("a component");
    let program =
        Host::program(actor, SessionOptions::default(), Permissions::default()).expect("an HTTP actor");
    with_a_fault_anywhere(async |storage, durability| {
        let Some(recorder) = start(storage, durability) else { return };
        let pool = match soon(Pool::start(&program, &recorder, 2, CancellationToken::new(), |_| {})).await {
            Ok(pool) => pool,
            Err(error) => return storage.assert_reports(&error.to_string()),
        };
        let mut safe = 0;
        for number in 0..4 {
            let body = Bytes::from(noise(1000, number));
            let request = Request::post("/echo").header("host", "retake.test").body(body.clone());
            let response = soon(pool.request(request.expect("a request"))).await;
            let status = response.status();
            let whole = soon(response.into_body().collect()).await;
            if status == StatusCode::OK && whole.is_ok_and(|found| found.to_bytes() == body) {
                safe += 1;
            }
        }
        let reported = soon(pool.close()).await.err().map(|error: RecordError| error.to_string());
        seal(storage, &recorder, reported.as_deref()).await;

        let found = storage.found();
        if durability != Durability::None {
            assert!(found.whole_calls >= safe, "{found:?}, {safe} requests were answered");
            assert!(safe == 4 || storage.has_failed());
        }
    })
    .await;
}
