//! Owns [`Session`]: what the actors of one recording have in common, and what they ask of it.

use retake_actor::{ActorHandle, TheaterCommand};
use retake_chain::TheaterId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Commands that may wait.
const COMMANDS: usize = 64;

/// The actors of one recording, and the task that does what they ask for. Clones are the same session.
#[derive(Clone, Debug)]
pub struct Session {
    theater_tx: mpsc::Sender<TheaterCommand>,
    actors: Actors,
}

type Actors = Arc<Mutex<HashMap<TheaterId, ActorHandle>>>;

impl Session {
    /// A session without actors. Call it within a tokio runtime.
    pub fn new() -> Session {
        let (theater_tx, commands) = mpsc::channel(COMMANDS);
        let actors = Actors::default();
        tokio::spawn(obey(commands, actors.clone()));
        Session { theater_tx, actors }
    }

    /// Where the session takes commands.
    pub fn theater_tx(&self) -> &mpsc::Sender<TheaterCommand> {
        &self.theater_tx
    }

    pub(crate) fn add(&self, id: TheaterId, handle: ActorHandle) {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner).insert(id, handle);
    }
}

impl Default for Session {
    fn default() -> Self {
        Session::new()
    }
}

/// Does what the actors ask for, until the session and all of them are gone.
async fn obey(mut commands: mpsc::Receiver<TheaterCommand>, actors: Actors) {
    while let Some(command) = commands.recv().await {
        match command {
            TheaterCommand::ShuttingDown { actor_id } => {
                let actor = actors.lock().unwrap_or_else(PoisonError::into_inner).remove(&actor_id);
                if let Some(actor) = actor {
                    // The actor is in the middle of a call, so this must not wait for it.
                    tokio::spawn(async move { actor.shutdown().await });
                }
            }
        }
    }
}
