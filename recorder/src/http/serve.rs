//! Owns the socket: HTTP/1.1 connections in, requests to the pool.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::body::FromConnection;
use super::pool::Pool;

/// How long accepting pauses after it failed. What the machine has run out of may come back.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`, or until an actor fails. Then it takes no new connection or request, and returns when
/// those in flight were answered or the pool's calls were given up.
pub async fn serve(listener: TcpListener, pool: Arc<Pool>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = stop.cancelled() => break,
            () = pool.failed() => break,
        };
        while connections.try_join_next().is_some() {}
        let Ok(stream) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        connections.spawn(connection(stream, pool.clone(), stop.clone()));
    }
    drop(listener);
    stop.cancel();
    let answered = async { while connections.join_next().await.is_some() {} };
    // A client that stops reading would keep its connection open for ever.
    tokio::select! {
        () = answered => return,
        () = pool.overdue() => {}
    }
    connections.shutdown().await;
}

/// The next connection. Responses are written as they come: a small one must not wait for the client to
/// acknowledge an earlier one.
async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Serves one connection. A client that only stops sending still gets its responses. It has gone when it
/// takes no more.
async fn connection(stream: TcpStream, pool: Arc<Pool>, stop: CancellationToken) {
    let broken = broken(&stream);
    let lost = CancellationToken::new();
    let has_asked = AtomicBool::new(false);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        let request = request.map(|body| FromConnection { body, lost: lost.clone() }.boxed_unsync());
        let pool = pool.clone();
        async move { Ok::<_, Infallible>(pool.answer(request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection, broken);
    // A fault of the connection concerns the client. The exchange is recorded either way.
    let ended = tokio::select! {
        _ = connection.as_mut() => true,
        () = &mut broken => true,
        () = stop.cancelled() => false,
    };
    // A client that has sent half of its first request gets no response.
    if !ended && has_asked.load(Ordering::Relaxed) {
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection.as_mut() => {}
            () = &mut broken => {}
        }
    }
    // Before the connection is dropped, and the bodies that it feeds with it.
    lost.cancel();
}

/// Completes when the connection is broken: the client refused what was sent, or is not there. Without this,
/// a server learns that only at its next write, which may come late.
fn broken(stream: &TcpStream) -> impl Future<Output = ()> + use<> {
    let watched = stream.as_fd().try_clone_to_owned();
    let watched = watched.and_then(|socket| TcpStream::from_std(socket.into()));
    async move {
        // If it cannot be watched, writing to it still fails.
        let Ok(watched) = watched else { return pending().await };
        let _ = watched.ready(Interest::ERROR).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_small_response_does_not_wait_for_an_acknowledgement() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (stream, client) = tokio::join!(accept(&listener), TcpStream::connect(address));
        assert!(client.is_ok() && stream.and_then(|stream| stream.nodelay()).expect("a connection"));
    }
}
