//! Owns the comparison of an observation with what the calls of its exchange say.

use retake_chain::{HostFunctionCall, Outcome, Value, WasmEventData};

use super::exchange::{Answered, Content, Current, Exchange, PendingObservation};
use super::fault::ObservationFault;
use super::value::{Headers, fields_of, headers};
use crate::messages::was_given_up;

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
/// Headers of a response that a host may add.
const ADDED: [&str; 4] = ["content-length", "date", "connection", "transfer-encoding"];

impl Exchange {
    /// Compares an observation with what is known of the exchange.
    pub fn observed(&mut self, call: &HostFunctionCall) -> Result<(), ObservationFault> {
        let request = ObservedRequest::of(call)?;
        let response = match &call.output {
            Outcome::Returned(response) => {
                Some(ObservedResponse::of(response).ok_or(ObservationFault::Form { what: "the response" })?)
            }
            Outcome::Failed(_) | Outcome::Cancelled => None,
            Outcome::Exited(_) | Outcome::Trapped { .. } => {
                return Err(ObservationFault::Form { what: "the outcome of the response" });
            }
        };
        let Some(current) = &mut self.current else { return Ok(()) };
        let given_up = call.output == Outcome::Cancelled;
        current.observed = Some(PendingObservation { given_up, broken: false });
        if self.over_budget {
            return Ok(());
        }
        current.compare_request(&request)?;
        response.map_or(Ok(()), |response| self.compare_response(&response))
    }

    fn compare_response(&mut self, response: &ObservedResponse) -> Result<(), ObservationFault> {
        let Some(current) = &mut self.current else { return Ok(()) };
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
            same_headers("headers of the response", known, &response.headers, &ADDED)?;
        }
        let Some(body) = given.body else {
            return response.body.check("body of the response", &mut Content::default());
        };
        if let Some(written) = self.bodies.get_mut(&body) {
            if !written.content.inexact {
                response.body.check("body of the response", &mut written.content)?;
            }
            let broken = written.finished && !response.body.complete;
            current.observed.get_or_insert_default().broken = broken;
        }
        Ok(())
    }

    /// Checks the part of the observation that only the end of the call can confirm.
    pub fn ended(&self, ended: &WasmEventData) -> Result<(), ObservationFault> {
        let Some(current) = &self.current else { return Ok(()) };
        let given_up = was_given_up(ended);
        let returned = matches!(ended, WasmEventData::WasmResult { response: Outcome::Returned(_), .. });
        match &current.observed {
            None if !given_up => {
                Err(ObservationFault::Missing { function: ended.function_name().unwrap_or_default().into() })
            }
            Some(PendingObservation { given_up: true, .. }) if !given_up => Err(ObservationFault::NotGivenUp),
            Some(PendingObservation { broken: true, .. }) if returned => Err(ObservationFault::Finished),
            Some(PendingObservation { .. }) | None => Ok(()),
        }
    }
}

impl Current {
    fn compare_request(&mut self, request: &ObservedRequest) -> Result<(), ObservationFault> {
        same("method of the request", self.method.as_deref(), request.method)?;
        same("path of the request", self.path.as_deref(), request.path)?;
        if let Some(known) = &self.all_headers {
            same_headers("headers of the request", known, &request.headers, &HIDDEN)?;
        }
        for (name, values) in &self.seen_headers {
            let noted = request.headers.get(name).map_or(&[][..], Vec::as_slice);
            if noted != &values[..] && !(values.is_empty() && HIDDEN.contains(&&**name)) {
                return Err(differs("headers of the request", show(name, noted), show(name, values)));
            }
        }
        let body = &request.body;
        if self.read.inexact {
            Ok(())
        } else if self.read_to_end {
            body.check("body of the request", &mut self.read)
        } else if body.length < self.read.length {
            let (noted, read) = (body.length.to_string(), self.read.length);
            Err(differs("length of the request's body", noted, format!("at least {read}")))
        } else {
            Ok(())
        }
    }
}

/// A request as the host noted it.
struct ObservedRequest<'a> {
    method: &'a str,
    path: &'a str,
    headers: Headers,
    body: Body<'a>,
}

impl<'a> ObservedRequest<'a> {
    fn of(call: &'a HostFunctionCall) -> Result<Self, ObservationFault> {
        let wrong = |what| ObservationFault::Form { what };
        let fields = fields_of(call.input.first(), ["method", "path", "headers", "body"]);
        let [method, path, noted, body] = fields.ok_or(wrong("the request"))?;
        let (Value::String(method), Value::String(path)) = (method, path) else {
            return Err(wrong("the method or path of the request"));
        };
        let headers = headers(noted).ok_or(wrong("the list of headers of the request"))?;
        let body = Body::of(body).ok_or(wrong("the body of the request"))?;
        Ok(ObservedRequest { method, path, headers, body })
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

    /// Checks that this is the body with this content.
    fn check(&self, part: &'static str, content: &mut Content) -> Result<(), ObservationFault> {
        let (length, digest) = (content.length, content.digest());
        if self.length == length && self.sha256 == digest.as_ref() {
            return Ok(());
        }
        let noted = format!("{} bytes with the SHA-256 {}", self.length, hex(self.sha256));
        Err(differs(part, noted, format!("{length} bytes with the SHA-256 {}", hex(digest.as_ref()))))
    }
}

/// A response as the host noted it.
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

fn same(part: &'static str, computed: Option<&str>, noted: &str) -> Result<(), ObservationFault> {
    match computed {
        Some(computed) if computed != noted => {
            Err(differs(part, format!("{noted:?}"), format!("{computed:?}")))
        }
        _ => Ok(()),
    }
}

/// Checks that the host noted all headers that the actor knows, and no others except those that the actor
/// cannot know.
fn same_headers(
    part: &'static str,
    known: &Headers,
    noted: &Headers,
    unknown: &[&str],
) -> Result<(), ObservationFault> {
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
