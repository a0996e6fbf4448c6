//! All of wasi:http: what comes in and what goes out, with trailers, bodies that are streamed both ways at
//! once, timeouts and errors. The other areas of WASI are in `wasi.rs`.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::{Peer, Sandbox, actor, wasi_functions};

const TRAILERS: &str = "POST /trailers HTTP/1.1\r\nhost: retake.test\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\
    connection: close\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 4\r\n\r\n";

/// Asks for a route on a connection of its own.
fn asked(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn every_function_of_wasi_http_is_recorded_and_is_replayed_without_a_host() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("wasi-http.wasm"), &["--allow-net"], "it.take");
    let get = |path: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: retake.test\r\nx-given: 1\r\nconnection: close\r\n\r\n");
        asked(served.address, &request)
    };
    // Each row: the path that the guest asks the peer for, and what it makes of the answer.
    let peers = [
        ("echo", r#"status 201, content-type true, 65536 bytes, trailers Some([("x-sum", [53])])"#),
        ("broken", "status 201, then None (hyper error: "),
        ("stalls", "status 201, then None (connection read timeout)"),
        ("never", "failed: ErrorCode::ConnectionReadTimeout"),
    ];

    let about = get("/about?q=1");
    let fields = get("/fields");
    let refused = get("/refused");
    let trailers = asked(served.address, TRAILERS);
    for (path, said) in peers {
        let peer = Peer::start();
        let answer = get(&format!("/ask/{}/{path}", peer.address));
        assert!(answer.contains(said), "{path}: {answer}");
        peer.join();
    }
    let gone = get(&format!("/ask/{}/echo", Peer::gone()));
    served.stop();

    assert!(
        about.contains(r#"Method::Get Some(Scheme::Http) Some("retake.test") Some("/about?q=1") true"#),
        "{about}"
    );
    assert!(fields.contains("Err(HeaderError::Forbidden) Err(HeaderError::InvalidSyntax)"), "{fields}");
    assert!(refused.starts_with("HTTP/1.1 500 "), "{refused}");
    assert!(trailers.ends_with("4\r\nbody\r\n0\r\nx-sum: 4\r\n\r\n"), "{trailers}");
    assert!(gone.contains("failed: ErrorCode::ConnectionRefused"), "{gone}");
    let called = sandbox.take("it.take").functions();
    let of_http = wasi_functions().into_iter().filter(|name| name.starts_with("wasi:http/"));
    let missed: BTreeSet<_> = of_http.filter(|name| !called.contains(name)).collect();
    assert!(missed.is_empty(), "the guest does not call {missed:?}");
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_request_that_the_host_denies_is_denied_again_by_the_replay() {
    let sandbox = Sandbox::new();
    let request = format!("GET /ask/{}/echo", Peer::gone());
    let recorded = sandbox.record_requests(&actor("wasi-http.wasm"), &[&request], "it.take");

    recorded.says(&["203 "]);
    sandbox.retake(["inspect", "it.take"]).expect(0).says(&["HTTP-request-denied"]);
    sandbox.assert_intact_and_identical("it.take");
}
