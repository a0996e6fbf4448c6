//! Owns the recipes of takes whose observation of an HTTP exchange is not what the calls of the actor make of
//! it.

use retake_chain::{ChainEventPayload, HostFunctionCall, Outcome, Value};

use super::session::{OBSERVATION, exchange};

/// The observation in an event.
pub fn observation_of(payload: &mut ChainEventPayload) -> &mut HostFunctionCall {
    match payload {
        ChainEventPayload::HostFunction(call) => call,
        other => panic!("{other:?} is not an observation"),
    }
}

/// The response in an observation, or a part of it.
pub fn response_of<'a>(call: &'a mut HostFunctionCall, path: &[&str]) -> &'a mut Value {
    match &mut call.output {
        Outcome::Returned(Some(response)) => part_of(response, path),
        other => panic!("{other:?} is not a response"),
    }
}

/// A field of a field of a record.
pub fn part_of<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Value {
    path.iter().fold(value, |value, name| match value {
        Value::Record(fields) => {
            let field = fields.iter_mut().find(|(key, _)| **key == **name);
            &mut field.unwrap_or_else(|| panic!("no field {name}")).1
        }
        other => panic!("{other:?} is not a record"),
    })
}

/// The response without its status.
pub fn form() -> Vec<u8> {
    let without = |payload: &mut ChainEventPayload| match response_of(observation_of(payload), &[]) {
        Value::Record(fields) => drop(fields.remove(0)),
        other => panic!("{other:?} is not a record"),
    };
    exchange().altered(OBSERVATION, without).sealed()
}

/// The response with another status than the actor set.
pub fn differs() -> Vec<u8> {
    let other =
        |payload: &mut ChainEventPayload| *response_of(observation_of(payload), &["status"]) = 200u64.into();
    exchange().altered(OBSERVATION, other).sealed()
}

pub fn missing() -> Vec<u8> {
    exchange().without(OBSERVATION..OBSERVATION + 1).sealed()
}
