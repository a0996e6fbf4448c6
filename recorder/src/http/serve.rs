//! Owns the socket: HTTP/1.1 connections in, requests to the pool.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::pool::Pool;

/// How long accepting pauses after it failed: what the machine has run out of may come back.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`, or until an actor fails; then takes no new connection or request and returns when those in flight
/// have been answered, or the pool's calls are given up.
pub async fn serve(listener: TcpListener, pool: Arc<Pool>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
            () = pool.failed() => break,
        };
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        connections.spawn(connection(TokioIo::new(stream), pool.clone(), stop.clone()));
    }
    drop(listener);
    stop.cancel();
    let answered = async { while connections.join_next().await.is_some() {} };
    // A client that reads no further would keep its connection open for ever.
    tokio::select! {
        () = answered => return,
        () = pool.overdue() => {}
    }
    connections.shutdown().await;
}

async fn connection(io: TokioIo<tokio::net::TcpStream>, pool: Arc<Pool>, stop: CancellationToken) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        let pool = pool.clone();
        async move { Ok::<_, Infallible>(pool.answer(request).await) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service);
    tokio::pin!(connection);
    // What goes wrong on a connection is the client's business; the exchange is recorded either way.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
