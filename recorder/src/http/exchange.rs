//! Owns one exchange: a request in, a call of the actor, a response out, and the host's observation of both
//! on the chain.
//!
//! The client gets the end of its response only when the recorder has made the call safe: what a client has
//! received is in the file.

use std::time::Duration;

use http::{Request, StatusCode};
use retake_actor::HasActor;
use retake_chain::{ChainEventData, HostFunctionCall, Outcome, Value};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::{Resource, ResourceType, Val};
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};

use super::body::{ObservedBody, RequestBody};
use super::observation::{RequestHead, SharedObservation};
use super::refusals::{Refusal, Refusals};
use super::response::{
    ActorResponse, CLIENT_GONE, ResponseOutcome, ResponseSender, WithheldResponse, plain, send_response,
};
use crate::error::RecordError;
use crate::recorded_actor::RecordedActor;
use crate::recorded_call::{CallArguments, EndedCall};
use crate::running_actor::overdue;

/// How long after the calls were given up a response that has come is still passed on. It is less than the
/// time that the actor has to come back, so that the exchange is recorded by then.
const PASS_ON: Duration = Duration::from_secs(1);

/// A request that the actor did not answer as it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedExchange {
    /// Such as `GET /path`.
    pub request: String,
    /// How the call ended, or what is wrong with its response.
    pub reason: String,
}

/// Called with each failed exchange.
pub(super) type OnFailure = dyn Fn(FailedExchange) + Send + Sync;

/// Lets the actor handle one request, and writes the exchange to its chain.
pub(super) async fn exchange<T: HasActor + WasiHttpView>(
    actor: &mut RecordedActor<T>,
    request: Request<RequestBody>,
    client: ResponseSender,
    refusals: &Refusals,
    on_failure: &OnFailure,
) -> Result<(), RecordError> {
    let program = actor.program().clone();
    let entry = program.entry()?;
    let (parts, body) = request.into_parts();
    let head = RequestHead::of(&parts);
    let method = parts.method.clone();
    let request_body = SharedObservation::default();
    let request = Request::from_parts(parts, ObservedBody::new(body, request_body.clone()));

    let (outparam, response) = oneshot::channel();
    let Ok((arguments, outparam)) = arguments(actor.store()?, request, outparam) else {
        // The URI has no authority, so the request never reaches the actor.
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
    end_response(actor, &ended, outparam, &over);
    let ResponseOutcome { outcome, held } = sent(sender, &ended).await;

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

/// The call has ended: nothing can come of its response but what is there by now.
fn end_response<T: HasActor + WasiHttpView>(
    actor: &mut RecordedActor<T>,
    ended: &EndedCall,
    outparam: u32,
    over: &CancellationToken,
) {
    if ended.is_early() {
        // wasmtime ends a body that the actor did not finish as if it were whole, and it would pass for a
        // whole response. So the instance stays until the body was looked at.
        over.cancel();
    } else {
        // The response's body ends with the instance that writes it, at the latest.
        actor.leave_instance();
    }
    if let Some(host) = actor.instance_data() {
        over.cancel();
        // An instance that lives on may have kept the outparam without setting a response; then there is
        // none. Otherwise another resource may have its place in the table by now.
        let outparam = Resource::<HostResponseOutparam>::new_own(outparam);
        let table = host.http().table;
        if table.get(&outparam).is_ok() {
            let _ = table.delete(outparam);
        }
    }
}

/// What became of the response, for a call that ended so.
async fn sent(sender: AbortOnDropHandle<Option<ResponseOutcome>>, ended: &EndedCall) -> ResponseOutcome {
    if !ended.is_given_up() {
        let not_passed_on = || ResponseOutcome {
            outcome: Outcome::Failed("the response was not passed on".into()),
            held: WithheldResponse::Nothing,
        };
        return sender.await.ok().flatten().unwrap_or_else(not_passed_on);
    }
    let held = match &ended.timed_out {
        // A client that does not read delays the actor no longer than this.
        Some(call) => match timeout(PASS_ON, sender).await {
            Ok(Ok(Some(sent))) => sent.held.timed_out(call),
            _ => WithheldResponse::Nothing,
        },
        None => {
            drop(sender);
            WithheldResponse::Nothing
        }
    };
    // By this outcome a replay knows that the call was given up.
    ResponseOutcome { outcome: Outcome::Cancelled, held }
}

/// The arguments of `handle`, as the engine takes them and as the events carry them, and the host's name for
/// the second.
fn arguments<T: HasActor + WasiHttpView>(
    store: &mut Store<T>,
    request: Request<ObservedBody>,
    outparam: oneshot::Sender<ActorResponse>,
) -> wasmtime::Result<(CallArguments, u32)> {
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
    Ok((CallArguments { vals: vec![Val::Resource(request), Val::Resource(outparam)], recorded }, rep))
}
