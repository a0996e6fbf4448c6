//! Owns the comparison of an observation with what the calls of its exchange tell.

use retake_chain::{HostFunctionCall, Outcome, Value, WasmEventData};

use super::ObservationFault;
use super::exchange::{Answered, Content, Exchange, Observed};
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
/// Headers of a response that a host may add on its own account.
const ADDED: [&str; 4] = ["content-length", "date", "connection", "transfer-encoding"];
impl Exchange {
    /// Compares what the host noted with what is known.
    pub fn observed(&mut self, call: &HostFunctionCall) -> Result<(), ObservationFault> {
        let request = fields_of(call.input.first(), ["method", "path", "headers", "body"]);
        let [method, path, noted, body] = request.ok_or(ObservationFault::Form { what: "the request" })?;
        let (Value::String(method), Value::String(path)) = (method, path) else {
            return Err(ObservationFault::Form { what: "the request's method or path" });
        };
        let headers = headers(noted).ok_or(ObservationFault::Form { what: "the request's headers" })?;
        let body = Body::of(body).ok_or(ObservationFault::Form { what: "the request's body" })?;
        let response = match &call.output {
            Outcome::Returned(response) => {
                Some(ObservedResponse::of(response).ok_or(ObservationFault::Form { what: "the response" })?)
            }
            Outcome::Failed(_) | Outcome::Cancelled => None,
            Outcome::Exited(_) | Outcome::Trapped { .. } => {
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
    pub fn ended(&self, ended: &WasmEventData) -> Result<(), ObservationFault> {
        let Some(current) = &self.current else { return Ok(()) };
        let given_up = was_given_up(ended);
        let returned = matches!(ended, WasmEventData::WasmResult { response: Outcome::Returned(_), .. });
        match &current.observed {
            None if !given_up => {
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
