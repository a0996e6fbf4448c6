//! Answers far beyond what a usual call has are recorded whole, and replayed.

use std::sync::Arc;

use retake_actor::{FunctionName, StandIn, Tap, compile, instrument, link_stand_in, profile};
use retake_chain::{ChainEventPayload, Outcome, StateChain, TheaterId, Value};
use tokio::sync::mpsc;
use wasmtime::component::Linker;
use wasmtime::{Result, Store};

const BYTES: usize = 200 << 20;
const NUMBERS: usize = 4_000_000;

/// Asks for bytes and for numbers, into the same place, and answers with the length and the last element.
const GUEST: &str = r#"(component
    (import "retake:test/host" (instance $host
        (export "bytes" (func (result (list u8))))
        (export "numbers" (func (result (list u32))))))
    (core module $memory
        (memory (export "memory") 3300)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
    (core instance $memory (instantiate $memory))
    (core func $bytes (canon lower (func $host "bytes")
        (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
    (core func $numbers (canon lower (func $host "numbers")
        (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
    (core module $main
        (import "host" "memory" (memory 3300))
        (import "host" "bytes" (func $bytes (param i32)))
        (import "host" "numbers" (func $numbers (param i32)))
        (func (export "bytes") (result i32)
            (call $bytes (i32.const 0))
            (i32.add (i32.load (i32.const 4))
                (i32.load8_u (i32.add (i32.load (i32.const 0)) (i32.sub (i32.load (i32.const 4)) (i32.const 1))))))
        (func (export "numbers") (result i32)
            (call $numbers (i32.const 0))
            (i32.add (i32.load (i32.const 4))
                (i32.load (i32.add (i32.load (i32.const 0))
                    (i32.mul (i32.const 4) (i32.sub (i32.load (i32.const 4)) (i32.const 1))))))))
    (core instance $main (instantiate $main (with "host" (instance
        (export "memory" (memory $memory "memory"))
        (export "bytes" (func $bytes)) (export "numbers" (func $numbers))))))
    (func (export "bytes") (result u32) (canon lift (core func $main "bytes")))
    (func (export "numbers") (result u32) (canon lift (core func $main "numbers"))))"#;

/// What the export answered, and what the host did.
async fn recorded(export: &str) -> (u32, Value) {
    let engine = profile::engine(&profile::default_profile()).unwrap();
    let instrumented = instrument(&wat::parse_str(GUEST).unwrap()).unwrap();
    let component = compile(&engine, &instrumented.component).unwrap();
    let mut linker = Linker::new(&engine);
    let mut host = linker.instance("retake:test/host").unwrap();
    host.func_wrap("bytes", |_, (): ()| Ok((vec![7u8; BYTES],))).unwrap();
    host.func_wrap("numbers", |_, (): ()| Ok((vec![9u32; NUMBERS],))).unwrap();
    Tap::add_to_linker(&mut linker, &engine, &instrumented, &component, |tap: &mut Tap| tap).unwrap();
    let chain = Arc::new(StateChain::new(TheaterId::generate()));
    let (sender, mut events) = mpsc::channel(1);
    chain.add_subscriber(sender);
    let mut store = Store::new(&engine, Tap::new(chain));
    store.set_hostcall_fuel(profile::default_profile().hostcall_limit as usize);
    let instance = linker.instantiate_async(&mut store, &component).await.unwrap();
    let func = instance.get_typed_func::<(), (u32,)>(&mut store, export).unwrap();
    let answered = func.call_async(&mut store, ()).await.unwrap().0;
    let (_, event) = events.recv().await.unwrap();
    match event.payload().unwrap() {
        ChainEventPayload::HostFunction(call) => match call.output {
            Outcome::Returned(Some(value)) => (answered, value),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// Gives the same answer to every call.
struct Answer(Value);

impl StandIn for Answer {
    fn answer(&mut self, _: &FunctionName, input: Result<Vec<Value>>) -> Result<Option<Value>> {
        assert_eq!(input?, []);
        Ok(Some(self.0.clone()))
    }
}

fn replayed(export: &str, answer: Value) -> u32 {
    let engine = profile::engine(&profile::default_profile()).unwrap();
    let component = compile(&engine, &wat::parse_str(GUEST).unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    link_stand_in(&mut linker, &engine, &component, None, |answer: &mut Answer| answer).unwrap();
    let mut store = Store::new(&engine, Answer(answer));
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let func = instance.get_typed_func::<(), (u32,)>(&mut store, export).unwrap();
    func.call(&mut store, ()).unwrap().0
}

#[tokio::test]
async fn an_answer_of_200_mib_crosses() {
    let (answered, value) = recorded("bytes").await;
    assert_eq!(answered as usize, BYTES + 7);
    let Value::Bytes(bytes) = &value else { panic!("no bytes") };
    assert!(bytes.len() == BYTES && bytes.iter().all(|byte| *byte == 7));
    assert_eq!(replayed("bytes", value), answered);
}

#[tokio::test]
async fn an_answer_of_four_million_numbers_crosses() {
    let (answered, value) = recorded("numbers").await;
    assert_eq!(answered as usize, NUMBERS + 9);
    let Value::List(numbers) = &value else { panic!("no list") };
    assert!(numbers.len() == NUMBERS && numbers.iter().all(|number| *number == Value::from(9u32)));
    assert_eq!(replayed("numbers", value), answered);
}
