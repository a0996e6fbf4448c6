//! What an embedder may count on who calls recorded actors through their handles.

use std::sync::Arc;

use retake_chain::Value;
use retake_recorder::{
    Actor, ActorError, CancellationToken, Durability, Host, LiveActor, LogWriter, Permissions, Program,
    Recorder, RunningActor, Session, SessionKind, SessionOptions,
};

fn counter() -> Arc<Program<Host>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/actors/counter.wasm");
    let actor = Actor::new(&std::fs::read(path).expect("the fixture")).expect("a component");
    let options = SessionOptions { kind: Some(SessionKind::Invoke), ..SessionOptions::default() };
    Host::program(actor, options, Permissions::default()).expect("it can be recorded")
}

async fn start(program: &Arc<Program<Host>>) -> (RunningActor, Recorder) {
    let recorder = Recorder::start(LogWriter::create(Vec::new()).expect("memory"), Durability::Call)
        .expect("a recorder");
    let cancel = CancellationToken::new();
    let actor = LiveActor::start(program, &recorder, &Session::new(), cancel).await.expect("an actor");
    (actor.spawn().expect("a thread"), recorder)
}

fn ok(count: u32) -> Result<Option<Value>, ActorError> {
    Ok(Some(Value::case("ok", Some(Value::from(count)))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_made_one_at_a_time_in_the_order_of_their_arrival() {
    let program = counter();
    let (actor, recorder) = start(&program).await;
    let handle = actor.handle();

    // Polled in this order, they arrive in this order.
    let calls = (1..=20u32).map(|by| handle.call_function("increment", vec![Value::from(by)]));
    let answers = futures::future::join_all(calls).await;

    let sums = (1..=20u32).scan(0, |sum, by| {
        *sum += by;
        Some(ok(*sum))
    });
    assert_eq!(answers, sums.collect::<Vec<_>>());
    let state = Value::from(Some(Value::from(210u32.to_le_bytes().to_vec())));
    assert_eq!(handle.get_state().await, Ok(state));
    handle.shutdown().await.expect("it was alive");
    assert!(actor.join().await.expect("a good end"));
    assert_eq!(recorder.seal().await.expect("a seal").chains.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_cannot_be_made_is_an_error_of_its_own_and_no_event() {
    let program = counter();
    let (actor, recorder) = start(&program).await;
    let handle = actor.handle();

    let unknown = handle.call_function("incremnt", vec![]).await.expect_err("no such function");
    let ActorError::UnknownFunction(unknown) = unknown else { panic!("{unknown}") };
    assert_eq!(unknown.near[0], "retake:counter/counter/increment");
    let count = handle.call_function("increment", vec![]).await.expect_err("an argument is missing");
    assert!(matches!(count, ActorError::ArgumentCount { found: 0, .. }), "{count}");
    let wrong = handle.call_function("increment", vec![Value::from("two")]).await.expect_err("not a number");
    assert!(matches!(&wrong, ActorError::WrongArgument { parameter, .. } if parameter == "by"), "{wrong}");
    let trap = handle.call_function("boom", vec![]).await.expect_err("a trap");
    assert!(matches!(trap, ActorError::Failed { .. }), "{trap}");
    assert_eq!(handle.call_function("increment", vec![Value::from(1u32)]).await, ok(1));

    let late = handle.clone();
    handle.shutdown().await.expect("it was alive");
    assert_eq!(late.call_function("get", vec![]).await, Err(ActorError::Ended));
    assert_eq!(late.shutdown().await, Err(ActorError::Ended));
    assert!(actor.join().await.expect("a good end"));
    // The genesis, two calls with their ends, the shutdown.
    assert_eq!(recorder.seal().await.expect("a seal").events, 6);
}
