//! Record served requests in somebody else's host of wasmtime-wasi-http, and replay them without it.
//!
//! `cargo run --example embed-http` serves an actor on a loopback port, records one request to it, and
//! replays the recording.

use std::error::Error;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;

use retake_recorder::http::{Pool, serve};
use retake_recorder::{
    Actor, ActorContext, CancellationToken, Durability, HasActor, LogWriter, Program, Recorder,
    SessionOptions,
};
use retake_replayer::{ActorBytes, ReplayReport, replay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The host's data. What Retake adds is the first field...
struct Host {
    actor: ActorContext,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
}

/// ...and where it is.
impl HasActor for Host {
    fn actor(&mut self) -> &mut ActorContext {
        &mut self.actor
    }
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

/// A server in C, built for `wasi:http/proxy`.
const ACTOR: &[u8] = include_bytes!("../../fixtures/actors/http-c.wasm");

/// Serves the actor on a loopback port, sends it one request, and returns the response.
async fn record(take: File) -> Result<String, Box<dyn Error>> {
    let program = Program::load(
        Actor::new(ACTOR)?,
        SessionOptions::default(),
        |linker| {
            wasmtime_wasi::p2::add_to_linker_async(linker)?;
            wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
        },
        |_, actor| {
            let wasi = WasiCtx::builder().env("LANG", "C").build();
            Ok(Host { actor, wasi, http: WasiHttpCtx::new(), table: ResourceTable::new() })
        },
    )?;
    let recorder = Recorder::start(LogWriter::create(take)?, Durability::Call)?;
    let report_failure = |failed| eprintln!("{failed:?}");
    let pool = Pool::start(&program, &recorder, 1, CancellationToken::new(), report_failure).await?;

    let pool = Arc::new(pool);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, pool.clone(), stop.clone()));
    let response = get(address, "/").await;
    stop.cancel();
    server.await?;

    if let Some(pool) = Arc::into_inner(pool) {
        pool.close().await?;
    }
    recorder.seal().await?;
    Ok(response?)
}

/// A client: one request on a connection of its own.
async fn get(server: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(server).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    connection.read_to_string(&mut response).await?;
    Ok(response)
}

/// Replays a take. Neither the host nor its linker is there, so none of its functions can run.
fn check(take: File) -> Result<ReplayReport, Box<dyn Error>> {
    Ok(replay(take, ActorBytes::Given(ACTOR.to_vec()))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("served.take");
    let runtime = tokio::runtime::Runtime::new()?;
    let response = runtime.block_on(record(File::create_new(&path)?))?;
    println!("recorded: {}", response.lines().next().unwrap_or_default());

    let report = check(File::open(&path)?)?;
    println!("replayed: {:?}, {} events checked", report.verdict, report.events);
    Ok(())
}

#[cfg(test)]
mod tests {
    use retake_replayer::Verdict;

    use super::*;

    #[test]
    fn a_request_that_an_embedder_serves_is_recorded_and_replayed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("served.take");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let file = File::create_new(&path).expect("a new file");
        let response = runtime.block_on(record(file)).expect("a recording");
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");

        let report = check(File::open(&path).expect("the take")).expect("a replay");
        assert_eq!((report.verdict, report.calls), (Verdict::Identical, 1));
    }
}
