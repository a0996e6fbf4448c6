//! Owns what the calls to `wasi:http` and `wasi:io` do to an exchange.

use retake_chain::{HostFunctionCall, Outcome, Value};

use super::exchange::{Answered, BuiltResponse, Exchange, Fields, OutgoingBody};
use super::value::{ENTRY, HostResult, answer, handle, method, path, plain};

/// Calls to these interfaces change an exchange. The patch version is left out.
const HTTP: &str = "wasi:http/types@0.2.";
const STREAMS: &str = "wasi:io/streams@0.2.";

/// Whether host calls of this event type can change an exchange.
pub(crate) fn looks_into(event_type: &str) -> bool {
    event_type.starts_with(HTTP) || event_type.starts_with(STREAMS)
}

impl Exchange {
    /// Takes the next host call of the instance.
    pub fn host_call(&mut self, call: &HostFunctionCall, budget: &mut usize) {
        if self.over_budget {
            return;
        }
        if call.interface.starts_with(HTTP) {
            // Each of these takes the calls to its own resources.
            self.fields_call(call, budget);
            self.request_call(call, budget);
            self.response_call(call, budget);
        } else if call.interface.starts_with(STREAMS) {
            self.stream_call(call, budget);
        }
    }

    /// Takes a call to a request or to its body.
    fn request_call(&mut self, call: &HostFunctionCall, budget: &mut usize) {
        let first = handle(call.input.first());
        match &*call.function {
            "[method]incoming-request.method" => {
                if let (Some(current), Some(method)) = (self.of_request(first), plain(call).and_then(method))
                {
                    current.method = Some(method);
                }
            }
            "[method]incoming-request.path-with-query" => {
                if let (Some(current), Some(path)) = (self.of_request(first), plain(call).and_then(path)) {
                    current.path = Some(path);
                }
            }
            "[method]incoming-request.headers" => {
                if let (Some(request), Some(made)) = (first, handle(plain(call))) {
                    self.fields.insert(made, Fields::OfRequest(request));
                    self.charge(ENTRY, budget);
                }
            }
            "[method]incoming-request.consume" => {
                if let (Some(current), HostResult::Ok(made)) = (self.of_request(first), answer(call)) {
                    current.body = handle(made);
                }
            }
            "[method]incoming-body.stream" => {
                if let (Some(current), HostResult::Ok(made)) = (&mut self.current, answer(call))
                    && current.body.is_some()
                    && current.body == first
                {
                    current.stream = handle(made);
                }
            }
            _ => {}
        }
    }

    /// Takes a call to a response, to its body or to the outparam.
    fn response_call(&mut self, call: &HostFunctionCall, budget: &mut usize) {
        let first = handle(call.input.first());
        match &*call.function {
            "[constructor]outgoing-response" => {
                let headers = self.headers_of(first);
                if let Some(made) = handle(plain(call)) {
                    self.responses.insert(made, BuiltResponse { status: 200, headers, body: None });
                    // The fields' share goes over to the response.
                    if let Some(first) = first {
                        self.fields.remove(&first);
                    }
                    self.charge(ENTRY, budget);
                }
            }
            "[method]outgoing-response.set-status-code" => {
                if let (Some(response), HostResult::Ok(_)) = (self.response(first), answer(call))
                    && let Some(Value::Unsigned(status)) = call.input.get(1)
                {
                    response.status = *status;
                }
            }
            "[method]outgoing-response.headers" => {
                let known = self.response(first).and_then(|response| response.headers.clone());
                self.new_fields(handle(plain(call)), known, budget);
            }
            "[method]outgoing-response.body" => {
                if let (Some(response), HostResult::Ok(Some(Value::Handle(made)))) =
                    (self.response(first), answer(call))
                {
                    response.body = Some(*made);
                    self.bodies.insert(*made, OutgoingBody::default());
                    self.charge(2 * ENTRY, budget);
                }
            }
            "[resource-drop]outgoing-response" => {
                if let Some(response) = first.and_then(|first| self.responses.remove(&first)) {
                    self.forget_response(response, budget);
                }
            }
            "[method]outgoing-body.write" => {
                if let (Some(body), HostResult::Ok(Some(Value::Handle(made)))) = (first, answer(call))
                    && self.bodies.contains_key(&body)
                {
                    self.streams.insert(*made, body);
                    self.charge(ENTRY, budget);
                }
            }
            "[static]outgoing-body.finish" => {
                if let (Some(body), HostResult::Ok(_)) =
                    (first.and_then(|first| self.bodies.get_mut(&first)), answer(call))
                {
                    body.finished = true;
                }
                let trailers = match call.input.get(1) {
                    Some(Value::List(some)) => handle(some.first()),
                    _ => None,
                };
                self.forget_fields(trailers, budget);
            }
            "[static]response-outparam.set" => self.answered_with(first, call),
            _ => {}
        }
    }

    fn answered_with(&mut self, outparam: Option<u32>, call: &HostFunctionCall) {
        let Some(current) = self.current.as_mut().filter(|current| Some(current.outparam) == outparam) else {
            return;
        };
        let returned = matches!(call.output, Outcome::Returned(_));
        current.answered = match call.input.get(1).and_then(Value::as_case) {
            _ if !returned => Answered::Unknown,
            Some(("ok", response)) => {
                Answered::Response(handle(response).and_then(|response| self.responses.remove(&response)))
            }
            Some(("err", _)) => Answered::Error,
            _ => Answered::Unknown,
        };
    }
}
