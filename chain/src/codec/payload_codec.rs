//! Owns the bytes of a payload: the hand-made encoder, and the serde form it equals. The way back is
//! `payload_decode.rs`'s. The primitives are in `pack.rs`; what the payloads mean is in `payload.rs`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::codec::encoding::to_canonical_vec;
use crate::codec::pack;
use crate::model::payload::{
    ChainEventPayload, HostFunctionCall, Outcome, ReplaySummary, TheaterRuntimeEventData, WasmEventData,
};
use crate::model::session::SessionStart;
use crate::model::value::{Value, doubled_key};

/// How the bytes of a host call begin. Other events of the same type name would begin otherwise.
pub(crate) const HOST_FUNCTION_HEAD: &[u8] = b"\x81\xacHostFunction";
/// How the bytes of a component that could not be made begin, whose type is that of a call's error.
pub(crate) const CREATION_ERROR_HEAD: &[u8] = b"\x81\xa4Wasm\x81\xbaWasmComponentCreationError";

impl ChainEventPayload {
    /// The canonical bytes: a map of the payload's name to its fields, or the bare name if it has none.
    ///
    /// The names of a host call are not among them: the event's type has them.
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(128);
        self.encode_into(&mut bytes);
        Bytes::from(bytes)
    }

    /// Writes the bytes into a vector, which is cleared before; returns what the encoder saw in passing.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) -> WrittenValues {
        out.clear();
        let mut encoder = Encoder::new(out);
        match self {
            ChainEventPayload::HostFunction(call) => encoder.host_function(call),
            ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, params }) => {
                encoder.wasm_call(function_name, params);
            }
            ChainEventPayload::Wasm(WasmEventData::WasmResult { function_name, state, response }) => {
                encoder.wasm_result(function_name, state.as_ref(), response);
            }
            ChainEventPayload::Wasm(WasmEventData::WasmError { function_name, kind, message }) => {
                encoder.wasm("WasmError", 3, "function_name", function_name);
                encoder.text("kind", kind.name());
                encoder.text("message", message);
            }
            ChainEventPayload::Wasm(WasmEventData::WasmComponentCreationError { error }) => {
                encoder.wasm("WasmComponentCreationError", 1, "error", error);
            }
            ChainEventPayload::Session(start) => encoder.rare(&Rare::Session(start.clone())),
            ChainEventPayload::TheaterRuntime(data) => encoder.rare(&Rare::TheaterRuntime(data.clone())),
            ChainEventPayload::Shutdown => encoder.rare(&Rare::Shutdown),
            ChainEventPayload::ReplaySummary(summary) => encoder.rare(&Rare::ReplaySummary(summary.clone())),
        }
        encoder.seen
    }
}

/// The canonical bytes of one value.
pub(crate) fn value_bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(&mut out).value(value);
    out
}

/// The payloads that serde writes and reads: flat structs of plain fields.
#[derive(Serialize, Deserialize)]
pub(crate) enum Rare {
    Session(Box<SessionStart>),
    TheaterRuntime(TheaterRuntimeEventData),
    Shutdown,
    ReplaySummary(ReplaySummary),
}

/// What a reader would refuse in values that were written.
#[derive(Default)]
pub(crate) struct WrittenValues {
    /// How deep the deepest value nests.
    pub depth: usize,
    /// A key that a record has twice.
    pub doubled: Option<String>,
}

/// Writes the events that a guest can cause by the thousand, in one pass and without a tree between.
struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    depth: usize,
    seen: WrittenValues,
}

impl<'a> Encoder<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Encoder { out, depth: 0, seen: WrittenValues::default() }
    }

    fn host_function(&mut self, call: &HostFunctionCall) {
        self.out.extend_from_slice(HOST_FUNCTION_HEAD);
        pack::map_header(self.out, 2);
        pack::string(self.out, "input");
        self.values(&call.input);
        pack::string(self.out, "output");
        self.outcome(&call.output);
    }

    fn wasm_call(&mut self, function_name: &str, params: &[Value]) {
        self.wasm("WasmCall", 2, "function_name", function_name);
        pack::string(self.out, "params");
        self.values(params);
    }

    fn wasm_result(&mut self, function_name: &str, state: Option<&Value>, response: &Outcome) {
        self.wasm("WasmResult", 3, "function_name", function_name);
        pack::string(self.out, "state");
        match state {
            None => pack::nil(self.out),
            Some(state) => self.values(std::slice::from_ref(state)),
        }
        pack::string(self.out, "response");
        self.outcome(response);
    }

    /// The front of a step of an export call, with its first field.
    fn wasm(&mut self, name: &str, fields: usize, key: &str, text: &str) {
        pack::map_header(self.out, 1);
        pack::string(self.out, "Wasm");
        pack::map_header(self.out, 1);
        pack::string(self.out, name);
        pack::map_header(self.out, fields);
        self.text(key, text);
    }

    fn text(&mut self, key: &str, text: &str) {
        pack::string(self.out, key);
        pack::string(self.out, text);
    }

    fn rare(&mut self, payload: &Rare) {
        *self.out = to_canonical_vec(payload).expect("flat structs of plain fields always encode");
    }

    fn outcome(&mut self, outcome: &Outcome) {
        if !matches!(outcome, Outcome::Returned(None) | Outcome::Cancelled) {
            pack::map_header(self.out, 1);
        }
        pack::string(self.out, outcome.name());
        match outcome {
            Outcome::Returned(None) | Outcome::Cancelled => {}
            Outcome::Returned(Some(value)) => self.value(value),
            Outcome::Exited(code) => pack::signed(self.out, (*code).into()),
            Outcome::Trapped { kind, message } => {
                pack::map_header(self.out, 2);
                self.text("kind", kind.name());
                self.text("message", message);
            }
            Outcome::Failed(message) => pack::string(self.out, message),
        }
    }

    fn values(&mut self, values: &[Value]) {
        pack::array_header(self.out, values.len());
        for value in values {
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::None => pack::nil(self.out),
            Value::Bool(value) => pack::boolean(self.out, *value),
            Value::Unsigned(value) => pack::unsigned(self.out, *value),
            Value::Negative(value) => pack::signed(self.out, *value),
            Value::F32(bits) => pack::float32(self.out, *bits),
            Value::F64(bits) => pack::float64(self.out, *bits),
            Value::String(text) => pack::string(self.out, text),
            Value::Bytes(bytes) => pack::binary(self.out, bytes),
            Value::List(values) => {
                self.enter();
                self.values(values);
                self.depth -= 1;
            }
            Value::Record(fields) => {
                self.enter();
                if self.seen.doubled.is_none() {
                    self.seen.doubled = doubled_key(fields).map(str::to_owned);
                }
                pack::map_header(self.out, fields.len());
                for (name, value) in fields {
                    pack::string(self.out, name);
                    self.value(value);
                }
                self.depth -= 1;
            }
            Value::Handle(id) => pack::handle(self.out, *id),
        }
    }

    fn enter(&mut self) {
        self.depth += 1;
        self.seen.depth = self.seen.depth.max(self.depth);
    }
}
