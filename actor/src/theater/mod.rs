//! The actor of the Theater system: what it consists of ([`ActorStore`]), how it is spoken to ([`ActorHandle`]), what it
//! asks of its session ([`TheaterCommand`]), and the functions that carry a state ([`StatefulCall`]).
//!
//! Who takes what comes through a handle, and runs the component, is the recorder's.

mod command;
mod extensions;
mod handle;
mod stateful;
mod store;

pub use command::{MessageError, Messenger, TheaterCommand};
pub use extensions::Extensions;
pub use handle::{ActorError, ActorHandle, ActorOperation, Answer, Mailbox, NotDelivered};
pub use stateful::{INLINE_STATE, StatefulCall};
pub use store::{ActorContext, ActorStore, HasActor, Presence, SaveError};
