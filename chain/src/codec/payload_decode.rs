//! Owns the way from an event's bytes to its payload. What a guest can cause by the thousand is read by hand
//! in one pass; the rest goes through serde. The way out is in `payload_codec.rs`.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::count::check_values;
use crate::codec::encoding::{DecodeError, from_canonical_slice};
use crate::codec::payload_codec::Rare;
use crate::codec::unpack::{Kind, Unpacker};
use crate::codec::value_decode::Decoder;
use crate::model::payload::{ChainEventPayload, HostFunctionCall, Outcome, WasmEventData};
use crate::model::trap::{TrapKind, WasmErrorKind};
use crate::model::value::Value;

impl ChainEventPayload {
    /// Reads the payload of an event of that type.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical, hold more than [`MAX_VALUES`](crate::MAX_VALUES), or
    /// are the payload of another type.
    pub fn decode(event_type: &str, data: &[u8]) -> Result<Self, DecodeError> {
        decode(event_type, data, Decoder::new(data))
    }

    /// The same; long byte strings share the memory of the data.
    pub(crate) fn decode_shared(event_type: &str, data: &Bytes) -> Result<Self, DecodeError> {
        decode(event_type, data, Decoder::sharing(data))
    }
}

fn decode(event_type: &str, data: &[u8], mut decoder: Decoder<'_>) -> Result<ChainEventPayload, DecodeError> {
    check_values(data).map_err(|offset| DecodeError::TooManyValues { offset })?;
    let payload = match payload_name(&mut decoder)? {
        ("HostFunction", true) => decoder.host_function(event_type)?,
        ("Wasm", true) => decoder.wasm()?,
        _ => return rare(event_type, data),
    };
    decoder.finish()?;
    fitting(payload, event_type)
}

/// The name that the bytes begin with, and whether it is the key of a map of one, or else a bare string.
fn payload_name<'a>(decoder: &mut Decoder<'a>) -> Result<(&'a str, bool), DecodeError> {
    let has_fields = decoder.kind()? != Kind::String;
    if has_fields {
        decoder.fields(1)?;
    }
    Ok((decoder.read(Unpacker::string)?, has_fields))
}

fn rare(event_type: &str, data: &[u8]) -> Result<ChainEventPayload, DecodeError> {
    // What is wrong with the bytes themselves comes before what they mean.
    Value::decode(data)?;
    let (name, _) = payload_name(&mut Decoder::new(data))?;
    if !ChainEventPayload::NAMES.contains(&name) {
        return Err(DecodeError::UnknownKind { kind: name.chars().take(40).collect() });
    }
    let payload = match from_canonical_slice(data)? {
        Rare::Session(start) => ChainEventPayload::Session(start),
        Rare::TheaterRuntime(data) => ChainEventPayload::TheaterRuntime(data),
        Rare::Shutdown => ChainEventPayload::Shutdown,
        Rare::ReplaySummary(summary) => ChainEventPayload::ReplaySummary(summary),
    };
    fitting(payload, event_type)
}

/// The payload, if an event of this type may carry it.
fn fitting(payload: ChainEventPayload, event_type: &str) -> Result<ChainEventPayload, DecodeError> {
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

impl Decoder<'_> {
    fn host_function(&mut self, event_type: &str) -> Result<ChainEventPayload, DecodeError> {
        self.fields(2)?;
        self.key("input")?;
        let input = self.values()?;
        self.key("output")?;
        let output = self.outcome()?;
        let (interface, function) = event_type.rsplit_once('/').ok_or_else(|| DecodeError::WrongType {
            event_type: event_type.into(),
            payload: "HostFunction",
        })?;
        let (interface, function) = (Arc::from(interface), Arc::from(function));
        Ok(ChainEventPayload::HostFunction(HostFunctionCall { interface, function, input, output }))
    }

    fn wasm(&mut self) -> Result<ChainEventPayload, DecodeError> {
        self.fields(1)?;
        let offset = self.offset();
        let data = match self.read(Unpacker::string)? {
            "WasmCall" => {
                self.fields(2)?;
                let function_name = self.text("function_name")?;
                self.key("params")?;
                WasmEventData::WasmCall { function_name, params: self.values()? }
            }
            "WasmResult" => {
                self.fields(3)?;
                let function_name = self.text("function_name")?;
                self.key("state")?;
                let state = self.state()?;
                self.key("response")?;
                WasmEventData::WasmResult { function_name, state, response: self.outcome()? }
            }
            "WasmError" => {
                self.fields(3)?;
                let function_name = self.text("function_name")?;
                let kind = self.kind_field(WasmErrorKind::from_name)?;
                WasmEventData::WasmError { function_name, kind, message: self.text("message")? }
            }
            "WasmComponentCreationError" => {
                self.fields(1)?;
                WasmEventData::WasmComponentCreationError { error: self.text("error")? }
            }
            other => {
                let reason = format!("unknown step of an export call `{other}`");
                return Err(DecodeError::Shape { offset, reason });
            }
        };
        Ok(ChainEventPayload::Wasm(data))
    }

    /// A field that is a string.
    fn text(&mut self, key: &'static str) -> Result<String, DecodeError> {
        self.key(key)?;
        self.read(Unpacker::string).map(str::to_owned)
    }

    /// A field that names a kind of a closed list.
    fn kind_field<K>(&mut self, known: impl FnOnce(&str) -> Option<K>) -> Result<K, DecodeError> {
        self.key("kind")?;
        let offset = self.offset();
        let name = self.read(Unpacker::string)?;
        known(name).ok_or_else(|| {
            let name: String = name.chars().take(40).collect();
            DecodeError::Shape { offset, reason: format!("unknown kind of end `{name}`") }
        })
    }

    /// Nil, or a list of the one value.
    fn state(&mut self) -> Result<Option<Value>, DecodeError> {
        let offset = self.offset();
        if self.read(Unpacker::nil)? {
            return Ok(None);
        }
        let mut values = self.values()?;
        match values.len() {
            1 => Ok(values.pop()),
            count => Err(DecodeError::Shape { offset, reason: format!("a state is one value, not {count}") }),
        }
    }

    fn outcome(&mut self) -> Result<Outcome, DecodeError> {
        let offset = self.offset();
        let is_bare = self.kind()? == Kind::String;
        if !is_bare {
            self.fields(1)?;
        }
        let at = self.offset();
        match (self.read(Unpacker::string)?, is_bare) {
            ("returned", true) => Ok(Outcome::Returned(None)),
            ("cancelled", true) => Ok(Outcome::Cancelled),
            ("returned", false) => Ok(Outcome::Returned(Some(self.value()?))),
            ("exited", false) => match i32::try_from(self.read(Unpacker::signed)?) {
                Ok(code) => Ok(Outcome::Exited(code)),
                Err(_) => Err(DecodeError::Shape { offset: at, reason: "an exit code has 32 bits".into() }),
            },
            ("trapped", false) => {
                self.fields(2)?;
                let kind = self.kind_field(TrapKind::from_name)?;
                Ok(Outcome::Trapped { kind, message: self.text("message")? })
            }
            ("failed", false) => Ok(Outcome::Failed(self.read(Unpacker::string)?.to_owned())),
            (other, _) => Err(DecodeError::Shape { offset, reason: format!("unknown outcome `{other}`") }),
        }
    }
}
