//! Owns the response of an exchange on its way to the client: it is passed on as it comes, and its end is
//! held back until the call is safe in the file.

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use retake_chain::Outcome;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use super::body::{BodyPart, ClientBody};
use super::observation::{SharedObservation, response_value};
use crate::call_timeout::TimedOutCall;

/// Where the client waits for its response.
pub(super) type ResponseSender = oneshot::Sender<Response<ClientBody>>;

/// What the actor sets as its response.
pub(super) type ActorResponse = Result<Response<HyperOutgoingBody>, ErrorCode>;

/// The reason for a response that was not passed on because its client was gone.
pub(super) const CLIENT_GONE: &str = "the client went away";

/// What became of a response.
pub(super) struct ResponseOutcome {
    pub outcome: Outcome,
    pub held: WithheldResponse,
}

/// The part of a response that is held back. Dropping it cuts the response off.
pub(super) enum WithheldResponse {
    /// The whole response, and the end of its body. Without an end the body is complete already, or broke
    /// off.
    Response(ResponseSender, Response<ClientBody>, Option<(mpsc::Sender<BodyPart>, BodyPart)>),
    /// The last part of its body.
    End(mpsc::Sender<BodyPart>, BodyPart),
    /// Dropping this breaks the body off. Sooner, the client might lose what was sent before.
    Cut(mpsc::Sender<BodyPart>),
    /// Nothing.
    Nothing,
}

impl WithheldResponse {
    /// The same for a call that took too long: a response that says so, unless another has started; that one
    /// breaks off.
    pub fn timed_out(self, call: &TimedOutCall) -> WithheldResponse {
        match self {
            WithheldResponse::Response(client, ..) => {
                let text = format!("the actor took longer than {:?}\n", call.limit);
                WithheldResponse::Response(client, plain(StatusCode::GATEWAY_TIMEOUT, &text), None)
            }
            WithheldResponse::End(parts, _) | WithheldResponse::Cut(parts) => WithheldResponse::Cut(parts),
            WithheldResponse::Nothing => WithheldResponse::Nothing,
        }
    }

    /// Lets the client have it.
    pub async fn release(self) {
        // A client that has gone is not a fault of the call.
        match self {
            WithheldResponse::Response(client, response, last) => {
                // Nothing has been sent, so the one part has room in the body's channel.
                if let Some((parts, last)) = last {
                    let _ = parts.try_send(last);
                }
                let _ = client.send(response);
            }
            WithheldResponse::End(parts, last) => {
                let _ = parts.send(last).await;
            }
            WithheldResponse::Cut(parts) => drop(parts),
            WithheldResponse::Nothing => {}
        }
    }
}

/// Passes the actor's response on as it comes, and holds back its end. When the call is `over`, a body that
/// is not finished breaks off.
pub(super) async fn send_response(
    response: oneshot::Receiver<ActorResponse>,
    client: ResponseSender,
    method: Method,
    over: CancellationToken,
) -> ResponseOutcome {
    let response = tokio::select! {
        biased;
        response = response => response.ok(),
        () = over.cancelled() => None,
    };
    let failure = match response {
        Some(Ok(response)) => return send_body(response, client, &method, &over).await,
        Some(Err(code)) => format!("the actor answered with the error {code:?}"),
        None => "the actor set no response".to_string(),
    };
    let response = plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{failure}\n"));
    ResponseOutcome {
        outcome: Outcome::Failed(failure),
        held: WithheldResponse::Response(client, response, None),
    }
}

/// Passes a response with a body on, frame by frame.
async fn send_body(
    response: Response<HyperOutgoingBody>,
    client: ResponseSender,
    method: &Method,
    over: &CancellationToken,
) -> ResponseOutcome {
    let (head, mut body) = response.into_parts();
    let mut passing = PassingBody::new(head, body.is_end_stream(), client, method);
    loop {
        let frame = tokio::select! {
            biased;
            // The body is dropped with this, so that the actor's next write finds its stream closed.
            () = passing.client_left() => {
                passing.client_gone = true;
                break;
            }
            frame = body.frame() => frame,
            // Only when the body has no frame, and no end.
            () = over.cancelled() => {
                passing.broken = true;
                break;
            }
        };
        match frame {
            Some(Ok(frame)) => passing.frame(frame).await,
            Some(Err(_)) => {
                passing.broken = true;
                break;
            }
            None => break,
        }
        if passing.client_gone {
            break;
        }
    }
    passing.end()
}

/// A response on its way to the client.
struct PassingBody {
    status: StatusCode,
    headers: HeaderMap,
    observation: SharedObservation,
    /// Whether a body follows the head. Where none does, a length says nothing, and what the actor writes
    /// goes nowhere.
    has_body: bool,
    /// Bytes that are missing from the length in the head. With a length the client knows the end from the
    /// last byte; without one it waits for the end itself.
    due: Option<u64>,
    parts: mpsc::Sender<BodyPart>,
    /// The client and the response, until the first bytes are passed on.
    unsent: Option<(ResponseSender, Response<ClientBody>)>,
    last: BodyPart,
    broken: bool,
    client_gone: bool,
}

impl PassingBody {
    fn new(head: http::response::Parts, is_at_end: bool, client: ResponseSender, method: &Method) -> Self {
        let (status, headers) = (head.status, head.headers.clone());
        let has_body = has_body(method, status);
        let due = if has_body { content_length(&headers) } else { None };
        let (parts, client_body) = ClientBody::channel();
        // The actor took no body, so its length is known.
        let is_empty = has_body && is_at_end && due.is_none_or(|due| due == 0);
        let client_body = if is_empty { ClientBody::empty() } else { client_body };
        PassingBody {
            status,
            headers,
            observation: SharedObservation::default(),
            has_body,
            due,
            parts,
            unsent: Some((client, Response::from_parts(head, client_body))),
            last: BodyPart::End,
            broken: false,
            client_gone: false,
        }
    }

    /// Completes when the client has gone, before its response or in the body of it.
    async fn client_left(&mut self) {
        match &mut self.unsent {
            Some((client, _)) => client.closed().await,
            None => self.parts.closed().await,
        }
    }

    /// Passes a frame on, unless it is the last one.
    async fn frame(&mut self, frame: Frame<Bytes>) {
        if let Some(chunk) = frame.data_ref() {
            self.observation.update(|body| body.chunk(chunk));
            match self.due.map(|due| due.checked_sub(chunk.len() as u64)) {
                Some(Some(rest)) => self.due = Some(rest),
                // More than the length in the head: no client could tell which of it was meant.
                Some(None) => self.broken = true,
                None => {}
            }
        }
        // A frame without bytes must not take the place of bytes, and HTTP/1.1 has no trailers beside a
        // length.
        let is_void =
            frame.data_ref().is_some_and(Bytes::is_empty) || frame.is_trailers() && self.due.is_some();
        if is_void || self.broken || !self.has_body {
            return;
        }
        if self.due == Some(0) || frame.is_trailers() {
            self.last = BodyPart::Last(frame);
            return;
        }
        if let Some((client, response)) = self.unsent.take() {
            self.client_gone |= client.send(response).is_err();
        }
        self.client_gone |= self.parts.send(BodyPart::Frame(frame)).await.is_err();
    }

    /// What became of the response, of which no more comes.
    fn end(mut self) -> ResponseOutcome {
        let client_gone = self.client_gone
            || match &self.unsent {
                Some((client, _)) => client.is_closed(),
                None => self.parts.is_closed(),
            };
        if client_gone {
            return ResponseOutcome {
                outcome: Outcome::Failed(CLIENT_GONE.into()),
                held: WithheldResponse::Nothing,
            };
        }
        self.broken |= self.due.is_some_and(|due| due > 0);
        if !self.broken {
            self.observation.update(|body| body.complete());
        }
        let value = response_value(self.status, &self.headers, self.observation.take());
        let held = match (self.unsent, self.broken) {
            (Some((client, response)), true) => WithheldResponse::Response(client, response, None),
            (Some((client, response)), false) => {
                WithheldResponse::Response(client, response, Some((self.parts, self.last)))
            }
            (None, false) => WithheldResponse::End(self.parts, self.last),
            (None, true) => WithheldResponse::Cut(self.parts),
        };
        ResponseOutcome { outcome: Outcome::Returned(Some(value)), held }
    }
}

/// Whether a body follows the head of a response (RFC 9110, 6.4.1).
fn has_body(method: &Method, status: StatusCode) -> bool {
    match *method {
        Method::HEAD => false,
        Method::CONNECT if status.is_success() => false,
        _ => {
            !status.is_informational()
                && ![StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status)
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(http::header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// A response that the session gives itself.
pub(super) fn plain(status: StatusCode, text: &str) -> Response<ClientBody> {
    let mut response = Response::new(ClientBody::full(text.to_string()));
    *response.status_mut() = status;
    response
}
