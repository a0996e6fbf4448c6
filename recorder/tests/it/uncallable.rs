//! A call that cannot be carried to its caller is refused before it is made, whoever asks for it, and leaves
//! nothing in the take.

use retake_chain::SessionKind;
use retake_recorder::{
    Actor, ActorError, CancellationToken, Durability, Host, Invocation, LogWriter, Permissions, Recorder,
    SessionOptions, Value, invoke,
};

/// Exports a constructor of a resource of its own.
const CELLS: &str = r#"(component
    (type $c (resource (rep i32)))
    (core func $new (canon resource.new $c))
    (core module $m
        (import "c" "new" (func $new (param i32) (result i32)))
        (func (export "make") (param i32) (result i32) (call $new (local.get 0))))
    (core instance $m (instantiate $m (with "c" (instance (export "new" (func $new))))))
    (func $make (param "n" u32) (result (own $c)) (canon lift (core func $m "make")))
    (component $names
        (import "c" (type $c (sub resource)))
        (import "make" (func $make (param "n" u32) (result (own $c))))
        (export $e "cell" (type $c))
        (export "[constructor]cell" (func $make) (func (param "n" u32) (result (own $e)))))
    (instance $cells (instantiate $names (with "c" (type $c)) (with "make" (func $make))))
    (export "acme:cells/api@1.0.0" (instance $cells)))"#;

#[tokio::test]
async fn a_constructor_is_refused_before_it_is_called() {
    let actor = Actor::new(CELLS.as_bytes()).expect("a component");
    let options = SessionOptions { kind: Some(SessionKind::Invoke), ..SessionOptions::default() };
    let program = Host::program(actor, options, Permissions::default()).expect("it can be recorded");
    let writer = LogWriter::create(Vec::new()).expect("room for a take");
    let recorder = Recorder::start(writer, Durability::Call).expect("a thread");
    let function = "acme:cells/api@1.0.0/[constructor]cell".to_string();
    let calls = [Invocation { actor: 0, function, params: vec![Value::from(3u32)] }];
    let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());

    let mut answers = Vec::new();
    let recorded = invoke::record(&program, &recorder, 1, (&stop, &cancel), &calls, |_, answer| {
        answers.push(answer);
    });
    recorded.await.expect("the session ends well");

    assert!(matches!(&answers[..], [Err(ActorError::NotCallable(_))]), "{answers:?}");
    let sealed = recorder.seal().await.expect("a seal");
    assert_eq!(sealed.events, 2, "the session and its end");
}
