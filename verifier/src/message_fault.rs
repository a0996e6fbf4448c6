//! Owns how two chains can contradict each other about a message. `messages.rs` finds it.

use retake_chain::{ChainNumber, TheaterId};

use crate::fault::FaultKind;

/// Messages in flight that a check remembers. A session bounds its mailboxes far below that.
pub(crate) const MAX_IN_FLIGHT: usize = 1 << 16;

/// A contradiction between two chains about a message. A message is named by its sender and the sender's
/// number for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum MessageFault {
    /// The content received differs from the content sent.
    #[error("message {number} of actor {from} was received with content that differs from the content sent")]
    Content { from: TheaterId, number: u64 },
    /// The chain that received the message is not the one it was sent to.
    #[error("message {number} of actor {from} was sent to `{to}`, but chain {by} received it")]
    Receiver { from: TheaterId, number: u64, to: String, by: ChainNumber },
    /// The call after the message does not take it.
    #[error("message {number} of actor {from} was received, but the next call does not take it")]
    NotTaken { from: TheaterId, number: u64 },
    /// The response that the sender received differs from the response given.
    #[error(
        "actor {from} recorded a response to message {number} that differs from the one that chain {by} recorded giving"
    )]
    Response { from: TheaterId, number: u64, by: ChainNumber },
    /// Only one of two chains has the message.
    #[error("message {number} of actor {from} was {was}, but never {never}")]
    OneSided { from: TheaterId, number: u64, was: &'static str, never: &'static str },
    /// More messages are in flight than a session allows.
    #[error("more than {MAX_IN_FLIGHT} messages are in flight, which no session allows")]
    TooMany,
}

impl From<&MessageFault> for FaultKind {
    fn from(fault: &MessageFault) -> Self {
        match fault {
            MessageFault::Content { .. } => FaultKind::MessageContent,
            MessageFault::Receiver { .. } => FaultKind::MessageReceiver,
            MessageFault::NotTaken { .. } => FaultKind::MessageNotTaken,
            MessageFault::Response { .. } => FaultKind::MessageResponse,
            MessageFault::OneSided { .. } => FaultKind::MessageOneSided,
            MessageFault::TooMany => FaultKind::TooManyMessages,
        }
    }
}
