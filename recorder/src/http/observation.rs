//! Owns the host's observation of a request and a response: the input and output of the
//! `wasi:http/incoming-handler` event.

use std::sync::{Arc, Mutex, PoisonError};

use retake_chain::{ContentHasher, Value};

/// Length and digest of a body, counted as it passes.
#[derive(Default)]
pub(super) struct BodyObservation {
    length: u64,
    hasher: ContentHasher,
    complete: bool,
}

impl BodyObservation {
    pub fn chunk(&mut self, chunk: &[u8]) {
        self.length += chunk.len() as u64;
        self.hasher.update(chunk);
    }

    pub fn complete(&mut self) {
        self.complete = true;
    }

    fn value(self) -> Value {
        Value::Record(vec![
            ("length".into(), Value::Unsigned(self.length)),
            ("sha256".into(), Value::Bytes(self.hasher.finish().as_ref().to_vec().into())),
            ("complete".into(), Value::Bool(self.complete)),
        ])
    }
}

/// A body's observation that the body and the session share.
#[derive(Clone, Default)]
pub(super) struct SharedObservation(Arc<Mutex<BodyObservation>>);

impl SharedObservation {
    pub fn update(&self, note: impl FnOnce(&mut BodyObservation)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes what has been observed so far.
    pub fn take(&self) -> BodyObservation {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The head of a request, as the event carries it.
pub(super) struct RequestHead {
    method: String,
    path: String,
    headers: Value,
}

impl RequestHead {
    pub fn of(parts: &http::request::Parts) -> Self {
        let path = parts.uri.path_and_query();
        RequestHead {
            method: parts.method.to_string(),
            path: path.map_or("/", |path| path.as_str()).to_string(),
            headers: headers(&parts.headers),
        }
    }

    /// The method and the path, for people.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn value(self, body: BodyObservation) -> Value {
        Value::Record(vec![
            ("method".into(), Value::String(self.method)),
            ("path".into(), Value::String(self.path)),
            ("headers".into(), self.headers),
            ("body".into(), body.value()),
        ])
    }
}

/// A response, as the event carries it.
pub(super) fn response_value(
    status: http::StatusCode,
    header_map: &http::HeaderMap,
    body: BodyObservation,
) -> Value {
    Value::Record(vec![
        ("status".into(), Value::Unsigned(status.as_u16().into())),
        ("headers".into(), headers(header_map)),
        ("body".into(), body.value()),
    ])
}

/// Names are text; values are bytes, as HTTP has them.
fn headers(map: &http::HeaderMap) -> Value {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Value::List(vec![
            Value::String(name.as_str().to_string()),
            Value::Bytes(value.as_bytes().to_vec().into()),
        ])
    };
    Value::List(map.iter().map(pair).collect())
}
