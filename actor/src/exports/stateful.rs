//! Owns [`StatefulCall`]: functions of Theater's shape, which carry the actor's state. It recognises them and
//! takes the new state out of what they return.

use retake_chain::{ContentRef, Outcome, Value};
use wasmtime::component::Type;
use wasmtime::component::types::ComponentFunc;

/// The largest state, in bytes, that every `wasm-result` has in full. A longer state is recorded as its
/// digest, with the bytes only where it changed.
pub const INLINE_STATE: usize = 1 << 10;

/// A function whose first parameter is `state: option<list<u8>>`, and that returns
/// `result<tuple<option<list<u8>>, ...>, string>`.
#[derive(Clone, Copy, Debug)]
pub struct StatefulCall {
    /// How many values it returns besides the state.
    rest: usize,
}

/// What a stateful function returned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct StatefulReturn {
    /// The new state; `None` if the function failed, which leaves the old one.
    state: Option<Value>,
    /// The rest: `ok` with what there is besides the state, or `err` with the message.
    response: Value,
}

impl StatefulCall {
    /// Splits the returned `value` of a call: its outcome without the state, and the state as the
    /// `wasm-result` carries it. A new state replaces `state`. A function without a state (`None`) returns
    /// its value as the outcome.
    pub fn returned(
        call: Option<StatefulCall>,
        value: Option<Value>,
        state: &mut Value,
    ) -> (Outcome, Option<Value>) {
        let split = call.zip(value.as_ref()).and_then(|(call, value)| call.split(value.clone()));
        let Some(split) = split else { return (Outcome::Returned(value), None) };
        let recorded = split.state.map(|new| {
            let recorded = state_to_record(&new, state);
            *state = new;
            recorded
        });
        (Outcome::Returned(Some(split.response)), recorded)
    }

    /// Whether a function is of that shape.
    pub fn of(ty: &ComponentFunc) -> Option<StatefulCall> {
        let (name, first) = ty.params().next()?;
        if name != "state" || !is_state(&first) {
            return None;
        }
        let mut results = ty.results();
        let (Some(Type::Result(result)), None) = (results.next(), results.next()) else { return None };
        let (Some(Type::Tuple(tuple)), Some(Type::String)) = (result.ok(), result.err()) else { return None };
        let types: Vec<Type> = tuple.types().collect();
        types.first().filter(|first| is_state(first)).map(|_| StatefulCall { rest: types.len() - 1 })
    }

    /// Takes the state out of what the function returned. `None` if the value is not of the function's type.
    fn split(&self, returned: Value) -> Option<StatefulReturn> {
        let Value::Record(mut case) = returned else { return None };
        let (name, payload) = case.pop()?;
        if &*name == "err" {
            return Some(StatefulReturn { state: None, response: Value::case("err", Some(payload)) });
        }
        let Value::List(mut values) = payload else { return None };
        if values.len() != self.rest + 1 {
            return None;
        }
        let state = values.remove(0);
        let rest = match self.rest {
            0 => None,
            1 => values.pop(),
            _ => Some(Value::List(values)),
        };
        Some(StatefulReturn { state: Some(state), response: Value::case("ok", rest) })
    }
}

fn is_state(ty: &Type) -> bool {
    let Type::Option(option) = ty else { return false };
    matches!(option.ty(), Type::List(list) if list.ty() == Type::U8)
}

/// The state as a `wasm-result` carries it: in full, or if it is long, as length and digest, with the bytes
/// if it differs from `before`, the last state on the chain.
fn state_to_record(state: &Value, before: &Value) -> Value {
    let bytes = match state {
        Value::List(one) => match one.as_slice() {
            [Value::Bytes(bytes)] => bytes,
            _ => return state.clone(),
        },
        _ => return state.clone(),
    };
    if bytes.len() <= INLINE_STATE {
        return state.clone();
    }
    let mut fields = vec![
        ("length", Value::from(bytes.len() as u64)),
        ("sha256", Value::from(ContentRef::of(bytes).as_ref().to_vec())),
    ];
    if state != before {
        fields.push(("bytes", Value::Bytes(bytes.clone())));
    }
    Value::record(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(bytes: &[u8]) -> Value {
        Value::List(vec![Value::from(bytes.to_vec())])
    }

    #[test]
    fn what_is_returned_besides_the_state_is_the_response() {
        let returned = |values| Value::case("ok", Some(Value::List(values)));
        let table = [
            (vec![state(b"s")], Value::case("ok", None)),
            (vec![state(b"s"), Value::from(7u32)], Value::case("ok", Some(Value::from(7u32)))),
            (
                vec![state(b"s"), Value::from(7u32), Value::from("x")],
                Value::case("ok", Some(Value::List(vec![Value::from(7u32), Value::from("x")]))),
            ),
        ];
        for (values, response) in table {
            let call = StatefulCall { rest: values.len() - 1 };
            let split = call.split(returned(values)).expect("a value of the function's type");
            assert_eq!(split, StatefulReturn { state: Some(state(b"s")), response });
        }
    }

    #[test]
    fn a_function_that_fails_leaves_the_state() {
        let failed = Value::case("err", Some(Value::from("no")));
        let split = StatefulCall { rest: 1 }.split(failed.clone()).expect("a value of the function's type");
        assert_eq!(split, StatefulReturn { state: None, response: failed });
    }

    #[test]
    fn a_long_state_is_told_by_its_digest_and_once_by_its_bytes() {
        let long = state(&[7; INLINE_STATE + 1]);
        let short = state(&[7; INLINE_STATE]);
        assert_eq!(state_to_record(&short, &short), short);
        assert_eq!(state_to_record(&Value::None, &short), Value::None);

        let changed = state_to_record(&long, &short);
        let same = state_to_record(&long, &long);
        assert_eq!(changed.field("length"), Some(&Value::from(INLINE_STATE as u64 + 1)));
        assert_eq!(changed.field("sha256"), same.field("sha256"));
        assert!(changed.field("bytes").is_some());
        assert!(same.field("bytes").is_none());
    }
}
