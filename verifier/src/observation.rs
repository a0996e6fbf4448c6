//! Owns the check of what the host noted of HTTP exchanges: the observation of a call follows from the host calls that the actor
//! made in it, so it is computed from those and compared. No clock, no re-run: `verify` and `replay` both come here.
//!
//! What the calls do not tell is not compared: a part that the actor never asked for, a body that was forwarded or not
//! read to its end, headers of unknown content. Nothing is guessed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use retake_chain::{
    ChainEventPayload, ContentHasher, ContentRef, EventKind, HostFunctionCall, InstanceMode, Outcome,
    SessionKind, SessionStart, Value, WasmEventData, is_http_incoming,
};

use crate::messages::was_given_up;

/// The interfaces whose calls make an exchange, without the patch version.
const HTTP: &str = "wasi:http/types@0.2.";
const STREAMS: &str = "wasi:io/streams@0.2.";
/// Headers of a request that `wasi:http` hides from the actor.
const HIDDEN: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "host",
    "http2-settings",
];
/// Headers of a response that a host may add on its own account.
const ADDED: [&str; 4] = ["content-length", "date", "connection", "transfer-encoding"];
/// Memory for all that is known of exchanges in progress; beyond it a chain's exchange is not compared.
const BUDGET: usize = 64 << 20;
/// What a header costs beside its bytes, and what a handle costs.
const ENTRY: usize = 128;
/// A host takes no more zeros in one call.
const MOST_ZEROS: u64 = 1 << 20;

/// An observation that is not what the calls of the actor make of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages say")]
pub enum ObservationFault {
    /// It has not the form of an observation.
    #[error("the observation of the exchange lacks a field, or has another in its place: {what}")]
    Form { what: &'static str },
    /// A part of the request or response differs.
    #[error("the observation says that the {part} is {observed}; by the calls of the actor it is {computed}")]
    Differs { part: &'static str, observed: String, computed: String },
    /// A response was observed that the actor did not give.
    #[error("the observation has a response, but the actor {did}")]
    NoResponse { did: &'static str },
    /// A body that was finished is said to have broken off.
    #[error(
        "the observation before it says that the response broke off, but the actor finished it and returned"
    )]
    Finished,
    /// A call that was not given up is said to have been.
    #[error("the observation before it says that the call was given up, but the call came to its end")]
    NotGivenUp,
    /// There is none.
    #[error("the call of `{function}` ends without the observation of its exchange; it was removed")]
    Missing { function: String },
}

/// Takes the events of all chains.
#[derive(Debug)]
pub(crate) struct Observations {
    /// By number.
    chains: Vec<Chain>,
    /// What is left of [`BUDGET`].
    left: usize,
}

#[derive(Debug, Default)]
struct Chain {
    is_http: bool,
    keeps_instance: bool,
    exchange: Option<Box<Exchange>>,
}

impl Default for Observations {
    fn default() -> Self {
        Observations { chains: Vec::new(), left: BUDGET }
    }
}

impl Observations {
    /// Takes the next chain.
    pub fn chain(&mut self) {
        self.chains.push(Chain::default());
    }

    /// Takes the next event, which the grammar allows, of a chain that was introduced.
    pub fn event(
        &mut self,
        chain: usize,
        kind: EventKind,
        payload: &ChainEventPayload,
    ) -> Result<(), ObservationFault> {
        let Some(chain) = self.chains.get_mut(chain) else { return Ok(()) };
        match (kind, payload) {
            (EventKind::Genesis, ChainEventPayload::Session(start)) => chain.begin(start),
            (EventKind::Call, ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, params })) => {
                chain.call(function_name, params, &mut self.left);
            }
            (EventKind::HostCall, ChainEventPayload::HostFunction(call)) => {
                if let Some(exchange) = &mut chain.exchange {
                    exchange.host_call(call, &mut self.left);
                }
            }
            (EventKind::Observation, ChainEventPayload::HostFunction(call)) => {
                if let Some(exchange) = &mut chain.exchange {
                    exchange.observed(call)?;
                }
            }
            (EventKind::End, ChainEventPayload::Wasm(ended)) => {
                if let Some(exchange) = &mut chain.exchange {
                    exchange.ended(ended, chain.is_http)?;
                    exchange.current = None;
                }
            }
            (
                EventKind::Genesis
                | EventKind::Call
                | EventKind::HostCall
                | EventKind::Observation
                | EventKind::End
                | EventKind::CreationError
                | EventKind::Runtime
                | EventKind::Message
                | EventKind::Summary
                | EventKind::Shutdown,
                _,
            ) => {}
        }
        Ok(())
    }
}

impl Chain {
    fn begin(&mut self, start: &SessionStart) {
        self.is_http = start.kind == SessionKind::Http;
        self.keeps_instance = start.instance_mode == InstanceMode::Session;
    }

    fn call(&mut self, function: &str, params: &[Value], left: &mut usize) {
        let is_exchange = is_http_incoming(function);
        if !self.keeps_instance
            && let Some(exchange) = self.exchange.take()
        {
            *left += exchange.held;
        }
        if is_exchange || self.keeps_instance {
            let exchange = self.exchange.get_or_insert_default();
            exchange.current = match params {
                [Value::Handle(request), Value::Handle(outparam)] if is_exchange => {
                    Some(Current { request: *request, outparam: *outparam, ..Current::default() })
                }
                _ => None,
            };
        }
    }
}

/// What is known of the resources of one instance, and of the exchange that it handles.
#[derive(Debug, Default)]
struct Exchange {
    current: Option<Current>,
    fields: HashMap<u32, Fields>,
    responses: HashMap<u32, Response>,
    /// Bodies of responses.
    bodies: HashMap<u32, OutgoingBody>,
    /// The body that a stream writes to.
    streams: HashMap<u32, u32>,
    /// What of the budget it has taken.
    held: usize,
    /// It would have taken more than there is: nothing more is known.
    lost: bool,
}

/// The exchange in progress.
#[derive(Debug, Default)]
struct Current {
    request: u32,
    outparam: u32,
    method: Option<String>,
    path: Option<String>,
    /// All headers of the request that the actor may see, once it asked for them.
    entries: Option<Arc<Headers>>,
    /// Single headers of it that the actor asked for.
    asked: Headers,
    body: Option<u32>,
    stream: Option<u32>,
    read: Content,
    /// The actor read the body to its end.
    read_all: bool,
    answered: Answered,
    observed: Option<Observed>,
}

/// What the actor answered.
#[derive(Debug, Default)]
enum Answered {
    #[default]
    Not,
    Response(Option<Response>),
    Error,
    /// It tried to, and whether the host got it is not known.
    Unknown,
}

/// What of an observation only the end of the call can confirm.
#[derive(Debug, Default)]
struct Observed {
    given_up: bool,
    /// It has a body that the actor finished and that is said to be broken off.
    broken: bool,
}

#[derive(Debug, Clone)]
enum Fields {
    Known(Arc<Headers>),
    /// Those of the request of the current exchange.
    OfRequest,
}

/// Values by lower-case name. The order of names is not compared.
type Headers = BTreeMap<String, Vec<Vec<u8>>>;

#[derive(Debug)]
struct Response {
    status: u64,
    headers: Option<Arc<Headers>>,
    body: Option<u32>,
}

#[derive(Debug, Default)]
struct OutgoingBody {
    content: Content,
    finished: bool,
}

/// Bytes that went by.
#[derive(Debug, Default)]
struct Content {
    length: u64,
    hasher: ContentHasher,
    /// Some bytes are not known.
    inexact: bool,
}

impl Content {
    fn add(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.hasher.update(bytes);
    }

    fn digest(&mut self) -> ContentRef {
        std::mem::take(&mut self.hasher).finish()
    }
}

/// What a host function gave back.
enum Answer<'a> {
    /// A value, or `ok` with one.
    Ok(Option<&'a Value>),
    Err(Option<&'a Value>),
    /// It did not return.
    None,
}

/// The result of a function without a `result`.
fn plain(call: &HostFunctionCall) -> Option<&Value> {
    match &call.output {
        Outcome::Returned(value) => value.as_ref(),
        Outcome::Exited(_) | Outcome::Trapped(..) | Outcome::Failed(_) | Outcome::Cancelled => None,
    }
}

/// The result of a function with a `result`.
fn answer(call: &HostFunctionCall) -> Answer<'_> {
    match plain(call).and_then(Value::as_case) {
        Some(("ok", value)) => Answer::Ok(value),
        Some(("err", value)) => Answer::Err(value),
        _ => Answer::None,
    }
}

fn handle(value: Option<&Value>) -> Option<u32> {
    match value {
        Some(Value::Handle(number)) => Some(*number),
        _ => None,
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

    fn host_call(&mut self, call: &HostFunctionCall, left: &mut usize) {
        if self.lost {
            return;
        }
        if call.interface.starts_with(HTTP) {
            self.http_call(call, left);
        } else if call.interface.starts_with(STREAMS) {
            self.stream_call(call);
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
                if let (Some(_), Some(made)) = (self.of_request(first), handle(plain(call))) {
                    self.fields.insert(made, Fields::OfRequest);
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
            }
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
            Fields::OfRequest => self.current.as_ref()?.entries.clone(),
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
            Some(Fields::OfRequest) => self.refund(ENTRY, left),
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
        match (self.fields.get(&fields), &mut self.current) {
            (Some(Fields::OfRequest), Some(current)) if current.entries.is_none() => {
                let cost = cost(&found);
                current.entries = Some(found);
                self.charge(cost, left);
            }
            (None, _) => self.new_fields(Some(fields), Some(found), left),
            _ => {}
        }
    }

    /// The actor got to see one header.
    fn got(&mut self, fields: Option<u32>, call: &HostFunctionCall, left: &mut usize) {
        let (Some(current), Some(Fields::OfRequest)) =
            (&mut self.current, fields.and_then(|fields| self.fields.get(&fields)))
        else {
            return;
        };
        let ([_, Value::String(name)], Some(Value::List(values))) = (&call.input[..], plain(call)) else {
            return;
        };
        let name = name.to_ascii_lowercase();
        let Some(values) = values.iter().map(|value| bytes("", value)).collect::<Option<Vec<_>>>() else {
            return;
        };
        let cost = ENTRY + name.len() + values.iter().map(|value| ENTRY + value.len()).sum::<usize>();
        if current.asked.insert(name, values).is_none() {
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

    fn stream_call(&mut self, call: &HostFunctionCall) {
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
            "[resource-drop]output-stream" => {
                if let Some(first) = first {
                    self.streams.remove(&first);
                }
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

    /// Compares what the host noted with what is known.
    fn observed(&mut self, call: &HostFunctionCall) -> Result<(), ObservationFault> {
        let request = fields_of(call.input.first(), ["method", "path", "headers", "body"]);
        let [method, path, headers, body] = request.ok_or(ObservationFault::Form { what: "the request" })?;
        let (Value::String(method), Value::String(path)) = (method, path) else {
            return Err(ObservationFault::Form { what: "the request's method or path" });
        };
        let headers =
            self::headers(headers).ok_or(ObservationFault::Form { what: "the request's headers" })?;
        let body = Body::of(body).ok_or(ObservationFault::Form { what: "the request's body" })?;
        let response = match &call.output {
            Outcome::Returned(response) => {
                Some(ObservedResponse::of(response).ok_or(ObservationFault::Form { what: "the response" })?)
            }
            Outcome::Failed(_) | Outcome::Cancelled => None,
            Outcome::Exited(_) | Outcome::Trapped(..) => {
                return Err(ObservationFault::Form { what: "the response's outcome" });
            }
        };
        let Some(current) = &mut self.current else { return Ok(()) };
        let given_up = call.output == Outcome::Cancelled;
        let observed = current.observed.insert(Observed { given_up, broken: false });
        if self.lost {
            return Ok(());
        }
        same("method of the request", current.method.as_ref(), method)?;
        same("path of the request", current.path.as_ref(), path)?;
        if let Some(entries) = &current.entries {
            same_headers("request", entries, &headers, &HIDDEN)?;
        }
        for (name, values) in &current.asked {
            let noted = headers.get(name).map_or(&[][..], Vec::as_slice);
            if noted != &values[..] && !(values.is_empty() && HIDDEN.contains(&&**name)) {
                return Err(differs("headers of the request", show(name, noted), show(name, values)));
            }
        }
        if current.read_all && !current.read.inexact {
            body.is("body of the request", &mut current.read)?;
        } else if !current.read.inexact && body.length < current.read.length {
            let (noted, read) = (body.length.to_string(), current.read.length.to_string());
            return Err(differs("length of the request's body", noted, format!("at least {read}")));
        }
        let Some(response) = response else { return Ok(()) };
        let given = match &current.answered {
            Answered::Not => return Err(ObservationFault::NoResponse { did: "set none" }),
            Answered::Error => return Err(ObservationFault::NoResponse { did: "answered with an error" }),
            Answered::Unknown | Answered::Response(None) => return Ok(()),
            Answered::Response(Some(given)) => given,
        };
        if response.status != given.status {
            return Err(differs("status", response.status.to_string(), given.status.to_string()));
        }
        if let Some(known) = &given.headers {
            same_headers("response", known, &response.headers, &ADDED)?;
        }
        match given.body {
            None => response.body.is("body of the response", &mut Content::default())?,
            Some(number) => {
                if let Some(written) = self.bodies.get_mut(&number) {
                    if !written.content.inexact {
                        response.body.is("body of the response", &mut written.content)?;
                    }
                    observed.broken = written.finished && !response.body.complete;
                }
            }
        }
        Ok(())
    }

    /// Checks what only the end of the call tells.
    fn ended(&self, ended: &WasmEventData, is_http: bool) -> Result<(), ObservationFault> {
        let Some(current) = &self.current else { return Ok(()) };
        let given_up = was_given_up(ended);
        let returned = matches!(ended, WasmEventData::WasmResult { response: Outcome::Returned(_), .. });
        match &current.observed {
            None if is_http && !given_up => {
                Err(ObservationFault::Missing { function: ended.function_name().unwrap_or_default().into() })
            }
            Some(Observed { given_up: true, .. }) if !given_up => Err(ObservationFault::NotGivenUp),
            Some(Observed { broken: true, .. }) if returned => Err(ObservationFault::Finished),
            _ => Ok(()),
        }
    }
}

/// A body as the host noted it.
struct Body<'a> {
    length: u64,
    sha256: &'a [u8],
    complete: bool,
}

impl<'a> Body<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        match fields_of(Some(value), ["length", "sha256", "complete"])? {
            [Value::Unsigned(length), Value::Bytes(sha256), Value::Bool(complete)] if sha256.len() == 32 => {
                Some(Body { length: *length, sha256, complete: *complete })
            }
            _ => None,
        }
    }

    fn is(&self, part: &'static str, content: &mut Content) -> Result<(), ObservationFault> {
        let (length, digest) = (content.length, content.digest());
        if self.length == length && self.sha256 == digest.as_ref() {
            return Ok(());
        }
        let noted = format!("{} bytes with the SHA-256 {}", self.length, hex(self.sha256));
        Err(differs(part, noted, format!("{length} bytes with the SHA-256 {}", hex(digest.as_ref()))))
    }
}

struct ObservedResponse<'a> {
    status: u64,
    headers: Headers,
    body: Body<'a>,
}

impl<'a> ObservedResponse<'a> {
    fn of(value: &'a Option<Value>) -> Option<Self> {
        let [status, noted, body] = fields_of(value.as_ref(), ["status", "headers", "body"])?;
        let Value::Unsigned(status) = status else { return None };
        Some(ObservedResponse { status: *status, headers: headers(noted)?, body: Body::of(body)? })
    }
}

/// The fields of a record that has exactly these, in this order.
fn fields_of<'a, const N: usize>(value: Option<&'a Value>, names: [&str; N]) -> Option<[&'a Value; N]> {
    let Some(Value::Record(fields)) = value else { return None };
    let named =
        fields.len() == N && fields.iter().zip(names).all(|((name, _), expected)| **name == *expected);
    if !named {
        return None;
    }
    let values: Vec<&Value> = fields.iter().map(|(_, value)| value).collect();
    values.try_into().ok()
}

/// A list of names and values.
fn headers(value: &Value) -> Option<Headers> {
    let Value::List(pairs) = value else { return None };
    let mut headers = Headers::new();
    for pair in pairs {
        let Value::List(pair) = pair else { return None };
        let [Value::String(name), value] = &pair[..] else { return None };
        let name = name.to_ascii_lowercase();
        let value = bytes(&name, value)?;
        headers.entry(name).or_default().push(value);
    }
    Some(headers)
}

/// The value of a header, as a host keeps it.
fn bytes(name: &str, value: &Value) -> Option<Vec<u8>> {
    let Value::Bytes(bytes) = value else { return None };
    let length = || str::from_utf8(bytes).ok()?.parse::<u64>().ok();
    match name {
        "content-length" => Some(length().map_or_else(|| bytes.to_vec(), |length| length.to_string().into())),
        _ => Some(bytes.to_vec()),
    }
}

fn cost(headers: &Headers) -> usize {
    let one = |(name, values): (&String, &Vec<Vec<u8>>)| {
        ENTRY + name.len() + values.iter().map(|value| ENTRY + value.len()).sum::<usize>()
    };
    ENTRY + headers.iter().map(one).sum::<usize>()
}

/// The method of a request, as HTTP writes it.
fn method(value: &Value) -> Option<String> {
    match value.as_case()? {
        ("other", Some(Value::String(method))) => Some(method.clone()),
        (method, None) => Some(method.to_ascii_uppercase()),
        _ => None,
    }
}

/// The path of a request; the host notes `/` where it has none.
fn path(value: &Value) -> Option<String> {
    match value {
        Value::None => Some("/".into()),
        Value::List(some) => match &some[..] {
            [Value::String(path)] => Some(path.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn same(part: &'static str, computed: Option<&String>, noted: &String) -> Result<(), ObservationFault> {
    match computed {
        Some(computed) if computed != noted => {
            Err(differs(part, format!("{noted:?}"), format!("{computed:?}")))
        }
        _ => Ok(()),
    }
}

/// All headers that the actor knows must have been noted, and no others, except those that it cannot know.
fn same_headers(
    whose: &'static str,
    known: &Headers,
    noted: &Headers,
    unknown: &[&str],
) -> Result<(), ObservationFault> {
    let part = match whose {
        "request" => "headers of the request",
        _ => "headers of the response",
    };
    for (name, values) in known {
        let found = noted.get(name).map_or(&[][..], Vec::as_slice);
        if found != &values[..] {
            return Err(differs(part, show(name, found), show(name, values)));
        }
    }
    let extra = noted.keys().find(|name| !known.contains_key(*name) && !unknown.contains(&&***name));
    match extra.and_then(|name| Some((name, noted.get(name)?))) {
        Some((name, values)) => Err(differs(part, show(name, values), show(name, &[]))),
        None => Ok(()),
    }
}

fn differs(part: &'static str, observed: String, computed: String) -> ObservationFault {
    ObservationFault::Differs { part, observed, computed }
}

/// A header for people.
fn show(name: &str, values: &[Vec<u8>]) -> String {
    if values.is_empty() {
        return format!("without {name:?}");
    }
    let values: Vec<String> =
        values.iter().map(|value| format!("{:?}", String::from_utf8_lossy(value))).collect();
    format!("{name:?}: {}", values.join(", "))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
