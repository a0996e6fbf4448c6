//! Owns [`TheaterCommand`]: what an actor's host asks of the session that the actor lives in.

use retake_chain::TheaterId;

/// A command to the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TheaterCommand {
    /// The actor wants to end when its call is over.
    ShuttingDown {
        /// The actor.
        actor_id: TheaterId,
    },
}
