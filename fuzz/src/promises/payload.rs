//! Owns the promises about values and payloads: what decodes is canonical, can be shown, and is counted
//! right; what does not says where, within the bytes.

use std::sync::Arc;

use retake_chain::{
    ChainEvent, ChainEventPayload, DecodeError, MAX_VALUES, Origin, Outcome, Value, to_canonical_vec,
};
use serde::Deserialize;

/// Decodes an event's type, a zero byte and its data. Accepted is a payload that fits the type.
pub fn decode(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let event_type = String::from_utf8_lossy(&bytes[..end]);
    let data = bytes.get(end + 1..).unwrap_or_default();
    let event = ChainEvent::link(None, Arc::from(event_type), data.to_vec().into());
    decode_value(&event);
    decode_payload(&event)
}

fn decode_value(event: &ChainEvent) {
    match Value::decode(&event.data) {
        Ok(value) => {
            assert_eq!(to_canonical_vec(&value).expect("it was decoded"), event.data);
            assert_eq!(event.value_count(), count(&value).min(MAX_VALUES));
            show(&value);
        }
        Err(error) => assert_within(&error, event.data.len()),
    }
}

fn decode_payload(event: &ChainEvent) -> bool {
    let payload = match event.payload() {
        Ok(payload) => payload,
        Err(error) => {
            assert_within(&error, event.data.len());
            return false;
        }
    };
    assert_eq!(payload.encode(), event.data, "{payload:?}");
    assert!(payload.fits(&event.event_type) && payload.event_type() == event.event_type);
    assert_eq!(ChainEventPayload::decode(&event.event_type, &event.data), Ok(payload.clone()));
    let host_call = matches!(payload, ChainEventPayload::HostFunction(_));
    assert_eq!(event.is_host_call(), host_call);
    assert!(!(host_call && payload.kind().origin() == Origin::Host), "a guest's call is copied: {event}");
    serde_json::to_string(&payload).expect("a payload has a form for people");
    if let ChainEventPayload::HostFunction(call) = &payload {
        call.input.iter().for_each(show);
        let _shown = call.output.to_string();
        if let Outcome::Returned(Some(value)) = &call.output {
            show(value);
        }
    }
    true
}

fn show(value: &Value) {
    let _shown = value.to_string();
    let json = serde_json::to_string(value).expect("a value has a form in JSON");
    let mut reader = serde_json::Deserializer::from_str(&json);
    reader.disable_recursion_limit();
    assert_eq!(&Value::deserialize(&mut reader).expect("the form in JSON is one to one"), value);
}

/// The value and all inside it.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::List(values) => values.iter().map(count).sum(),
        Value::Record(fields) => fields.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}

fn assert_within(error: &DecodeError, length: usize) {
    let length = length as u64;
    let fits = match error {
        DecodeError::Truncated { offset, len } => *offset <= length && *len == length,
        DecodeError::Trailing { offset, extra } => offset + extra == length && *extra > 0,
        DecodeError::TooDeep { offset }
        | DecodeError::TooManyValues { offset }
        | DecodeError::NotCanonical { offset }
        | DecodeError::Syntax { offset, .. }
        | DecodeError::Shape { offset, .. }
        | DecodeError::DuplicateKey { offset, .. } => *offset <= length,
        DecodeError::UnknownKind { .. }
        | DecodeError::WrongType { .. }
        | DecodeError::WrongResponse { .. } => true,
    };
    assert!(fits, "{error} in {length} bytes");
}
