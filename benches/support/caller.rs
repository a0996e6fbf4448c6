//! Owns a guest that makes one host call over and over, on a linker with as much of the recording boundary in
//! it as is asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use retake_actor::{
    Actor, Exports, FunctionName, Instrumented, Limits, StandIn, Tap, abi, compile, instrument,
    link_stand_in, profile,
};
use retake_chain::log::LogWriter;
use retake_chain::{StateChain, TheaterId, Value};
use retake_recorder::{Durability, Recorder};
use tokio::runtime::Runtime;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, Resource, ResourceTable, ResourceType, TypedFunc};
use wasmtime::{Engine, Result, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::memory::Nowhere;

const HOST: &str = "retake:bench/host";
const CLOCK: &str = "wasi:clocks/monotonic-clock@0.2.3";
const TAP: &str = "retake:boundary/tap";
const KIB_64: usize = 64 << 10;

/// The host calls that are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `wasi:clocks/monotonic-clock.now`, as wasmtime-wasi provides it.
    Now,
    /// `write: func(bytes: list<u8>) -> result`.
    Write,
    /// `read: func(len: u64) -> list<u8>`.
    Read,
    /// `make: func() -> own<cell>`, and the drop of the handle.
    Drop,
}

/// How much of the boundary a call goes through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The original component on an ordinary linker.
    Direct,
    /// As `Direct`, with a host function that does nothing.
    Empty,
    /// The instrumented component, with a tap that drops what it lifted.
    Tap,
    /// With the tap and a chain that nobody listens to: events are encoded and hashed.
    Chain,
    /// With a recorder on the chain, which writes to nowhere.
    Recorded,
    /// The original component on the replay's linker, with answers that cost nothing and are not checked.
    StandIn,
}

impl Call {
    pub const ALL: [Call; 4] = [Call::Now, Call::Write, Call::Read, Call::Drop];
    /// Those whose parts are measured too.
    pub const TAKEN_APART: [Call; 3] = [Call::Now, Call::Write, Call::Read];

    pub fn group(self) -> &'static str {
        match self {
            Call::Now => "now()",
            Call::Write => "write 64 KiB",
            Call::Read => "read 64 KiB",
            Call::Drop => "make and drop",
        }
    }

    /// Calls in a batch: about a millisecond.
    pub fn batch(self) -> u64 {
        match self {
            Call::Now | Call::Drop => 1000,
            Call::Write | Call::Read => 8,
        }
    }

    pub fn guest(self) -> Actor {
        let text = match self {
            Call::Now => include_str!("../guests/now.wat"),
            Call::Write => include_str!("../guests/write.wat"),
            Call::Read => include_str!("../guests/read.wat"),
            Call::Drop => include_str!("../guests/drop.wat"),
        };
        Actor::new(text.as_bytes()).expect("the guest is component text")
    }
}

/// The host's resource, which is nothing but its handle.
struct Cell;

/// The data of a store.
struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
    limits: Limits,
    tap: Tap,
    count: u32,
    payload: Bytes,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl StandIn for Host {
    fn answer(&mut self, call: &FunctionName, input: Result<Vec<Value>>) -> Result<Option<Value>> {
        std::hint::black_box(input?);
        Ok(Some(match &*call.function {
            "[resource-drop]cell" => return Ok(None),
            "make" => Value::Handle(1),
            "count" => Value::from(self.count),
            "now" => Value::from(1_000_000_000_000u64),
            "read" => Value::Bytes(self.payload.clone()),
            _ => Value::from("ok"),
        }))
    }
}

/// An instance of a guest.
pub struct Caller {
    runtime: Runtime,
    store: Store<Host>,
    run: TypedFunc<(), (Result<(), ()>,)>,
    _recorder: Option<Recorder>,
}

impl Caller {
    pub fn new(call: Call, stage: Stage) -> Caller {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let chain = Arc::new(StateChain::new(TheaterId::generate()));
        let recorder = (stage == Stage::Recorded).then(|| {
            let recorder = Recorder::start(
                LogWriter::create(Nowhere).expect("nowhere takes everything"),
                Durability::Call,
            )
            .expect("a recorder");
            runtime.block_on(recorder.subscribe(&chain)).expect("the recorder takes a chain");
            recorder
        });
        Caller::with(call, stage, runtime, chain, recorder)
    }

    /// A caller whose chain somebody else listens to.
    pub fn recorded_by(call: Call, runtime: Runtime, chain: Arc<StateChain>) -> Caller {
        Caller::with(call, Stage::Chain, runtime, chain, None)
    }

    fn with(
        call: Call,
        stage: Stage,
        runtime: Runtime,
        chain: Arc<StateChain>,
        recorder: Option<Recorder>,
    ) -> Caller {
        let profile = profile::default_profile();
        let engine = profile::engine(&profile).expect("an engine");
        let host = Host {
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
            limits: profile::limits(&profile),
            tap: Tap::new(chain.clone()),
            count: 0,
            payload: letters(KIB_64).into(),
        };
        let mut store = profile::store(&engine, &profile, host, |host: &mut Host| &mut host.limits);
        let (component, linker) = link(call, stage, &engine).expect("the guest links");
        let exports = Exports::of(&engine, &component);
        let entry = exports.entry().expect("the guest is a command");
        let run = runtime.block_on(async {
            let instance = linker.instantiate_async(&mut store, &component).await?;
            instance.get_typed_func(&mut store, entry.index())
        });
        let run = run.expect("the guest runs");
        Caller { runtime, store, run, _recorder: recorder }
    }

    /// Lets the guest make so many calls.
    pub fn time(&mut self, calls: u64) -> Duration {
        self.store.data_mut().count = u32::try_from(calls).expect("a batch is small");
        let (store, run) = (&mut self.store, &self.run);
        self.runtime.block_on(async {
            let begin = Instant::now();
            let ended = run.call_async(store, ()).await.expect("the guest returns");
            assert!(ended.0.is_ok());
            begin.elapsed()
        })
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

fn link(call: Call, stage: Stage, engine: &Engine) -> Result<(Component, Linker<Host>)> {
    let actor = call.guest();
    let mut linker = Linker::new(engine);
    if stage == Stage::StandIn {
        let component = compile(engine, &actor.bytes)?;
        link_stand_in(&mut linker, engine, &component, None, |host: &mut Host| host)?;
        return Ok((component, linker));
    }
    provide(&mut linker, stage == Stage::Empty)?;
    if matches!(stage, Stage::Direct | Stage::Empty) {
        return Ok((compile(engine, &actor.bytes)?, linker));
    }
    let instrumented = instrument(&actor.bytes)?;
    let component = compile(engine, &instrumented.component)?;
    if stage == Stage::Tap {
        dropping_tap(&mut linker, engine, &instrumented, &component)?;
    } else {
        Tap::add_to_linker(&mut linker, engine, &instrumented, &component, |host: &mut Host| &mut host.tap)?;
    }
    Ok((component, linker))
}

/// The real host.
fn provide(linker: &mut Linker<Host>, empty: bool) -> Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    if empty {
        linker.allow_shadowing(true);
        linker.instance(CLOCK)?.func_wrap("now", |_, (): ()| Ok((1_000_000_000_000u64,)))?;
    }
    let mut host = linker.instance(HOST)?;
    host.func_wrap("count", |store, (): ()| Ok((store.data().count,)))?;
    host.func_wrap("write", |_, (bytes,): (Vec<u8>,)| {
        std::hint::black_box(bytes);
        Ok((Ok::<(), ()>(()),))
    })?;
    host.resource("cell", ResourceType::host::<Cell>(), |_, _| Ok(()))?;
    host.func_wrap("make", |_, (): ()| Ok((Resource::<Cell>::new_own(1),)))?;
    host.func_wrap("read", |store, (len,): (u64,)| {
        let payload = &store.data().payload;
        Ok((payload[..payload.len().min(len as usize)].to_vec(),))
    })
}

/// A tap that lifts what it is told, as the real one does, and forgets it.
fn dropping_tap(
    linker: &mut Linker<Host>,
    engine: &Engine,
    instrumented: &Instrumented,
    component: &Component,
) -> Result<()> {
    let ty = component.component_type();
    let Some(ComponentItem::ComponentInstance(tap)) = ty.get_import(engine, TAP).map(|import| import.ty)
    else {
        panic!("the instrumented component imports no `{TAP}`");
    };
    let mut linker = linker.instance(TAP)?;
    for index in 0..instrumented.functions.len() {
        for half in [format!("a{index}"), format!("r{index}")] {
            let Some(ComponentItem::ComponentFunc(ty)) =
                tap.get_export(engine, &half).map(|export| export.ty)
            else {
                panic!("the tap has no function `{half}`");
            };
            if half.starts_with('a') {
                abi::define(&mut linker, &half, &ty, |_, arguments| {
                    std::hint::black_box(arguments?);
                    Ok(None)
                })?;
            } else {
                abi::define_async(&mut linker, &half, &ty, |_, result| {
                    Box::new(async move {
                        std::hint::black_box(result?);
                        Ok(abi::Done::default())
                    })
                })?;
            }
        }
    }
    Ok(())
}

/// Letters and digits that repeat nothing.
fn letters(len: usize) -> Vec<u8> {
    let mut state = 2_463_534_242u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        48 + (state >> 26) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
