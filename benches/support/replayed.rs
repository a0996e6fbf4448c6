//! Owns the replayed side: takes made in memory, and the cost per call of replaying them with
//! [`retake_replayer::replay`].
//!
//! A replay loads and compiles the actor first. Two takes of different lengths are replayed, and the
//! difference is what the calls cost.

use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use retake_actor::profile;
use retake_chain::log::{FORMAT_VERSION, LogWriter};
use retake_chain::{
    ActorSource, ChainEventData, InstanceMode, Outcome, SessionKind, SessionStart, StateChain, TheaterId,
    Value, WasmEventData,
};
use retake_recorder::{Durability, Recorder};
use retake_replayer::{ActorBytes, replay};
use retake_verifier::Verdict;

use super::caller::{Call, Caller};
use super::exchange;
use super::memory::InMemory;

/// A long take and a short one of the same kind.
pub struct Replayed {
    actor: Vec<u8>,
    long: Vec<u8>,
    short: Vec<u8>,
    /// Calls that the long one has more.
    more: u64,
}

impl Replayed {
    pub fn call(call: Call) -> Replayed {
        let calls = match call {
            Call::Now | Call::Drop => 50_000,
            Call::Write | Call::Read => 400,
        };
        Replayed {
            actor: call.guest().bytes,
            long: take_of(call, calls),
            short: take_of(call, 1),
            more: calls - 1,
        }
    }

    pub fn exchange() -> Replayed {
        let exchanges = 1000;
        Replayed {
            actor: exchange::actor().bytes,
            long: exchange::take_of(exchanges),
            short: exchange::take_of(1),
            more: exchanges - 1,
        }
    }

    /// The long take.
    pub fn take(&self) -> &[u8] {
        &self.long
    }

    /// What so many calls cost to replay.
    pub fn time(&self, calls: u64) -> Duration {
        let (short, long) = (self.replay(&self.short), self.replay(&self.long));
        long.saturating_sub(short).mul_f64(calls as f64 / self.more as f64)
    }

    fn replay(&self, take: &[u8]) -> Duration {
        let begin = Instant::now();
        let report =
            replay(Cursor::new(take), ActorBytes::Given(self.actor.clone())).expect("the take replays");
        let took = begin.elapsed();
        assert!(matches!(report.verdict, Verdict::Identical), "{:?}", report.verdict);
        took
    }
}

/// A take of one run of the guest.
fn take_of(call: Call, calls: u64) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let chain = Arc::new(StateChain::new(TheaterId::generate()));
    let memory = InMemory::default();
    let recorder = Recorder::start(
        LogWriter::create(memory.clone()).expect("memory takes everything"),
        Durability::Call,
    )
    .expect("a recorder");
    runtime.block_on(recorder.subscribe(&chain)).expect("the recorder takes a chain");
    let append = |runtime: &tokio::runtime::Runtime, event| {
        runtime.block_on(chain.add_typed_event(event)).expect("the chain takes the event");
    };

    append(&runtime, ChainEventData::session(genesis(call, chain.actor_id())));
    let function_name = "wasi:cli/run@0.2.3/run".to_string();
    let began = WasmEventData::WasmCall { function_name: function_name.clone(), params: Vec::new() };
    append(&runtime, ChainEventData::wasm(began));
    let mut caller = Caller::recorded_by(call, runtime, chain.clone());
    caller.time(calls);
    let response = Outcome::Returned(Some(Value::from("ok")));
    let ended = WasmEventData::WasmResult { function_name, state: None, response };
    append(caller.runtime(), ChainEventData::wasm(ended));
    append(caller.runtime(), ChainEventData::shutdown());
    caller.runtime().block_on(recorder.seal()).expect("the take is sealed");
    memory.take()
}

fn genesis(call: Call, actor_id: TheaterId) -> SessionStart {
    let actor = call.guest();
    SessionStart {
        format: FORMAT_VERSION,
        actor_id,
        actor: ActorSource {
            digest: actor.digest,
            size: actor.bytes.len() as u64,
            path: "guest.wasm".into(),
        },
        kind: SessionKind::Command,
        profile: profile::default_profile(),
        arguments: Vec::new(),
        env_names: Vec::new(),
        preopens: Vec::new(),
        allow_net: false,
        instance_mode: InstanceMode::PerCall,
        started_at_unix_ms: 0,
    }
}
