//! Owns [`ActorBytes`]: where the component to re-run comes from.

use std::io;
use std::sync::Arc;

use retake_actor::Actor;
use retake_chain::{ActorSource, SessionStart};

use crate::error::ReplayError;

/// Where the component to re-run comes from.
pub enum ActorBytes<'a> {
    /// Another build, on purpose: its digest need not be the recorded one.
    Given(Vec<u8>),
    /// The same from a function that keeps what it has loaded, for many takes.
    Loaded(&'a dyn Fn() -> Result<Arc<Actor>, ReplayError>),
    /// The recorded one: from the take if it carries it, else what this function reads at the recorded path.
    Recorded(&'a dyn Fn(&str) -> io::Result<Vec<u8>>),
    /// The same from a function that looks for its digest where it may lie, and keeps what it has loaded.
    Found(&'a dyn Fn(&ActorSource) -> Result<Arc<Actor>, ReplayError>),
}

impl ActorBytes<'_> {
    /// The component to re-run for a session that starts like this. `embedded` is the component that the take
    /// carries.
    pub(crate) fn load(
        &mut self,
        start: &SessionStart,
        embedded: &mut Vec<u8>,
    ) -> Result<Arc<Actor>, ReplayError> {
        let actor = match self {
            ActorBytes::Given(bytes) => return Ok(Arc::new(Actor::new(bytes)?)),
            ActorBytes::Loaded(load) => return load(),
            // The checker has compared its digest with the genesis.
            _ if !embedded.is_empty() => Arc::new(Actor::new(&std::mem::take(embedded))?),
            ActorBytes::Recorded(find) => {
                let bytes = find(&start.actor.path).map_err(|error| ReplayError::ActorMissing {
                    path: start.actor.path.clone(),
                    reason: error.to_string(),
                })?;
                Arc::new(Actor::new(&bytes)?)
            }
            ActorBytes::Found(find) => find(&start.actor)?,
        };
        if actor.digest != start.actor.digest {
            return Err(ReplayError::OtherActor {
                path: start.actor.path.clone(),
                found: actor.digest,
                recorded: start.actor.digest,
            });
        }
        Ok(actor)
    }
}
