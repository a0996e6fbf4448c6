//! Owns the model endpoint: a chat completions server on loopback that gives scripted answers and keeps what
//! it was asked.

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::json;

use super::http::Request;

/// A running endpoint; it stops when dropped.
pub struct Model {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl Model {
    /// An endpoint that gives these answers in turn, and 503 after the last.
    pub fn answering(answers: &[&str]) -> Model {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (requests, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let server = Server {
            answers: answers.iter().map(|answer| answer.to_string()).collect(),
            requests: requests.clone(),
            stop: stop.clone(),
        };
        let server = thread::spawn(move || server.run(&listener));
        Model { address, requests, stop, server: Some(server) }
    }

    /// As an agent wants it in its environment.
    pub fn url(&self) -> String {
        format!("http://{}/v1/chat/completions", self.address)
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("the server does not panic").clone()
    }

    /// Stops it: when this returns, nobody listens any more.
    pub fn stop(mut self) -> Vec<Request> {
        self.end();
        self.requests()
    }

    fn end(&mut self) {
        let Some(server) = self.server.take() else { return };
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the server, should it wait for a connection.
        let _ = TcpStream::connect(self.address);
        let _ = server.join();
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.end();
    }
}

struct Server {
    answers: VecDeque<String>,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    fn run(mut self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            // A client that goes away is missed by the test that counts the requests.
            let _ = stream.and_then(|stream| self.answer(stream));
        }
    }

    fn answer(&mut self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let Some(request) = Request::read(&mut stream)? else { return Ok(()) };
        self.requests.lock().expect("nobody panics with it").push(request);
        let (status, body) = match self.answers.pop_front() {
            Some(answer) => ("200 OK", json!({ "choices": [{ "message": { "content": answer } }] })),
            None => ("503 Service Unavailable", json!({ "error": "no answers are left" })),
        };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat())
    }
}
