//! Owns the recorder's thread: it receives events and commands, writes with the one writer, and answers.
//!
//! It waits for a batch of events, because waking it for each event would cost the actor more than the event.
//! Flushes that are requested at the same time are done as one. After a failed write, it answers every
//! command with that fault.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use retake_chain::log::{ChainNumber, LogWriter, SealSummary, Storage, WriteError};
use retake_chain::{ChainEvent, TheaterId};
use tokio::sync::{mpsc, oneshot};

use crate::durability::Durability;
use crate::progress::Progress;

/// Events that may wait for the recorder, over all chains of the session.
pub(crate) const EVENT_QUEUE: usize = 512;

/// How long a batch gathers.
const GATHER: Duration = Duration::from_micros(200);
/// Events that no flush was asked for reach the file when none has followed for this long.
const QUIET: Duration = Duration::from_millis(100);
/// How often the thread looks whether one has followed.
const LOOK: Duration = Duration::from_millis(5);

/// What a session asks of the thread.
#[derive(Debug)]
pub(crate) enum WriterCommand {
    AddChain(TheaterId, WriteReply<()>),
    Flush(WriteReply<()>),
    Seal(WriteReply<SealSummary>),
}

pub(crate) type WriteReply<T> = oneshot::Sender<Result<T, Arc<WriteError>>>;

type Events = mpsc::Receiver<(TheaterId, ChainEvent)>;
type Commands = mpsc::UnboundedReceiver<WriterCommand>;

/// The state of the thread.
pub(crate) struct Worker<S: Storage> {
    writer: LogWriter<S>,
    durability: Durability,
    chains: Vec<(TheaterId, ChainNumber)>,
    events: Events,
    commands: Commands,
    /// A command that was taken and is not done yet.
    next: Option<WriterCommand>,
    batch: Vec<(TheaterId, ChainEvent)>,
    progress: Arc<Progress>,
    fault: Arc<OnceLock<Arc<WriteError>>>,
    /// Events were written since the last flush.
    unflushed: bool,
}

enum Wake {
    Events,
    Command(WriterCommand),
    /// Events are written but not flushed, and no others have come for a while.
    Quiet,
    Abandoned,
}

impl<S: Storage> Worker<S> {
    pub(crate) fn new(
        writer: LogWriter<S>,
        durability: Durability,
        (events, commands): (Events, Commands),
        progress: &Arc<Progress>,
        fault: &Arc<OnceLock<Arc<WriteError>>>,
    ) -> Self {
        Worker {
            writer,
            durability,
            chains: Vec::new(),
            events,
            commands,
            next: None,
            batch: Vec::new(),
            progress: progress.clone(),
            fault: fault.clone(),
            unflushed: false,
        }
    }

    /// Works until the take is sealed, or all handles are gone.
    pub(crate) fn run(mut self) {
        loop {
            let fault = match self.wait() {
                Wake::Abandoned => return,
                Wake::Quiet => self.flush().err().map(Arc::new),
                Wake::Events => {
                    let written = self.write_queued();
                    if written.is_ok() {
                        thread::park_timeout(GATHER);
                    }
                    written.err().map(Arc::new)
                }
                Wake::Command(WriterCommand::AddChain(id, answer)) => {
                    let added = self.write_queued().and_then(|()| self.add_chain(id));
                    answer_all(added, &self.fault, [answer])
                }
                Wake::Command(WriterCommand::Flush(answer)) => {
                    let answers = self.take_flushes(answer);
                    let flushed = self.write_queued().and_then(|()| self.make_safe());
                    answer_all(flushed, &self.fault, answers)
                }
                Wake::Command(WriterCommand::Seal(answer)) => return self.seal(answer),
            };
            if let Some(fault) = fault {
                return refuse(fault, &self.fault, self.events, self.commands, self.next);
            }
        }
    }

    fn add_chain(&mut self, id: TheaterId) -> Result<(), WriteError> {
        let number = self.writer.add_chain(id)?;
        self.chains.push((id, number));
        Ok(())
    }

    /// The answers of all flushes that were asked for until now. Their events were handed over before.
    fn take_flushes(&mut self, first: WriteReply<()>) -> Vec<WriteReply<()>> {
        let mut answers = vec![first];
        while let Ok(command) = self.commands.try_recv() {
            match command {
                WriterCommand::Flush(answer) => answers.push(answer),
                other => {
                    self.next = Some(other);
                    break;
                }
            }
        }
        answers
    }

    fn make_safe(&mut self) -> Result<(), WriteError> {
        match self.durability {
            Durability::Sync => {
                self.unflushed = false;
                self.writer.sync()
            }
            Durability::Call | Durability::None => self.flush(),
        }
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        self.unflushed = false;
        self.writer.flush()
    }

    fn seal(mut self, answer: WriteReply<SealSummary>) {
        let written = self.write_queued();
        let Worker { writer, events, commands, next, fault: shared, .. } = self;
        let sealed = written.and_then(|()| writer.seal()).map(|(_, summary)| summary);
        if let Some(fault) = answer_all(sealed, &shared, [answer]) {
            refuse(fault, &shared, events, commands, next);
        }
    }

    /// Waits for the first of: a command, an event, a quiet time after events, the end of all handles.
    fn wait(&mut self) -> Wake {
        if let Some(command) = self.next.take() {
            return Wake::Command(command);
        }
        let since = Instant::now();
        loop {
            if let Ok(command) = self.commands.try_recv() {
                return Wake::Command(command);
            }
            if !self.unflushed {
                break;
            }
            if let Ok(event) = self.events.try_recv() {
                self.batch.push(event);
                return Wake::Events;
            }
            if since.elapsed() > QUIET {
                return Wake::Quiet;
            }
            thread::park_timeout(LOOK);
        }
        let events = self.events.recv_many(&mut self.batch, EVENT_QUEUE);
        let command = self.commands.recv();
        let wake = select(Box::pin(command), Box::pin(events));
        match futures::executor::block_on(wake) {
            Either::Left((Some(command), _)) => Wake::Command(command),
            Either::Left((None, _)) => Wake::Abandoned,
            Either::Right((0, commands)) => match futures::executor::block_on(commands) {
                Some(command) => Wake::Command(command),
                None => Wake::Abandoned,
            },
            Either::Right(_) => Wake::Events,
        }
    }

    /// Writes every event that was handed over before now. Later ones wait for the next time, so that a flush
    /// does not wait for other actors.
    fn write_queued(&mut self) -> Result<(), WriteError> {
        let waiting = self.events.len();
        self.batch.extend((0..waiting).map_while(|_| self.events.try_recv().ok()));
        for (id, event) in self.batch.drain(..) {
            let Some((_, chain)) = self.chains.iter().find(|(known, _)| *known == id) else {
                // A chain is subscribed to only after it was added.
                continue;
            };
            self.writer.append(*chain, &event)?;
            self.unflushed = true;
            self.progress.count(&event);
        }
        Ok(())
    }
}

/// Answers with a result. Returns the fault if nothing can be written after it; it is shared before anyone is
/// answered.
fn answer_all<T: Clone>(
    result: Result<T, WriteError>,
    shared: &OnceLock<Arc<WriteError>>,
    answers: impl IntoIterator<Item = WriteReply<T>>,
) -> Option<Arc<WriteError>> {
    let result = result.map_err(Arc::new);
    // Without room for another chain the others go on.
    let fault = result.as_ref().err().filter(|fault| !matches!(***fault, WriteError::TooManyChains)).cloned();
    if let Some(fault) = &fault {
        let _ = shared.set(fault.clone());
    }
    for answer in answers {
        // The one who asked may have gone.
        let _ = answer.send(result.clone());
    }
    fault
}

/// Answers every command with the fault, until there are no more. The events' channel is closed, so actors do
/// not wait.
fn refuse(
    fault: Arc<WriteError>,
    shared: &OnceLock<Arc<WriteError>>,
    mut events: Events,
    mut commands: Commands,
    mut next: Option<WriterCommand>,
) {
    // It may be there already.
    let _ = shared.set(fault.clone());
    events.close();
    while events.try_recv().is_ok() {}
    while let Some(command) = next.take().or_else(|| commands.blocking_recv()) {
        match command {
            WriterCommand::AddChain(_, answer) | WriterCommand::Flush(answer) => {
                drop(answer.send(Err(fault.clone())))
            }
            WriterCommand::Seal(answer) => drop(answer.send(Err(fault.clone()))),
        }
    }
}
