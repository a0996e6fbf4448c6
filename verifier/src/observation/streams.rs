//! Owns what the calls to the streams of `wasi:io` do to the bodies of an exchange.

use retake_chain::{HostFunctionCall, Value};

use super::exchange::{Current, Exchange, OutgoingBody};
use super::value::{ENTRY, HostResult, answer, handle};

/// A host refuses more zeros in one call.
const MAX_ZEROS: u64 = 1 << 20;

impl Exchange {
    /// Takes a call that reads, writes or drops a stream.
    pub fn stream_call(&mut self, call: &HostFunctionCall, budget: &mut usize) {
        let first = handle(call.input.first());
        match &*call.function {
            "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
                let Some(current) = self.of_stream(first) else { return };
                match answer(call) {
                    HostResult::Ok(Some(Value::Bytes(bytes))) => current.read.add(bytes),
                    HostResult::Err(Some(Value::String(case))) if case == "closed" => {
                        current.read_to_end = true
                    }
                    HostResult::Ok(_) | HostResult::Err(_) | HostResult::None => current.read.inexact = true,
                }
            }
            "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => {
                if let Some(current) = self.of_stream(first) {
                    current.read.inexact = true;
                }
            }
            "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
                let Some(body) = self.written_by(first) else { return };
                match (answer(call), call.input.get(1)) {
                    (HostResult::Ok(_), Some(Value::Bytes(bytes))) => body.content.add(bytes),
                    _ => body.content.inexact = true,
                }
            }
            "[method]output-stream.write-zeroes"
            | "[method]output-stream.blocking-write-zeroes-and-flush" => {
                let Some(body) = self.written_by(first) else { return };
                match (answer(call), call.input.get(1)) {
                    (HostResult::Ok(_), Some(Value::Unsigned(count))) if *count <= MAX_ZEROS => {
                        body.content.add(&vec![0; *count as usize]);
                    }
                    _ => body.content.inexact = true,
                }
            }
            "[method]output-stream.splice" | "[method]output-stream.blocking-splice" => {
                if let Some(body) = self.written_by(first) {
                    body.content.inexact = true;
                }
                if let Some(current) = self.of_stream(handle(call.input.get(1))) {
                    current.read.inexact = true;
                }
            }
            "[resource-drop]output-stream"
                if first.is_some_and(|first| self.streams.remove(&first).is_some()) =>
            {
                self.refund(ENTRY, budget);
            }
            _ => {}
        }
    }

    /// The current exchange, if the stream is its request's.
    fn of_stream(&mut self, stream: Option<u32>) -> Option<&mut Current> {
        self.current.as_mut().filter(|current| stream.is_some() && current.stream == stream)
    }

    /// The body of a response that the stream writes to.
    fn written_by(&mut self, stream: Option<u32>) -> Option<&mut OutgoingBody> {
        self.bodies.get_mut(self.streams.get(&stream?)?)
    }
}
