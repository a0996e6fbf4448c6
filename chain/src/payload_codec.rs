//! Owns the bytes of a payload: the hand-made encoder, the serde form it equals, and the way back.
//! The primitives are in `pack.rs`; what the payloads mean is in `payload.rs`.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::count::check_values;
use crate::encoding::{DecodeError, from_canonical_slice, to_canonical_vec};
use crate::pack;
use crate::payload::{
    ChainEventPayload, HostFunctionCall, Outcome, ReplaySummary, TheaterRuntimeEventData, WasmEventData,
};
use crate::session::SessionStart;
use crate::value::Value;

/// How the bytes of a host call begin. Other events of the same type name would begin otherwise.
pub(crate) const HOST_FUNCTION_HEAD: &[u8] = b"\x81\xacHostFunction";

impl ChainEventPayload {
    /// The canonical bytes: a map of the payload's name to its fields, or the bare name if it has none.
    ///
    /// The names of a host call are not among them: the event's type has them.
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(128);
        self.encode_into(&mut bytes);
        Bytes::from(bytes)
    }

    /// Writes the bytes into a vector, which is cleared before; returns how deep the deepest value nests.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) -> usize {
        out.clear();
        let mut encoder = Encoder { out, depth: 0, deepest: 0 };
        match self {
            ChainEventPayload::HostFunction(call) => encoder.host_function(call),
            ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, params }) => {
                encoder.wasm_call(function_name, params);
            }
            ChainEventPayload::Wasm(WasmEventData::WasmResult { function_name, state, response }) => {
                encoder.wasm_result(function_name, state.as_ref(), response);
            }
            rare => {
                let wire = Wire::from(rare.clone());
                *encoder.out = to_canonical_vec(&wire).expect("flat structs of plain fields always encode");
            }
        }
        encoder.deepest
    }

    /// Reads the payload of an event of that type.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical, hold more than [`MAX_VALUES`](crate::MAX_VALUES), or are the
    /// payload of another type.
    pub fn decode(event_type: &str, data: &[u8]) -> Result<Self, DecodeError> {
        check_values(data).map_err(|offset| DecodeError::TooManyValues { offset })?;
        let payload = match from_canonical_slice::<Wire>(data)? {
            Wire::HostFunction { input, output } => {
                let wrong =
                    || DecodeError::WrongType { event_type: event_type.into(), payload: "HostFunction" };
                let (interface, function) = event_type.rsplit_once('/').ok_or_else(wrong)?;
                let (interface, function) = (Arc::from(interface), Arc::from(function));
                return Ok(ChainEventPayload::HostFunction(HostFunctionCall {
                    interface,
                    function,
                    input,
                    output,
                }));
            }
            Wire::Wasm(data) => ChainEventPayload::Wasm(data),
            Wire::ReplaySummary(summary) => ChainEventPayload::ReplaySummary(summary),
            Wire::Session(start) => ChainEventPayload::Session(start),
            Wire::Shutdown => ChainEventPayload::Shutdown,
            Wire::TheaterRuntime(data) => ChainEventPayload::TheaterRuntime(data),
        };
        if !payload.fits(event_type) {
            return Err(DecodeError::WrongType { event_type: event_type.into(), payload: payload.name() });
        }
        match &payload {
            ChainEventPayload::Wasm(WasmEventData::WasmResult { response, .. })
                if !matches!(response, Outcome::Returned(_) | Outcome::Exited(_)) =>
            {
                Err(DecodeError::WrongResponse { outcome: response.name() })
            }
            _ => Ok(payload),
        }
    }
}

/// The canonical bytes of one value.
pub(crate) fn value_bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder { out: &mut out, depth: 0, deepest: 0 }.value(value);
    out
}

/// The payload as serde sees it: what the hand-made encoder must equal, and what is read.
#[derive(serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(Clone))]
pub(crate) enum Wire {
    Session(Box<SessionStart>),
    HostFunction { input: Vec<Value>, output: Outcome },
    Wasm(WasmEventData),
    TheaterRuntime(TheaterRuntimeEventData),
    Shutdown,
    ReplaySummary(ReplaySummary),
}

impl From<ChainEventPayload> for Wire {
    fn from(payload: ChainEventPayload) -> Self {
        match payload {
            ChainEventPayload::Session(start) => Wire::Session(start),
            ChainEventPayload::HostFunction(call) => {
                Wire::HostFunction { input: call.input, output: call.output }
            }
            ChainEventPayload::Wasm(data) => Wire::Wasm(data),
            ChainEventPayload::TheaterRuntime(data) => Wire::TheaterRuntime(data),
            ChainEventPayload::Shutdown => Wire::Shutdown,
            ChainEventPayload::ReplaySummary(summary) => Wire::ReplaySummary(summary),
        }
    }
}

/// Writes the events that a guest can cause by the thousand, in one pass and without a tree between.
struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    depth: usize,
    deepest: usize,
}

impl Encoder<'_> {
    fn host_function(&mut self, call: &HostFunctionCall) {
        self.out.extend_from_slice(HOST_FUNCTION_HEAD);
        pack::map_header(self.out, 2);
        pack::string(self.out, "input");
        self.values(&call.input);
        pack::string(self.out, "output");
        self.outcome(&call.output);
    }

    fn wasm_call(&mut self, function_name: &str, params: &[Value]) {
        self.wasm("WasmCall", 2, function_name);
        pack::string(self.out, "params");
        self.values(params);
    }

    fn wasm_result(&mut self, function_name: &str, state: Option<&Value>, response: &Outcome) {
        self.wasm("WasmResult", 3, function_name);
        pack::string(self.out, "state");
        match state {
            None => pack::nil(self.out),
            Some(state) => self.values(std::slice::from_ref(state)),
        }
        pack::string(self.out, "response");
        self.outcome(response);
    }

    fn wasm(&mut self, name: &str, fields: usize, function_name: &str) {
        pack::map_header(self.out, 1);
        pack::string(self.out, "Wasm");
        pack::map_header(self.out, 1);
        pack::string(self.out, name);
        pack::map_header(self.out, fields);
        pack::string(self.out, "function_name");
        pack::string(self.out, function_name);
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
            Outcome::Trapped(message) | Outcome::Failed(message) => pack::string(self.out, message),
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
        self.deepest = self.deepest.max(self.depth);
    }
}

/// An optional value as a component's option is written: nil, or a list of the one value. A plain serde
/// option could not tell no value from the value nil.
pub(crate) mod option_as_list {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(state: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        state.as_ref().map(std::slice::from_ref).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        match Option::<Vec<Value>>::deserialize(deserializer)? {
            None => Ok(None),
            Some(mut values) if values.len() == 1 => Ok(values.pop()),
            Some(values) => Err(de::Error::invalid_length(values.len(), &"one value")),
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.name();
        match self {
            Outcome::Returned(None) => serializer.serialize_unit_variant("Outcome", 0, name),
            Outcome::Returned(Some(value)) => serializer.serialize_newtype_variant("Outcome", 0, name, value),
            Outcome::Exited(code) => serializer.serialize_newtype_variant("Outcome", 1, name, code),
            Outcome::Trapped(message) => serializer.serialize_newtype_variant("Outcome", 2, name, message),
            Outcome::Failed(message) => serializer.serialize_newtype_variant("Outcome", 3, name, message),
            Outcome::Cancelled => serializer.serialize_unit_variant("Outcome", 4, name),
        }
    }
}

/// By hand, since `returned` is a bare word and also the name of a value.
impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutcomeVisitor)
    }
}

const OUTCOMES: &[&str] = &["returned", "exited", "trapped", "failed", "cancelled"];

struct OutcomeVisitor;

impl<'de> Visitor<'de> for OutcomeVisitor {
    type Value = Outcome;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an outcome")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Outcome, E> {
        match name {
            "returned" => Ok(Outcome::Returned(None)),
            "cancelled" => Ok(Outcome::Cancelled),
            other => Err(E::unknown_variant(other, OUTCOMES)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outcome, A::Error> {
        let name: String = map.next_key()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let outcome = match name.as_str() {
            "returned" => Outcome::Returned(Some(map.next_value()?)),
            "exited" => Outcome::Exited(map.next_value()?),
            "trapped" => Outcome::Trapped(map.next_value()?),
            "failed" => Outcome::Failed(map.next_value()?),
            other => return Err(de::Error::unknown_variant(other, OUTCOMES)),
        };
        match map.next_key::<String>()? {
            None => Ok(outcome),
            Some(_) => Err(de::Error::invalid_length(2, &"one outcome")),
        }
    }
}
