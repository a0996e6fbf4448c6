//! Owns [`ActorHandle`], which calls an actor, and its mailbox: one call at a time, in order of arrival.

use bytes::Bytes;
use retake_chain::Value;
use thiserror::Error;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::command::Messenger;

/// Operations that may wait in a mailbox. The sender of more waits.
const MAILBOX: usize = 64;

/// Where the answer to an operation goes.
pub type OperationReply<T> = oneshot::Sender<Result<T, ActorError>>;

/// An operation for an actor's mailbox.
#[derive(Debug)]
pub enum ActorOperation {
    /// Call an export.
    CallFunction {
        /// `interface/function`, or the function alone.
        name: String,
        /// The arguments, without the state that a stateful function gets.
        params: Vec<Value>,
        /// What it returns, without the state; nothing if it has no result.
        answer: OperationReply<Option<Value>>,
    },
    /// Take a message from another actor of the session.
    Message {
        /// Which message it is.
        messenger: Messenger,
        /// The message.
        message: Bytes,
        /// Where the response to a request goes; a message that is only sent has none.
        answer: Option<OperationReply<Bytes>>,
    },
    /// Return the state.
    GetState {
        /// The state as the component model's `option<list<u8>>`.
        answer: OperationReply<Value>,
    },
    /// End the chain cleanly, after the operations that wait already.
    Shutdown {
        /// Confirms the end.
        answer: OperationReply<()>,
    },
}

/// The receiving end of a handle.
pub type Mailbox = mpsc::Receiver<ActorOperation>;

/// Sends operations to one actor. Clones send to the same actor.
///
/// The recorder's `LiveActor` answers; see `examples/embed` for both ends.
///
/// # Examples
///
/// ```
/// use retake_actor::{ActorError, ActorHandle, ActorOperation};
/// use retake_chain::Value;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let (handle, mut mailbox) = ActorHandle::channel();
/// let actor = async move {
///     while let Some(operation) = mailbox.recv().await {
///         if let ActorOperation::CallFunction { params, answer, .. } = operation {
///             let _ = answer.send(Ok(params.into_iter().next()));
///             return;
///         }
///     }
/// };
/// let (answer, ()) = tokio::join!(handle.call_function("echo", vec![Value::from(7u32)]), actor);
/// assert_eq!(answer, Ok(Some(Value::from(7u32))));
/// assert_eq!(handle.get_state().await, Err(ActorError::Ended));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct ActorHandle {
    mailbox: mpsc::Sender<ActorOperation>,
}

/// Why an operation was not put into a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDelivered {
    /// The mailbox is full.
    Full,
    /// The actor has ended.
    Ended,
}

/// Why an actor did not carry out an operation.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ActorError {
    /// It has shut down, or its session has ended.
    #[error("the actor has ended and takes no more calls")]
    Ended,
    /// It exports no such function.
    #[error(transparent)]
    UnknownFunction(#[from] crate::UnknownExport),
    /// It exports one that cannot be called from outside.
    #[error(transparent)]
    NotCallable(#[from] crate::NotCallable),
    /// The number of arguments differs from the number of parameters.
    #[error("`{function}` takes {expected}, and got {found}")]
    ArgumentCount {
        /// The function.
        function: String,
        /// Its parameters with their types, its state aside, for people.
        expected: String,
        /// How many arguments were given.
        found: usize,
    },
    /// An argument is not of its parameter's type.
    #[error("`{function}`, parameter `{parameter}`: {reason}")]
    WrongArgument {
        /// The function.
        function: String,
        /// The parameter.
        parameter: String,
        /// The expected type and the given value.
        reason: String,
    },
    /// The call trapped, or a host call in it failed.
    #[error("`{function}` failed: {message}")]
    Failed {
        /// The function.
        function: String,
        /// The trap or the failure.
        message: String,
    },
    /// The actor ended the call by `wasi:cli/exit`.
    #[error("`{function}` exited with {code}")]
    Exited {
        /// The function.
        function: String,
        /// The exit code.
        code: i32,
    },
    /// The call was given up.
    #[error("`{function}` was given up")]
    Cancelled {
        /// The function.
        function: String,
    },
    /// The call was given up because it exceeded its time limit.
    #[error("{reason}")]
    TimedOut {
        /// The bound, and where the call was.
        reason: String,
    },
    /// The actor takes no messages, or responded with none.
    #[error("{reason}")]
    NoResponse { reason: String },
    /// The call could not be recorded; the session ends with that.
    #[error("the call could not be recorded: {reason}")]
    NotRecorded { reason: String },
}

impl ActorHandle {
    /// A handle and its mailbox.
    pub fn channel() -> (ActorHandle, Mailbox) {
        let (mailbox, operations) = mpsc::channel(MAILBOX);
        (ActorHandle { mailbox }, operations)
    }

    /// Calls an export and waits for its result. A stateful function gets the actor's state before `params`,
    /// and its new state is kept; the answer is the rest of its result.
    ///
    /// # Errors
    /// [`ActorError`]. The actor goes on, except after [`ActorError::Ended`].
    pub async fn call_function(&self, name: &str, params: Vec<Value>) -> Result<Option<Value>, ActorError> {
        self.ask(|answer| ActorOperation::CallFunction { name: name.into(), params, answer }).await
    }

    /// The state that the last stateful call left: `None`, or a list of the one byte string.
    ///
    /// # Errors
    /// [`ActorError::Ended`].
    pub async fn get_state(&self) -> Result<Value, ActorError> {
        self.ask(|answer| ActorOperation::GetState { answer }).await
    }

    /// Ends the actor's chain, after the calls that came before.
    ///
    /// # Errors
    /// [`ActorError::Ended`] if it has ended already.
    pub async fn shutdown(&self) -> Result<(), ActorError> {
        self.ask(|answer| ActorOperation::Shutdown { answer }).await
    }

    /// Puts an operation into the mailbox if there is room, without waiting.
    ///
    /// # Errors
    /// [`NotDelivered`] says why not.
    pub fn deliver(&self, operation: ActorOperation) -> Result<(), NotDelivered> {
        self.mailbox.try_send(operation).map_err(|error| match error {
            TrySendError::Full(_) => NotDelivered::Full,
            TrySendError::Closed(_) => NotDelivered::Ended,
        })
    }

    /// Puts an operation into the mailbox.
    ///
    /// # Errors
    /// [`ActorError::Ended`].
    pub async fn send(&self, operation: ActorOperation) -> Result<(), ActorError> {
        self.mailbox.send(operation).await.map_err(|_| ActorError::Ended)
    }

    async fn ask<T>(
        &self,
        operation: impl FnOnce(OperationReply<T>) -> ActorOperation,
    ) -> Result<T, ActorError> {
        let (sender, answer) = oneshot::channel();
        self.send(operation(sender)).await?;
        answer.await.unwrap_or(Err(ActorError::Ended))
    }
}
