//! Owns how an actor takes a message of another actor, and how it responds to a request.

use bytes::Bytes;
use retake_actor::{ActorError, HasActor};
use retake_chain::{ActorMessage, TheaterRuntimeEventData, response_in};

use crate::error::RecordError;
use crate::recorded_actor::RecordedActor;

/// Hands a message to the actor. The answer is the response to a request.
pub(crate) async fn take_message<T: HasActor>(
    actor: &mut RecordedActor<T>,
    message: ActorMessage,
) -> Result<Result<Bytes, ActorError>, RecordError> {
    let (handler, params) = (message.handler(), message.params());
    // The call that takes a message follows it, so whether that call is possible is found out first.
    if let Err(refused) = actor.accepts(handler, &params) {
        drop_message(actor, &message).await?;
        return Ok(Err(refused));
    }
    let ActorMessage { from, number, .. } = message;
    actor.append_runtime(TheaterRuntimeEventData::Message { from, number }).await?;
    let returned = match actor.call_function(handler, params).await? {
        Ok(returned) => returned,
        Err(error) => return Ok(Err(error)),
    };
    let response = response_in(returned.as_ref()).cloned();
    Ok(response.map_err(|missing| ActorError::NoResponse { reason: missing.to_string() }))
}

/// Writes that the actor did not take a message.
pub(crate) async fn drop_message<T: HasActor>(
    actor: &mut RecordedActor<T>,
    message: &ActorMessage,
) -> Result<(), RecordError> {
    let ActorMessage { from, number, .. } = *message;
    actor.append_runtime(TheaterRuntimeEventData::MessageDropped { from, number }).await
}
