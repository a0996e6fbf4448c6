//! Owns [`Session`]: the actors of one recording, and the commands between them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use retake_actor::{
    ActorError, ActorHandle, ActorOperation, MessageError, Messenger, NotDelivered, TheaterCommand,
};
use retake_chain::TheaterId;
use tokio::sync::{mpsc, oneshot};

/// Commands that may wait.
const COMMANDS: usize = 64;

/// The actors of one recording, and the task that carries out their commands. Clones are the same session.
#[derive(Clone, Debug)]
pub struct Session {
    theater_tx: mpsc::Sender<TheaterCommand>,
    actors: Arc<Mutex<StartedActors>>,
}

#[derive(Debug, Default)]
struct StartedActors {
    /// In the order in which they started, which is the order of their chains in the take.
    handles: Vec<(TheaterId, ActorHandle)>,
    /// For each actor that waits for a response, the actor that it asked.
    waiting: HashMap<TheaterId, TheaterId>,
}

impl Session {
    /// A session without actors. Call this in a tokio runtime.
    pub fn new() -> Session {
        let (theater_tx, commands) = mpsc::channel(COMMANDS);
        let actors = Arc::default();
        tokio::spawn(obey(commands, Arc::clone(&actors)));
        Session { theater_tx, actors }
    }

    /// Where the session takes commands.
    pub(crate) fn theater_tx(&self) -> &mpsc::Sender<TheaterCommand> {
        &self.theater_tx
    }

    pub(crate) fn add(&self, id: TheaterId, handle: ActorHandle) {
        lock(&self.actors).handles.push((id, handle));
    }
}

impl Default for Session {
    fn default() -> Self {
        Session::new()
    }
}

/// Carries out the actors' commands until the session and all actors are gone. It never waits for an actor.
async fn obey(mut commands: mpsc::Receiver<TheaterCommand>, actors: Arc<Mutex<StartedActors>>) {
    while let Some(command) = commands.recv().await {
        // The call that asked may have been given up.
        match command {
            TheaterCommand::SendMessage { messenger, to, message, answer } => {
                let sent = lock(&actors).find(&to).and_then(|(_, actor)| {
                    deliver(&actor, &to, ActorOperation::Message { messenger, message, answer: None })
                });
                let _ = answer.send(sent);
            }
            TheaterCommand::Request { messenger, to, message, answer } => {
                match request(&actors, messenger, &to, message) {
                    Ok(response) => {
                        drop(tokio::spawn(pass_on(actors.clone(), messenger, to, response, answer)))
                    }
                    Err(error) => drop(answer.send(Err(error))),
                }
            }
        }
    }
}

type PendingResponse = oneshot::Receiver<Result<Bytes, ActorError>>;

/// Puts a request into a mailbox, unless the receiver waits for the sender.
fn request(
    actors: &Mutex<StartedActors>,
    messenger: Messenger,
    to: &str,
    message: Bytes,
) -> Result<PendingResponse, MessageError> {
    let mut actors = lock(actors);
    let (id, actor) = actors.find(to)?;
    if actors.waits_for(id, messenger.from) {
        return Err(MessageError::Waiting { name: to.into() });
    }
    let (answer, response) = oneshot::channel();
    deliver(&actor, to, ActorOperation::Message { messenger, message, answer: Some(answer) })?;
    actors.waiting.insert(messenger.from, id);
    Ok(response)
}

async fn pass_on(
    actors: Arc<Mutex<StartedActors>>,
    messenger: Messenger,
    to: String,
    response: PendingResponse,
    answer: oneshot::Sender<Result<Bytes, MessageError>>,
) {
    let response = match response.await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(ActorError::Ended)) | Err(_) => Err(MessageError::Ended { name: to }),
        Ok(Err(error)) => Err(MessageError::NoResponse { name: to, reason: error.to_string() }),
    };
    lock(&actors).waiting.remove(&messenger.from);
    let _ = answer.send(response);
}

fn deliver(actor: &ActorHandle, name: &str, message: ActorOperation) -> Result<(), MessageError> {
    actor.deliver(message).map_err(|error| match error {
        NotDelivered::Full => MessageError::Full { name: name.into() },
        NotDelivered::Ended => MessageError::Ended { name: name.into() },
    })
}

impl StartedActors {
    fn find(&self, name: &str) -> Result<(TheaterId, ActorHandle), MessageError> {
        let found = match name.strip_prefix('#').map(str::parse::<usize>) {
            Some(Ok(number)) => self.handles.get(number),
            Some(Err(_)) => None,
            None => self.handles.iter().find(|(id, _)| id.to_string() == name),
        };
        found.cloned().ok_or_else(|| MessageError::UnknownActor { name: name.into() })
    }

    /// Whether `actor` is `other`, or waits for it directly or through others.
    fn waits_for(&self, mut actor: TheaterId, other: TheaterId) -> bool {
        while actor != other {
            match self.waiting.get(&actor) {
                Some(next) => actor = *next,
                None => return false,
            }
        }
        true
    }
}

/// Nothing can fail while the lock is held, so a poisoned lock is usable.
fn lock(actors: &Mutex<StartedActors>) -> MutexGuard<'_, StartedActors> {
    actors.lock().unwrap_or_else(PoisonError::into_inner)
}
