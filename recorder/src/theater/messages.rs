//! Owns `theater:simple/message-server-host`: messages to other actors of the session.

use bytes::Bytes;
use retake_actor::{ActorStore, HasActor, MessageError, Messenger, TheaterCommand};
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::Linker;
use wasmtime::{Result, StoreContextMut};

type Theater = mpsc::Sender<TheaterCommand>;

/// Provides the interface.
pub(super) fn add_to_linker<T: HasActor>(linker: &mut Linker<T>) -> Result<()> {
    let mut messages = linker.instance("theater:simple/message-server-host")?;
    messages.func_wrap_async(
        "send",
        |mut store: StoreContextMut<'_, T>, (to, message): (String, Vec<u8>)| {
            let (theater_tx, messenger) = next_message(&store.data_mut().actor().store);
            Box::new(async move {
                let command = |answer| TheaterCommand::SendMessage {
                    messenger,
                    to,
                    message: Bytes::from(message),
                    answer,
                };
                let sent = ask(&theater_tx, command).await;
                Ok((sent.map_err(|error| error.to_string()),))
            })
        },
    )?;
    messages.func_wrap_async(
        "request",
        |mut store: StoreContextMut<'_, T>, (to, message): (String, Vec<u8>)| {
            let (theater_tx, messenger) = next_message(&store.data_mut().actor().store);
            Box::new(async move {
                let command =
                    |answer| TheaterCommand::Request { messenger, to, message: Bytes::from(message), answer };
                let response = ask(&theater_tx, command).await;
                Ok((response.map(|bytes| bytes.to_vec()).map_err(|error| error.to_string()),))
            })
        },
    )
}

/// Where a message goes, and which message it is. The number counts the calls in the sender's chain, which
/// are appended when they return or end otherwise. So a call that never reaches this function has a number
/// too.
fn next_message(actor: &ActorStore) -> (Theater, Messenger) {
    let messenger = Messenger { from: actor.get_id(), number: actor.chain.message_count() };
    (actor.get_theater_tx(), messenger)
}

async fn ask<R>(
    theater_tx: &Theater,
    command: impl FnOnce(oneshot::Sender<Result<R, MessageError>>) -> TheaterCommand,
) -> Result<R, MessageError> {
    let (sender, answer) = oneshot::channel();
    if theater_tx.send(command(sender)).await.is_err() {
        return Err(MessageError::SessionEnded);
    }
    answer.await.unwrap_or(Err(MessageError::SessionEnded))
}
