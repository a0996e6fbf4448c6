//! Owns one exchange: a request in, a call of the actor, a response out, and the host's observation of both on the chain.
//!
//! The client gets the end of its response only when the recorder has made the call safe: what a client has been
//! told is in the file.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body;
use retake_actor::HasActor;
use retake_chain::{ChainEventData, HostFunctionCall, Outcome, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::{Resource, ResourceType, Val};
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};

use super::body::{ClientBody, Observed, Part, RequestBody};
use super::observation::{RequestHead, Shared, response_value};
use super::refusals::{Refusal, Refusals};
use crate::actor_thread::overdue;
use crate::call_timeout::TimedOutCall;
use crate::error::RecordError;
use crate::host::Host;
use crate::live_actor::{Arguments, LiveActor};

/// Where the client waits for its response.
pub(super) type Client = oneshot::Sender<Response<ClientBody>>;

type ActorResponse = Result<Response<HyperOutgoingBody>, ErrorCode>;

/// How long after the calls were given up a response that has come is still passed on. Less than the actor is given to come
/// back, so that the exchange is noted by then.
const PASS_ON: Duration = Duration::from_secs(1);

/// A request that the actor did not answer as it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedExchange {
    /// Such as `GET /path`.
    pub request: String,
    /// What happened: how the call ended, or what is wrong with its response.
    pub reason: String,
}

/// Hears of failed exchanges.
pub(super) type OnFailure = dyn Fn(FailedExchange) + Send + Sync;

/// Why a response was not passed on whose client was no longer there.
const CLIENT_GONE: &str = "the client went away";

/// Lets the actor handle one request.
pub(super) async fn exchange(
    actor: &mut LiveActor<Host>,
    request: Request<RequestBody>,
    client: Client,
    refusals: &Refusals,
    on_failure: &OnFailure,
) -> Result<(), RecordError> {
    let program = actor.program().clone();
    let entry = program.entry()?;
    let (parts, body) = request.into_parts();
    let head = RequestHead::of(&parts);
    let method = parts.method.clone();
    let request_body = Shared::default();
    let request = Request::from_parts(parts, Observed::new(body, request_body.clone()));

    let (outparam, response) = oneshot::channel();
    let Ok((arguments, outparam)) = arguments(actor.store()?, request, outparam) else {
        // No host to address: the request never reaches the actor.
        refusals.count(Refusal::NoHost);
        let _ = client.send(plain(StatusCode::BAD_REQUEST, "the request names no host\n"));
        return Ok(());
    };
    let over = CancellationToken::new();
    let send = send_response(response, client, method, over.clone());
    let given_up = actor.cancel().clone();
    let sender = AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::select! { sent = send => Some(sent), () = overdue(&given_up, PASS_ON) => None }
    }));
    let ended = actor.call(entry, arguments).await?;
    if ended.is_early() {
        // wasmtime ends a body that the actor did not finish as if it had, which would pass for a whole response. So the
        // instance stays until the body has been looked at.
        over.cancel();
    } else {
        // The response's body ends with the instance that writes it, at the latest.
        actor.leave_instance();
    }
    if let Some(host) = actor.kept() {
        over.cancel();
        // An instance that lives on may have kept it without setting a response; then there is none. Otherwise its place
        // in the table may be another resource's by now.
        let outparam = Resource::<HostResponseOutparam>::new_own(outparam);
        let table = host.http().table;
        if table.get(&outparam).is_ok() {
            let _ = table.delete(outparam);
        }
    }
    let (outcome, held) = if ended.is_given_up() {
        let held = match &ended.timed_out {
            // A client that does not read keeps the actor no longer.
            Some(call) => match timeout(PASS_ON, sender).await {
                Ok(Ok(Some(sent))) => sent.held.timed_out(call),
                _ => Held::Nothing,
            },
            None => {
                drop(sender);
                Held::Nothing
            }
        };
        // From this outcome replay knows a call that was given up.
        (Outcome::Cancelled, held)
    } else {
        match sender.await {
            Ok(Some(sent)) => (sent.outcome, sent.held),
            Ok(None) | Err(_) => (Outcome::Failed("the response was not passed on".into()), Held::Nothing),
        }
    };

    let reason = match (ended.answer(&entry.name), &outcome) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(_), Outcome::Failed(reason)) if reason != CLIENT_GONE => Some(reason.clone()),
        _ => None,
    };
    if let Some(reason) = reason {
        on_failure(FailedExchange { request: head.line(), reason });
    }
    let (interface, function) = entry.parts();
    let observation = HostFunctionCall {
        interface: interface.unwrap_or_default().into(),
        function: function.into(),
        input: vec![head.value(request_body.take())],
        output: outcome,
    };
    actor.append(ChainEventData::host_function(observation)).await?;
    actor.finish(entry, ended).await?;
    actor.recorder().commit().await?;
    held.release().await;
    Ok(())
}

/// The arguments of `handle`, as the engine takes them and as the events carry them, and the host's name for the second.
fn arguments(
    store: &mut Store<Host>,
    request: Request<Observed>,
    outparam: oneshot::Sender<ActorResponse>,
) -> wasmtime::Result<(Arguments, u32)> {
    let mut http = store.data_mut().http();
    let request: Resource<HostIncomingRequest> = http.new_incoming_request(Scheme::Http, request)?;
    let outparam: Resource<HostResponseOutparam> = http.new_response_outparam(outparam)?;
    let tap = &mut store.data_mut().actor().tap;
    let recorded = vec![
        Value::Handle(tap.introduce(ResourceType::host::<HostIncomingRequest>(), request.rep())),
        Value::Handle(tap.introduce(ResourceType::host::<HostResponseOutparam>(), outparam.rep())),
    ];
    let rep = outparam.rep();
    let request = request.try_into_resource_any(store.as_context_mut())?;
    let outparam = outparam.try_into_resource_any(store.as_context_mut())?;
    Ok((Arguments { vals: vec![Val::Resource(request), Val::Resource(outparam)], recorded }, rep))
}

/// What became of a response.
struct Sent {
    outcome: Outcome,
    held: Held,
}

/// What the client is still owed. Dropping it cuts the response off.
enum Held {
    /// The whole response, and what its body ends with; without that the body is there already, or broke off.
    Response(Client, Response<ClientBody>, Option<(mpsc::Sender<Part>, Part)>),
    /// The last part of its body.
    End(mpsc::Sender<Part>, Part),
    /// The break of its body, which comes when this is dropped: sooner, the client might lose what was sent before.
    Cut(mpsc::Sender<Part>),
    /// Nothing.
    Nothing,
}

impl Held {
    /// What the client is owed where the call took too long: an answer that says so, unless another has begun, which breaks off.
    fn timed_out(self, call: &TimedOutCall) -> Held {
        match self {
            Held::Response(client, ..) => {
                let text = format!("the actor took longer than {:?}\n", call.limit);
                Held::Response(client, plain(StatusCode::GATEWAY_TIMEOUT, &text), None)
            }
            Held::End(parts, _) | Held::Cut(parts) => Held::Cut(parts),
            Held::Nothing => Held::Nothing,
        }
    }

    async fn release(self) {
        // A client that has gone is no fault of the call.
        match self {
            Held::Response(client, response, last) => {
                // Nothing has been sent, so the one part has room in the body's channel.
                if let Some((parts, last)) = last {
                    let _ = parts.try_send(last);
                }
                let _ = client.send(response);
            }
            Held::End(parts, last) => {
                let _ = parts.send(last).await;
            }
            Held::Cut(parts) => drop(parts),
            Held::Nothing => {}
        }
    }
}

/// Passes the actor's response on as it comes, and holds back what would complete it. When the call is `over`, what is not
/// finished has no end.
async fn send_response(
    response: oneshot::Receiver<ActorResponse>,
    client: Client,
    method: Method,
    over: CancellationToken,
) -> Sent {
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
    Sent { outcome: Outcome::Failed(failure), held: Held::Response(client, response, None) }
}

async fn send_body(
    response: Response<HyperOutgoingBody>,
    client: Client,
    method: &Method,
    over: &CancellationToken,
) -> Sent {
    let (head, mut body) = response.into_parts();
    let (status, headers) = (head.status, head.headers.clone());
    let observation = Shared::default();
    // Where no body follows the head, a length says nothing, and what the actor writes goes nowhere.
    let has_body = has_body(method, status);
    // With a given length the client knows the end from the last byte; otherwise it waits for the end itself.
    let mut due = if has_body { content_length(&headers) } else { None };
    let (parts, client_body) = ClientBody::channel();
    // The actor took no body, so that its length is known.
    let is_empty = has_body && body.is_end_stream() && due.is_none_or(|due| due == 0);
    let client_body = if is_empty { ClientBody::empty() } else { client_body };
    let mut waiting = Some((client, Response::from_parts(head, client_body)));
    let mut last = Part::End;
    let (mut broken, mut client_gone) = (false, false);
    loop {
        let frame = tokio::select! {
            biased;
            // The body is dropped with this, so that the actor's next write finds its stream closed.
            () = left(&mut waiting, &parts) => {
                client_gone = true;
                break;
            }
            frame = body.frame() => frame.map(Result::ok),
            // Only when the body has no frame, and no end.
            () = over.cancelled() => Some(None),
        };
        let Some(frame) = frame else { break };
        let Some(frame) = frame else {
            broken = true;
            break;
        };
        if let Some(chunk) = frame.data_ref() {
            observation.update(|body| body.chunk(chunk));
            match due.map(|due| due.checked_sub(chunk.len() as u64)) {
                Some(Some(rest)) => due = Some(rest),
                // More than the length that the head gives: no client could tell which of it was meant.
                Some(None) => broken = true,
                None => {}
            }
        }
        // Nothing that carries no bytes takes the place of bytes, and HTTP/1.1 has no trailers beside a length.
        let is_void = frame.data_ref().is_some_and(Bytes::is_empty) || frame.is_trailers() && due.is_some();
        if is_void || broken || !has_body {
            continue;
        }
        if due == Some(0) || frame.is_trailers() {
            last = Part::Last(frame);
            continue;
        }
        if let Some((client, response)) = waiting.take() {
            client_gone |= client.send(response).is_err();
        }
        client_gone |= parts.send(Part::Frame(frame)).await.is_err();
        if client_gone {
            break;
        }
    }
    client_gone |= match &waiting {
        Some((client, _)) => client.is_closed(),
        None => parts.is_closed(),
    };
    if client_gone {
        return Sent { outcome: Outcome::Failed(CLIENT_GONE.into()), held: Held::Nothing };
    }
    broken |= due.is_some_and(|due| due > 0);
    if !broken {
        observation.update(|body| body.complete());
    }
    let outcome = Outcome::Returned(Some(response_value(status, &headers, observation.take())));
    let broken_parts = parts.clone();
    let end = (!broken).then_some((parts, last));
    let held = match (waiting, end) {
        (Some((client, response)), end) => Held::Response(client, response, end),
        (None, Some((parts, last))) => Held::End(parts, last),
        (None, None) => Held::Cut(broken_parts),
    };
    Sent { outcome, held }
}

/// Completes when the client has gone, before its response or in the body of it.
async fn left(waiting: &mut Option<(Client, Response<ClientBody>)>, parts: &mpsc::Sender<Part>) {
    match waiting {
        Some((client, _)) => client.closed().await,
        None => parts.closed().await,
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

/// A response of the session's own.
pub(super) fn plain(status: StatusCode, text: &str) -> Response<ClientBody> {
    let mut response = Response::new(ClientBody::full(text.to_string()));
    *response.status_mut() = status;
    response
}
