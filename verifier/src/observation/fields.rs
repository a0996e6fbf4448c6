//! Owns what the calls to the `fields` of `wasi:http` do to an exchange.

use std::sync::Arc;

use retake_chain::{HostFunctionCall, Value};

use super::exchange::{Exchange, Fields};
use super::value::{ENTRY, Headers, HostResult, answer, bytes, cost, handle, headers, plain};

impl Exchange {
    /// Takes a call that makes, reads, changes or drops fields.
    pub fn fields_call(&mut self, call: &HostFunctionCall, budget: &mut usize) {
        let first = handle(call.input.first());
        match &*call.function {
            "[constructor]fields" => self.new_fields(handle(plain(call)), Some(Arc::default()), budget),
            "[static]fields.from-list" => {
                if let HostResult::Ok(made) = answer(call) {
                    self.new_fields(handle(made), call.input.first().and_then(headers).map(Arc::new), budget);
                }
            }
            "[method]fields.clone" => self.new_fields(handle(plain(call)), self.headers_of(first), budget),
            "[method]fields.set" | "[method]fields.append" | "[method]fields.delete" => {
                if let HostResult::Ok(_) = answer(call) {
                    self.change_fields(first, call, budget);
                }
            }
            "[method]fields.entries" => self.headers_seen(first, plain(call).and_then(headers), budget),
            "[method]fields.get" => self.header_seen(first, call, budget),
            "[resource-drop]fields" => self.forget_fields(first, budget),
            "[constructor]outgoing-request" => self.forget_fields(first, budget),
            _ => {}
        }
    }

    /// The headers in fields, if they are known.
    pub fn headers_of(&self, fields: Option<u32>) -> Option<Arc<Headers>> {
        match self.fields.get(&fields?)? {
            Fields::Known(headers) => Some(headers.clone()),
            Fields::OfRequest(request) => {
                self.current.as_ref().filter(|current| current.request == *request)?.all_headers.clone()
            }
        }
    }

    pub fn new_fields(&mut self, made: Option<u32>, headers: Option<Arc<Headers>>, budget: &mut usize) {
        if let (Some(made), Some(headers)) = (made, headers) {
            let cost = cost(&headers);
            self.fields.insert(made, Fields::Known(headers));
            self.charge(cost, budget);
        }
    }

    pub fn forget_fields(&mut self, fields: Option<u32>, budget: &mut usize) {
        match fields.and_then(|fields| self.fields.remove(&fields)) {
            Some(Fields::Known(headers)) => self.refund(cost(&headers), budget),
            Some(Fields::OfRequest(_)) => self.refund(ENTRY, budget),
            None => {}
        }
    }

    fn change_fields(&mut self, fields: Option<u32>, call: &HostFunctionCall, budget: &mut usize) {
        let Some(Fields::Known(headers)) = fields.and_then(|fields| self.fields.get_mut(&fields)) else {
            return;
        };
        let (before, changed) = (cost(headers), Arc::make_mut(headers));
        match (&*call.function, &call.input[..]) {
            ("[method]fields.set", [_, Value::String(name), Value::List(values)]) => {
                let name = name.to_ascii_lowercase();
                let values: Option<Vec<_>> = values.iter().map(|value| bytes(&name, value)).collect();
                changed.remove(&name);
                if let Some(values) = values.filter(|values| !values.is_empty()) {
                    changed.insert(name, values);
                }
            }
            ("[method]fields.append", [_, Value::String(name), value]) => {
                let name = name.to_ascii_lowercase();
                if let Some(value) = bytes(&name, value) {
                    changed.entry(name).or_default().push(value);
                }
            }
            ("[method]fields.delete", [_, Value::String(name)]) => {
                changed.remove(&name.to_ascii_lowercase());
            }
            _ => {}
        }
        let after = cost(headers);
        self.refund(before, budget);
        self.charge(after, budget);
    }

    /// The actor read all headers.
    fn headers_seen(&mut self, fields: Option<u32>, found: Option<Headers>, budget: &mut usize) {
        let (Some(fields), Some(found)) = (fields, found.map(Arc::new)) else { return };
        match self.fields.get(&fields) {
            Some(Fields::Known(_)) => {}
            Some(Fields::OfRequest(request)) => {
                let request = *request;
                let cost = cost(&found);
                let Some(current) = self.of_request(Some(request)) else { return };
                if current.all_headers.is_none() {
                    current.all_headers = Some(found);
                    current.charged += cost;
                    self.charge(cost, budget);
                }
            }
            None => self.new_fields(Some(fields), Some(found), budget),
        }
    }

    /// The actor read one header.
    fn header_seen(&mut self, fields: Option<u32>, call: &HostFunctionCall, budget: &mut usize) {
        let Some(Fields::OfRequest(request)) = fields.and_then(|fields| self.fields.get(&fields)) else {
            return;
        };
        let request = *request;
        let ([_, Value::String(name)], Some(Value::List(values))) = (&call.input[..], plain(call)) else {
            return;
        };
        let name = name.to_ascii_lowercase();
        let values: Option<Vec<_>> = values.iter().map(|value| bytes("", value)).collect();
        let (Some(values), Some(current)) = (values, self.of_request(Some(request))) else { return };
        let cost = ENTRY + name.len() + values.iter().map(|value| ENTRY + value.len()).sum::<usize>();
        if current.seen_headers.insert(name, values).is_none() {
            current.charged += cost;
            self.charge(cost, budget);
        }
    }
}
