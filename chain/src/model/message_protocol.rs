//! Owns the protocol of Theater's message server, as it shows in a chain: the exports that take a message,
//! the id of a request, and the shape of a response. The recorder makes these calls; the verifier recognises
//! them.

use bytes::Bytes;

use crate::model::ids::TheaterId;
use crate::model::value::Value;

const HANDLE_SEND: &str = "theater:simple/message-server-client/handle-send";
const HANDLE_REQUEST: &str = "theater:simple/message-server-client/handle-request";

/// A message between two actors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorMessage {
    /// The sender.
    pub from: TheaterId,
    /// Number of the message among those that the sender sent or tried to send, from 0.
    pub number: u64,
    /// Whether the sender waits for a response.
    pub is_request: bool,
    /// What it says.
    pub content: Bytes,
}

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoResponse {
    /// The handler returned no value.
    #[error("it returned nothing")]
    NothingReturned,
    /// The handler returned an error.
    #[error("{0}")]
    Refused(String),
    /// What the handler returned has no response in it.
    #[error("it has none")]
    Missing,
    /// The response is not a list of bytes.
    #[error("its response is not a list of bytes")]
    NotBytes,
}

impl ActorMessage {
    /// The export that takes the message.
    pub fn handler(&self) -> &'static str {
        if self.is_request { HANDLE_REQUEST } else { HANDLE_SEND }
    }

    /// What that export is called with, apart from a state.
    pub fn params(&self) -> Vec<Value> {
        let content = Value::Bytes(self.content.clone());
        let params = match self.is_request {
            true => vec![Value::String(request_id(self.from, self.number)), content],
            false => vec![content],
        };
        vec![Value::List(params)]
    }

    /// The message with this sender and number, if the call takes it.
    pub fn taken_by(from: TheaterId, number: u64, function_name: &str, params: &[Value]) -> Option<Self> {
        let [Value::List(params)] = params else { return None };
        let (is_request, content) = match (function_name, &params[..]) {
            (HANDLE_SEND, [Value::Bytes(content)]) => (false, content.clone()),
            (HANDLE_REQUEST, [Value::String(id), Value::Bytes(content)])
                if *id == request_id(from, number) =>
            {
                (true, content.clone())
            }
            _ => return None,
        };
        Some(ActorMessage { from, number, is_request, content })
    }
}

/// The name that a request has for the actor that responds to it.
fn request_id(from: TheaterId, number: u64) -> String {
    format!("{from}/{number}")
}

/// The response in what the handler of a request returned, without its state.
///
/// # Errors
/// [`NoResponse`] if there is none.
pub fn response_in(returned: Option<&Value>) -> Result<&Bytes, NoResponse> {
    match returned.ok_or(NoResponse::NothingReturned)?.as_case() {
        Some(("ok", Some(Value::List(results)))) => match &results[..] {
            [Value::List(response)] => match &response[..] {
                [Value::Bytes(bytes)] => Ok(bytes),
                _ => Err(NoResponse::NotBytes),
            },
            _ => Err(NoResponse::Missing),
        },
        Some(("err", Some(Value::String(message)))) => Err(NoResponse::Refused(message.clone())),
        _ => Err(NoResponse::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_recognised_in_the_call_that_takes_it() {
        let (from, other) = (TheaterId::generate(), TheaterId::generate());
        for is_request in [false, true] {
            let message = ActorMessage { from, number: 7, is_request, content: Bytes::from_static(b"hi") };
            let taken =
                |from, number| ActorMessage::taken_by(from, number, message.handler(), &message.params());
            assert_eq!(taken(from, 7).as_ref(), Some(&message));
            // Only a request carries its sender and number.
            assert_eq!(taken(other, 7).is_some(), !is_request);
            assert_eq!(taken(from, 8).is_some(), !is_request);
        }
    }
}
