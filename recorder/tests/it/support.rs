//! What the recorder's tests share: chains with events, and takes as they are read back.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use retake_chain::log::{LogReader, Record, TakeState};
use retake_chain::{ChainEventData, StateChain, TheaterId, Value, WASM_ERROR, WASM_RESULT, WasmEventData};
use retake_recorder::{RecordError, Recorder};

/// A chain that the recorder has subscribed to.
pub async fn chain(recorder: &Recorder) -> Result<Arc<StateChain>, RecordError> {
    let chain = Arc::new(StateChain::new(TheaterId::generate()));
    recorder.subscribe(&chain).await?;
    Ok(chain)
}

/// Appends an event with these bytes in it.
pub async fn emit(chain: &StateChain, bytes: Vec<u8>) {
    let params = vec![Value::from(bytes)];
    let call = WasmEventData::WasmCall { function_name: "answer".into(), params };
    chain.add_typed_event(ChainEventData::wasm(call)).await.expect("a small event");
}

/// What is to happen soon; a test that waits for it in vain fails.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

/// What is readable of a file.
#[derive(Debug)]
pub struct Found {
    pub state: TakeState,
    pub events: usize,
    /// Export calls that have ended.
    pub whole_calls: usize,
}

impl Found {
    pub fn read(file: &[u8]) -> Found {
        let mut found = Found { state: TakeState::Unsealed, events: 0, whole_calls: 0 };
        if file.is_empty() {
            return found;
        }
        let mut reader = LogReader::open(file).expect("a take");
        while let Some(record) = reader.next_record().expect("a take that is not damaged") {
            let Record::Event { event, .. } = record else { continue };
            assert_eq!(event.hash, event.recompute_hash());
            found.events += 1;
            found.whole_calls += usize::from(matches!(&*event.event_type, WASM_RESULT | WASM_ERROR));
        }
        found.state = reader.state();
        found
    }
}

/// Bytes that do not compress.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d ^ seed;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
