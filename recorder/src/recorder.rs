//! Owns [`Recorder`]: the subscriber that writes events to a log file.
//!
//! One thread owns the writer. Actors hand their events over through a bounded channel and never touch the file; when the
//! channel is full they wait, so nothing is lost. The thread lets a batch gather before it takes it, as waking it for
//! each event would cost the actor more than the event.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use retake_chain::log::{ChainNumber, LogWriter, SealSummary, Storage, WriteError};
use retake_chain::{ChainEvent, StateChain, TheaterId, WASM_ERROR, WASM_RESULT};
use tokio::sync::{mpsc, oneshot};

use crate::error::RecordError;

/// Events that may wait for the recorder, over all chains of the session.
const QUEUE: usize = 512;
/// How long a batch gathers.
const GATHER: Duration = Duration::from_micros(200);
/// Events that no flush was asked for reach the file when none has followed for this long.
const QUIET: Duration = Duration::from_millis(100);
/// How often it is looked whether one has.
const LOOK: Duration = Duration::from_millis(5);

/// The writing end of a session: subscribes to chains, writes their events, seals the take.
///
/// Cloned handles share one recorder.
#[derive(Clone, Debug)]
pub struct Recorder {
    events: mpsc::Sender<(TheaterId, ChainEvent)>,
    commands: mpsc::UnboundedSender<Command>,
    thread: thread::Thread,
    progress: Arc<Progress>,
}

/// Counts of what has been written, for display while the session runs.
#[derive(Debug, Default)]
pub struct Progress {
    events: AtomicU64,
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Events written.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Export calls that have ended.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Bytes of event data, before compression.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
enum Command {
    AddChain(TheaterId, Answer<()>),
    Flush(Answer<()>),
    Seal(Answer<SealSummary>),
}

type Answer<T> = oneshot::Sender<Result<T, Arc<WriteError>>>;

impl Recorder {
    /// Starts a recorder that writes with `writer`.
    pub fn start<S: Storage + Send + 'static>(writer: LogWriter<S>) -> Result<Recorder, RecordError> {
        let (events, event_queue) = mpsc::channel(QUEUE);
        let (commands, command_queue) = mpsc::unbounded_channel();
        let progress = Arc::new(Progress::default());
        let worker = Worker {
            writer,
            chains: Vec::new(),
            events: event_queue,
            commands: command_queue,
            batch: Vec::new(),
            progress: progress.clone(),
            unflushed: false,
        };
        let handle =
            thread::Builder::new().name("retake-recorder".into()).spawn(move || worker.run()).map_err(
                |error| RecordError::Engine { reason: format!("no thread for the recorder: {error}") },
            )?;
        Ok(Recorder { events, commands, thread: handle.thread().clone(), progress })
    }

    /// Subscribes to a chain that has no event yet, so that the take holds all of it.
    pub async fn subscribe(&self, chain: &StateChain) -> Result<(), RecordError> {
        let id = chain.actor_id();
        self.ask(|answer| Command::AddChain(id, answer)).await?;
        chain.add_subscriber(self.events.clone());
        Ok(())
    }

    /// Returns when every event that was emitted before is in the file (written to the operating system).
    pub async fn flush(&self) -> Result<(), RecordError> {
        self.ask(Command::Flush).await
    }

    /// Writes what is left, seals the take and closes it. No event is taken after this.
    pub async fn seal(&self) -> Result<SealSummary, RecordError> {
        self.ask(Command::Seal).await
    }

    /// What has been written so far.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    async fn ask<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, RecordError> {
        let (sender, answer) = oneshot::channel();
        if self.commands.send(command(sender)).is_err() {
            return Err(RecordError::RecorderGone);
        }
        self.thread.unpark();
        match answer.await {
            Ok(result) => result.map_err(RecordError::Write),
            Err(_) => Err(RecordError::RecorderGone),
        }
    }
}

struct Worker<S: Storage> {
    writer: LogWriter<S>,
    chains: Vec<(TheaterId, ChainNumber)>,
    events: mpsc::Receiver<(TheaterId, ChainEvent)>,
    commands: mpsc::UnboundedReceiver<Command>,
    batch: Vec<(TheaterId, ChainEvent)>,
    progress: Arc<Progress>,
    /// Events were written since the last flush.
    unflushed: bool,
}

impl<S: Storage> Worker<S> {
    fn run(mut self) {
        loop {
            let wake = self.wait();
            let written = match wake {
                Wake::Abandoned => return,
                Wake::Quiet => self.flush(),
                Wake::Events | Wake::Command(_) => self.write_queued(),
            };
            // The session hears of a fault at its next command.
            if let Err(fault) = written {
                return self.refuse(&Arc::new(fault), wake);
            }
            match wake {
                Wake::Command(Command::AddChain(id, answer)) => {
                    let added = self.writer.add_chain(id);
                    let added = added.map(|number| self.chains.push((id, number)));
                    let _ = answer.send(added.map_err(Arc::new));
                }
                Wake::Command(Command::Flush(answer)) => {
                    let _ = answer.send(self.flush().map_err(Arc::new));
                }
                Wake::Command(Command::Seal(answer)) => {
                    let sealed = self.writer.seal();
                    let _ = answer.send(sealed.map(|(_, summary)| summary).map_err(Arc::new));
                    return;
                }
                Wake::Events => thread::park_timeout(GATHER),
                Wake::Quiet | Wake::Abandoned => {}
            }
        }
    }

    /// Answers every command with the fault, until there are no more. Actors are not kept waiting: the channel is closed.
    fn refuse(mut self, fault: &Arc<WriteError>, wake: Wake) {
        self.events.close();
        while self.events.try_recv().is_ok() {}
        let mut next = match wake {
            Wake::Command(command) => Some(command),
            _ => self.commands.blocking_recv(),
        };
        while let Some(command) = next {
            match command {
                Command::AddChain(_, answer) | Command::Flush(answer) => {
                    drop(answer.send(Err(fault.clone())))
                }
                Command::Seal(answer) => drop(answer.send(Err(fault.clone()))),
            }
            next = self.commands.blocking_recv();
        }
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        self.unflushed = false;
        self.writer.flush()
    }

    /// Waits for the first of: a command, an event, a quiet time after events, the end of all handles.
    fn wait(&mut self) -> Wake {
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
        let events = self.events.recv_many(&mut self.batch, QUEUE);
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

    /// Writes every event that was handed over before now; what comes meanwhile is left for the next time, so that a flush
    /// does not wait for those who go on.
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
            let progress = &self.progress;
            progress.events.fetch_add(1, Ordering::Relaxed);
            let size = event.data.len() as u64;
            progress.bytes.fetch_add(size, Ordering::Relaxed);
            if matches!(&*event.event_type, WASM_RESULT | WASM_ERROR) {
                progress.calls.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

enum Wake {
    Events,
    Command(Command),
    /// Events are written but not flushed, and no others have come for a while.
    Quiet,
    Abandoned,
}
