//! The actor of the Theater system: its parts ([`ActorStore`]), the handle that calls it ([`ActorHandle`]),
//! and the commands that it sends to its session ([`TheaterCommand`]).
//!
//! The recorder serves the mailbox and runs the component.

mod command;
mod extensions;
mod handle;
mod store;

pub use command::{MessageError, Messenger, TheaterCommand};
pub use extensions::Extensions;
pub use handle::{ActorError, ActorHandle, ActorOperation, Mailbox, NotDelivered, OperationReply};
pub use store::{ActorContext, ActorStore, HasActor, Presence, SaveError};
