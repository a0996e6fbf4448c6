//! Owns one whole HTTP exchange, `GET /` to the C fixture: straight on wasmtime-wasi-http, and through the
//! recorder's pool with a take in a file.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use retake_actor::{Actor, Limits, compile, profile};
use retake_chain::EngineProfile;
use retake_chain::log::{LogWriter, Storage};
use retake_recorder::http::Pool;
use retake_recorder::{Durability, Host as LiveHost, Permissions, Recorder, SessionOptions};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wasmtime::Engine;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{Error as HttpError, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::memory::InMemory;

/// The fixture that answers.
pub fn actor() -> Actor {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/actors/http-c.wasm");
    Actor::new(&std::fs::read(path).expect("the fixture is there")).expect("the fixture is a component")
}

fn request() -> Request<Bytes> {
    Request::get("http://retake.test/").body(Bytes::new()).expect("a plain request")
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

struct Host {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    limits: Limits,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: Default::default(), table: &mut self.table, ctx: &mut self.http }
    }
}

/// The fixture on an ordinary linker, a fresh instance for each exchange.
pub struct DirectExchanges {
    runtime: Runtime,
    engine: Engine,
    profile: EngineProfile,
    proxy: ProxyPre<Host>,
}

impl DirectExchanges {
    pub fn new() -> Self {
        let profile = profile::default_profile();
        let engine = profile::engine(&profile).expect("an engine");
        let component = compile(&engine, &actor().bytes).expect("the fixture compiles");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI links");
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).expect("wasi:http links");
        let proxy = linker.instantiate_pre(&component).and_then(ProxyPre::new).expect("the fixture links");
        DirectExchanges { runtime: runtime(), engine, profile, proxy }
    }

    pub fn time(&self, exchanges: u64) -> Duration {
        self.runtime.block_on(async {
            let begin = Instant::now();
            for _ in 0..exchanges {
                self.exchange().await.expect("the actor answers");
            }
            begin.elapsed()
        })
    }

    async fn exchange(&self) -> wasmtime::Result<()> {
        let host = Host {
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            limits: profile::limits(&self.profile),
        };
        let mut store = profile::store(&self.engine, &self.profile, host, |host: &mut Host| &mut host.limits);
        let (sender, response) = oneshot::channel();
        let mut http = store.data_mut().http();
        let body = |bytes| Full::new(bytes).map_err(|never: Infallible| -> HttpError { match never {} });
        let request = http.new_incoming_request(Scheme::Http, request().map(body))?;
        let outparam = http.new_response_outparam(sender)?;
        let client = tokio::spawn(async move {
            let response = response.await.expect("the actor sets a response").expect("it is no error");
            response.into_body().collect().await.expect("the body is whole").to_bytes()
        });
        let proxy = self.proxy.instantiate_async(&mut store).await?;
        proxy.wasi_http_incoming_handler().call_handle(&mut store, request, outparam).await?;
        drop(store);
        assert!(!client.await.expect("the client does not panic").is_empty());
        Ok(())
    }
}

/// The fixture in a session of the recorder.
pub struct RecordedExchanges {
    runtime: Runtime,
    pool: Pool,
}

impl RecordedExchanges {
    /// Records into a temporary file.
    pub fn start() -> Self {
        let file = tempfile::tempfile().expect("a temporary file");
        RecordedExchanges::recording_to(file).0
    }

    fn recording_to(storage: impl Storage + Send + 'static) -> (Self, Recorder) {
        let runtime = runtime();
        let program = LiveHost::program(actor(), SessionOptions::default(), Permissions::default());
        let program = program.expect("the fixture can be recorded");
        let writer = LogWriter::create(storage).expect("the storage takes a header");
        let recorder = Recorder::start(writer, Durability::Call).expect("a recorder");
        let cancel = CancellationToken::new();
        let pool = runtime.block_on(Pool::start(&program, &recorder, 1, cancel, |_| {})).expect("an actor");
        (RecordedExchanges { runtime, pool }, recorder)
    }

    pub fn time(&self, exchanges: u64) -> Duration {
        self.runtime.block_on(async {
            let begin = Instant::now();
            for _ in 0..exchanges {
                let response = self.pool.request(request()).await;
                let body = response.into_body().collect().await.expect("the body is whole");
                assert!(!body.to_bytes().is_empty());
            }
            begin.elapsed()
        })
    }
}

/// A take of so many exchanges.
pub fn take_of(exchanges: u64) -> Vec<u8> {
    let memory = InMemory::default();
    let (recorded, recorder) = RecordedExchanges::recording_to(memory.clone());
    recorded.time(exchanges);
    let RecordedExchanges { runtime, pool } = recorded;
    runtime.block_on(async {
        pool.close().await.expect("the actor ends");
        recorder.seal().await.expect("the take is sealed");
    });
    memory.take()
}
