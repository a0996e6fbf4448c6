//! Owns what is known of an exchange while it goes on: the resources of the actor's instance, as its recorded calls make and
//! change them.

use std::collections::HashMap;
use std::sync::Arc;

use retake_chain::{ContentHasher, ContentRef, HostFunctionCall, Outcome, Value};

use super::value::{Answer, ENTRY, Headers, answer, bytes, cost, handle, headers, method, path, plain};

/// The interfaces whose calls make an exchange, without the patch version.
const HTTP: &str = "wasi:http/types@0.2.";
const STREAMS: &str = "wasi:io/streams@0.2.";
/// A host takes no more zeros in one call.
const MOST_ZEROS: u64 = 1 << 20;

/// What is known of the resources of one instance, and of the exchange that it handles.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub current: Option<Current>,
    pub fields: HashMap<u32, Fields>,
    pub responses: HashMap<u32, Response>,
    /// Bodies of responses.
    pub bodies: HashMap<u32, OutgoingBody>,
    /// The body that a stream writes to.
    pub streams: HashMap<u32, u32>,
    /// What of the budget it has taken.
    pub held: usize,
    /// It would have taken more than there is: nothing more is known.
    pub lost: bool,
}

/// The exchange in progress.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub request: u32,
    pub outparam: u32,
    pub method: Option<String>,
    pub path: Option<String>,
    /// All headers of the request that the actor may see, once it asked for them.
    pub entries: Option<Arc<Headers>>,
    /// Single headers of it that the actor asked for.
    pub asked: Headers,
    pub body: Option<u32>,
    pub stream: Option<u32>,
    pub read: Content,
    /// The actor read the body to its end.
    pub read_all: bool,
    pub answered: Answered,
    pub observed: Option<Observed>,
    /// What it has taken of the budget.
    pub held: usize,
}

/// What the actor answered.
#[derive(Debug, Default)]
pub(super) enum Answered {
    #[default]
    Not,
    Response(Option<Response>),
    Error,
    /// It tried to, and whether the host got it is not known.
    Unknown,
}

/// What of an observation only the end of the call can confirm.
#[derive(Debug, Default)]
pub(super) struct Observed {
    pub given_up: bool,
    /// It has a body that the actor finished and that is said to be broken off.
    pub broken: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Fields {
    Known(Arc<Headers>),
    /// Those of a request.
    OfRequest(u32),
}

#[derive(Debug)]
pub(super) struct Response {
    pub status: u64,
    pub headers: Option<Arc<Headers>>,
    pub body: Option<u32>,
}

#[derive(Debug, Default)]
pub(super) struct OutgoingBody {
    pub content: Content,
    pub finished: bool,
}

/// Bytes that went by.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub length: u64,
    pub hasher: ContentHasher,
    /// Some bytes are not known.
    pub inexact: bool,
}

impl Content {
    fn add(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.hasher.update(bytes);
    }

    pub fn digest(&mut self) -> ContentRef {
        std::mem::take(&mut self.hasher).finish()
    }
}

impl Exchange {
    fn charge(&mut self, cost: usize, left: &mut usize) {
        if cost > *left {
            *left += self.held;
            let current = self.current.take();
            *self = Exchange { lost: true, current, ..Exchange::default() };
            return;
        }
        *left -= cost;
        self.held += cost;
    }

    fn refund(&mut self, cost: usize, left: &mut usize) {
        let cost = cost.min(self.held);
        self.held -= cost;
        *left += cost;
    }

    /// Forgets the exchange in progress, which is over, and with it its response.
    pub fn end(&mut self, left: &mut usize) {
        let Some(current) = self.current.take() else { return };
        if self.lost {
            return;
        }
        self.refund(current.held, left);
        if let Answered::Response(Some(response)) = current.answered {
            if let Some(body) = response.body {
                self.bodies.remove(&body);
                self.refund(2 * ENTRY, left);
            }
            self.forget_response(response, left);
        }
    }

    /// Gives back what is held, as nothing of it is needed any more.
    pub fn give_back(self, left: &mut usize) {
        *left += self.held;
    }

    /// Takes the next host call of the instance.
    pub fn host_call(&mut self, call: &HostFunctionCall, left: &mut usize) {
        if self.lost {
            return;
        }
        if call.interface.starts_with(HTTP) {
            self.http_call(call, left);
        } else if call.interface.starts_with(STREAMS) {
            self.stream_call(call, left);
        }
    }

    fn http_call(&mut self, call: &HostFunctionCall, left: &mut usize) {
        let first = handle(call.input.first());
        match &*call.function {
            "[constructor]fields" => self.new_fields(handle(plain(call)), Some(Arc::default()), left),
            "[static]fields.from-list" => {
                if let Answer::Ok(made) = answer(call) {
                    self.new_fields(handle(made), call.input.first().and_then(headers).map(Arc::new), left);
                }
            }
            "[method]fields.clone" => self.new_fields(handle(plain(call)), self.known(first), left),
            "[method]fields.set" | "[method]fields.append" | "[method]fields.delete" => {
                if let Answer::Ok(_) = answer(call) {
                    self.change_fields(first, call, left);
                }
            }
            "[method]fields.entries" => self.entries(first, plain(call).and_then(headers), left),
            "[method]fields.get" => self.got(first, call, left),
            "[resource-drop]fields" => self.forget_fields(first, left),
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
                    self.charge(ENTRY, left);
                }
            }
            "[method]incoming-request.consume" => {
                if let (Some(current), Answer::Ok(made)) = (self.of_request(first), answer(call)) {
                    current.body = handle(made);
                }
            }
            "[method]incoming-body.stream" => {
                if let (Some(current), Answer::Ok(made)) = (&mut self.current, answer(call))
                    && current.body.is_some()
                    && current.body == first
                {
                    current.stream = handle(made);
                }
            }
            "[constructor]outgoing-response" => {
                let headers = self.known(first);
                if let Some(made) = handle(plain(call)) {
                    self.responses.insert(made, Response { status: 200, headers, body: None });
                    // The fields' share goes over to the response.
                    if let Some(first) = first {
                        self.fields.remove(&first);
                    }
                    self.charge(ENTRY, left);
                }
            }
            "[method]outgoing-response.set-status-code" => {
                if let (Some(response), Answer::Ok(_)) = (self.response(first), answer(call))
                    && let Some(Value::Unsigned(status)) = call.input.get(1)
                {
                    response.status = *status;
                }
            }
            "[method]outgoing-response.headers" => {
                let known = self.response(first).and_then(|response| response.headers.clone());
                self.new_fields(handle(plain(call)), known, left);
            }
            "[method]outgoing-response.body" => {
                if let (Some(response), Answer::Ok(Some(Value::Handle(made)))) =
                    (self.response(first), answer(call))
                {
                    response.body = Some(*made);
                    self.bodies.insert(*made, OutgoingBody::default());
                    self.charge(2 * ENTRY, left);
                }
            }
            "[resource-drop]outgoing-response" => {
                if let Some(response) = first.and_then(|first| self.responses.remove(&first)) {
                    self.forget_response(response, left);
                }
            }
            "[method]outgoing-body.write" => {
                if let (Some(body), Answer::Ok(Some(Value::Handle(made)))) = (first, answer(call))
                    && self.bodies.contains_key(&body)
                {
                    self.streams.insert(*made, body);
                    self.charge(ENTRY, left);
                }
            }
            "[static]outgoing-body.finish" => {
                if let (Some(body), Answer::Ok(_)) =
                    (first.and_then(|first| self.bodies.get_mut(&first)), answer(call))
                {
                    body.finished = true;
                }
                let trailers = match call.input.get(1) {
                    Some(Value::List(some)) => handle(some.first()),
                    _ => None,
                };
                self.forget_fields(trailers, left);
            }
            "[constructor]outgoing-request" => self.forget_fields(first, left),
            "[static]response-outparam.set" => self.answered(first, call),
            _ => {}
        }
    }

    /// The current exchange, if the handle is its request's.
    fn of_request(&mut self, request: Option<u32>) -> Option<&mut Current> {
        self.current.as_mut().filter(|current| Some(current.request) == request)
    }

    fn response(&mut self, response: Option<u32>) -> Option<&mut Response> {
        self.responses.get_mut(&response?)
    }

    /// What fields hold, if it is known.
    fn known(&self, fields: Option<u32>) -> Option<Arc<Headers>> {
        match self.fields.get(&fields?)? {
            Fields::Known(headers) => Some(headers.clone()),
            Fields::OfRequest(request) => {
                self.current.as_ref().filter(|current| current.request == *request)?.entries.clone()
            }
        }
    }

    fn new_fields(&mut self, made: Option<u32>, headers: Option<Arc<Headers>>, left: &mut usize) {
        if let (Some(made), Some(headers)) = (made, headers) {
            let cost = cost(&headers);
            self.fields.insert(made, Fields::Known(headers));
            self.charge(cost, left);
        }
    }

    fn forget_fields(&mut self, fields: Option<u32>, left: &mut usize) {
        match fields.and_then(|fields| self.fields.remove(&fields)) {
            Some(Fields::Known(headers)) => self.refund(cost(&headers), left),
            Some(Fields::OfRequest(_)) => self.refund(ENTRY, left),
            None => {}
        }
    }

    fn forget_response(&mut self, response: Response, left: &mut usize) {
        let headers = response.headers.map_or(0, |headers| cost(&headers));
        self.refund(ENTRY + headers, left);
    }

    fn change_fields(&mut self, fields: Option<u32>, call: &HostFunctionCall, left: &mut usize) {
        let Some(Fields::Known(headers)) = fields.and_then(|fields| self.fields.get_mut(&fields)) else {
            return;
        };
        let (before, changed) = (cost(headers), Arc::make_mut(headers));
        match (&*call.function, &call.input[..]) {
            ("[method]fields.set", [_, Value::String(name), Value::List(values)]) => {
                let name = name.to_ascii_lowercase();
                let values: Option<Vec<_>> = values.iter().map(|value| bytes(&name, value)).collect();
                changed.remove(&name);
                if let Some(values) = values.filter(|values| !values.is_empty()) {
                    changed.insert(name, values);
                }
            }
            ("[method]fields.append", [_, Value::String(name), value]) => {
                let name = name.to_ascii_lowercase();
                if let Some(value) = bytes(&name, value) {
                    changed.entry(name).or_default().push(value);
                }
            }
            ("[method]fields.delete", [_, Value::String(name)]) => {
                changed.remove(&name.to_ascii_lowercase());
            }
            _ => {}
        }
        let after = cost(headers);
        self.refund(before, left);
        self.charge(after, left);
    }

    /// The actor got to see all headers.
    fn entries(&mut self, fields: Option<u32>, found: Option<Headers>, left: &mut usize) {
        let (Some(fields), Some(found)) = (fields, found.map(Arc::new)) else { return };
        match self.fields.get(&fields) {
            Some(Fields::Known(_)) => {}
            Some(Fields::OfRequest(request)) => {
                let request = *request;
                let cost = cost(&found);
                let Some(current) = self.of_request(Some(request)) else { return };
                if current.entries.is_none() {
                    current.entries = Some(found);
                    current.held += cost;
                    self.charge(cost, left);
                }
            }
            None => self.new_fields(Some(fields), Some(found), left),
        }
    }

    /// The actor got to see one header.
    fn got(&mut self, fields: Option<u32>, call: &HostFunctionCall, left: &mut usize) {
        let Some(Fields::OfRequest(request)) = fields.and_then(|fields| self.fields.get(&fields)) else {
            return;
        };
        let request = *request;
        let ([_, Value::String(name)], Some(Value::List(values))) = (&call.input[..], plain(call)) else {
            return;
        };
        let name = name.to_ascii_lowercase();
        let values: Option<Vec<_>> = values.iter().map(|value| bytes("", value)).collect();
        let (Some(values), Some(current)) = (values, self.of_request(Some(request))) else { return };
        let cost = ENTRY + name.len() + values.iter().map(|value| ENTRY + value.len()).sum::<usize>();
        if current.asked.insert(name, values).is_none() {
            current.held += cost;
            self.charge(cost, left);
        }
    }

    fn answered(&mut self, outparam: Option<u32>, call: &HostFunctionCall) {
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

    fn stream_call(&mut self, call: &HostFunctionCall, left: &mut usize) {
        let first = handle(call.input.first());
        match &*call.function {
            "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
                let Some(current) = self.of_stream(first) else { return };
                match answer(call) {
                    Answer::Ok(Some(Value::Bytes(bytes))) => current.read.add(bytes),
                    Answer::Err(Some(Value::String(case))) if case == "closed" => current.read_all = true,
                    Answer::Ok(_) | Answer::Err(_) | Answer::None => current.read.inexact = true,
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
                    (Answer::Ok(_), Some(Value::Bytes(bytes))) => body.content.add(bytes),
                    _ => body.content.inexact = true,
                }
            }
            "[method]output-stream.write-zeroes"
            | "[method]output-stream.blocking-write-zeroes-and-flush" => {
                let Some(body) = self.written_by(first) else { return };
                match (answer(call), call.input.get(1)) {
                    (Answer::Ok(_), Some(Value::Unsigned(count))) if *count <= MOST_ZEROS => {
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
                self.refund(ENTRY, left);
            }
            _ => {}
        }
    }

    /// The current exchange, if the stream is its request's.
    fn of_stream(&mut self, stream: Option<u32>) -> Option<&mut Current> {
        self.current.as_mut().filter(|current| stream.is_some() && current.stream == stream)
    }

    fn written_by(&mut self, stream: Option<u32>) -> Option<&mut OutgoingBody> {
        self.bodies.get_mut(self.streams.get(&stream?)?)
    }
}
