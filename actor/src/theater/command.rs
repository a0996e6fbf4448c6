//! Owns [`TheaterCommand`]: a request of an actor's host to the actor's session.

use bytes::Bytes;
use retake_chain::TheaterId;
use thiserror::Error;
use tokio::sync::oneshot;

/// A command to the session.
#[derive(Debug)]
pub enum TheaterCommand {
    /// Put a message into another actor's mailbox; answered when it is there.
    SendMessage {
        /// Who sends it.
        messenger: Messenger,
        /// The receiving actor, as the sender names it.
        to: String,
        /// The message.
        message: Bytes,
        /// Whether it was taken.
        answer: oneshot::Sender<Result<(), MessageError>>,
    },
    /// Send a message and wait for the response.
    Request {
        /// Who sends it.
        messenger: Messenger,
        /// The receiving actor, as the sender names it.
        to: String,
        /// The message.
        message: Bytes,
        /// The response.
        answer: oneshot::Sender<Result<Bytes, MessageError>>,
    },
}

/// Identifies a message: its sender, and its number among all messages that the sender tried to send, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Messenger {
    /// The sender.
    pub from: TheaterId,
    /// The number.
    pub number: u64,
}

/// Why a message was not delivered, or not responded to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum MessageError {
    /// The session has no actor of that name.
    #[error("no actor `{name}` in this session; name one by its id, or by its number as in `#0`")]
    UnknownActor { name: String },
    /// The actor has ended.
    #[error("the actor `{name}` has ended")]
    Ended { name: String },
    /// The actor itself waits for the one that asks.
    #[error("the actor `{name}` waits for this one, and cannot answer it")]
    Waiting { name: String },
    /// The actor's mailbox is full.
    #[error("the mailbox of the actor `{name}` is full")]
    Full { name: String },
    /// The actor failed, or gave no response.
    #[error("the actor `{name}` gave no response: {reason}")]
    NoResponse { name: String, reason: String },
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
}
