//! Owns how values of recorded calls are read for an exchange: results, headers, methods and paths.

use std::collections::BTreeMap;

use retake_chain::{HostFunctionCall, Outcome, Value};

/// Memory of a header besides its bytes, and of a handle.
pub(super) const ENTRY: usize = 128;

/// Header values by lower-case name. The order of names is not compared.
pub(super) type Headers = BTreeMap<String, Vec<Vec<u8>>>;

/// The result of a host function.
pub(super) enum HostResult<'a> {
    /// `ok`, with its value.
    Ok(Option<&'a Value>),
    /// `err`, with its value.
    Err(Option<&'a Value>),
    /// It did not return.
    None,
}

/// The result of a function without a `result`.
pub(super) fn plain(call: &HostFunctionCall) -> Option<&Value> {
    match &call.output {
        Outcome::Returned(value) => value.as_ref(),
        Outcome::Exited(_) | Outcome::Trapped { .. } | Outcome::Failed(_) | Outcome::Cancelled => None,
    }
}

/// The result of a function with a `result`.
pub(super) fn answer(call: &HostFunctionCall) -> HostResult<'_> {
    match plain(call).and_then(Value::as_case) {
        Some(("ok", value)) => HostResult::Ok(value),
        Some(("err", value)) => HostResult::Err(value),
        _ => HostResult::None,
    }
}

/// The handle, if the value is one.
pub(super) fn handle(value: Option<&Value>) -> Option<u32> {
    match value {
        Some(Value::Handle(number)) => Some(*number),
        _ => None,
    }
}

/// The fields of a record that has exactly these, in this order.
pub(super) fn fields_of<'a, const N: usize>(
    value: Option<&'a Value>,
    names: [&str; N],
) -> Option<[&'a Value; N]> {
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
pub(super) fn headers(value: &Value) -> Option<Headers> {
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

/// The value of a header as a host keeps it: a host rewrites the number of `content-length`.
pub(super) fn bytes(name: &str, value: &Value) -> Option<Vec<u8>> {
    let Value::Bytes(bytes) = value else { return None };
    let length = || str::from_utf8(bytes).ok()?.parse::<u64>().ok();
    match name {
        "content-length" => Some(length().map_or_else(|| bytes.to_vec(), |length| length.to_string().into())),
        _ => Some(bytes.to_vec()),
    }
}

/// Memory of these headers.
pub(super) fn cost(headers: &Headers) -> usize {
    let one = |(name, values): (&String, &Vec<Vec<u8>>)| {
        ENTRY + name.len() + values.iter().map(|value| ENTRY + value.len()).sum::<usize>()
    };
    ENTRY + headers.iter().map(one).sum::<usize>()
}

/// The method of a request, as HTTP writes it.
pub(super) fn method(value: &Value) -> Option<String> {
    match value.as_case()? {
        ("other", Some(Value::String(method))) => Some(method.clone()),
        (method, None) => Some(method.to_ascii_uppercase()),
        _ => None,
    }
}

/// The path of a request. The host notes `/` for a request without one.
pub(super) fn path(value: &Value) -> Option<String> {
    match value {
        Value::None => Some("/".into()),
        Value::List(some) => match &some[..] {
            [Value::String(path)] => Some(path.clone()),
            _ => None,
        },
        _ => None,
    }
}
