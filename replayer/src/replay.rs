//! Owns [`replay`]: reads a take once, from front to back, and re-runs its chains beside each other as they stream.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::{self, Scope, ScopedJoinHandle};

use retake_actor::{Actor, ActorHandle, ActorStore, CodeCache};
use retake_chain::{
    ChainEventPayload, ChainNumber, LogReader, Record, SessionStart, StateChain, TakeState, TheaterId, Value,
};
use retake_verifier::{
    Alone, ChainHead, Checked, Divergence, IntegrityChecker, RenamedInterface, ReplayReport, Report, Verdict,
    VerifyError, VerifyFault,
};
use tokio::sync::mpsc;

use crate::actor_rerun::{ChainRerun, rerun};
use crate::error::ReplayError;
use crate::program::Program;
use crate::stand_in::{Answers, Stop};
use crate::window::{Position, WindowSender, windows};

/// The stack of a thread that runs guest code.
const STACK: usize = 8 << 20;

/// Where the component to re-run comes from.
pub enum ActorBytes<'a> {
    /// Another build, on purpose: its digest need not be the recorded one.
    Given(Vec<u8>),
    /// The recorded one: from the take if it is embedded, else what this function finds at the recorded path.
    Recorded(&'a dyn Fn(&str) -> io::Result<Vec<u8>>),
}

/// How a take is replayed, apart from the actor.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Fuel per call, for a take that was recorded without a bound: a build that computes without end then ends with a
    /// trap that says so, which the take does not have.
    pub fuel: Option<u64>,
    /// Where compiled code is kept; without it the component is compiled each time.
    pub code_cache: Option<Arc<CodeCache>>,
}

/// Re-runs the actor of a take from the take alone, and checks every event.
///
/// Chains run beside each other, each on a thread of its own; memory is bounded by the windows that are read ahead,
/// whatever the length of the take, of a chain or of a call. A difference is an answer, not an error.
///
/// # Errors
/// [`ReplayError`] if the take cannot be read as far as its first genesis, or the actor cannot be had or run.
pub fn replay(input: impl Read, actor: ActorBytes<'_>) -> Result<ReplayReport, ReplayError> {
    replay_with(input, actor, ReplayOptions::default())
}

/// As [`replay`], with options.
///
/// # Errors
/// As [`replay`], and [`ReplayError::TwoBounds`].
pub fn replay_with(
    input: impl Read,
    actor: ActorBytes<'_>,
    options: ReplayOptions,
) -> Result<ReplayReport, ReplayError> {
    let mut reader = LogReader::open(input)
        .map_err(|fault| VerifyError { fault: fault.into(), checked: Checked::default() })?;
    thread::scope(|scope| {
        let mut replay = Replay {
            scope,
            actor,
            options,
            embedded: Vec::new(),
            first: None,
            checker: IntegrityChecker::new(),
            chains: Vec::new(),
            earliest: Arc::new(AtomicU64::new(u64::MAX)),
        };
        let fault = replay.read(&mut reader)?;
        replay.finish(&reader, fault)
    })
}

struct Replay<'scope, 'env, 'a> {
    scope: &'scope Scope<'scope, 'env>,
    actor: ActorBytes<'a>,
    options: ReplayOptions,
    embedded: Vec<u8>,
    /// What the first genesis says, and the program made for it.
    first: Option<(Box<SessionStart>, Arc<Program>)>,
    checker: IntegrityChecker,
    chains: Vec<Chain<'scope>>,
    /// Number of the earliest event at which a re-run stopped.
    earliest: Arc<AtomicU64>,
}

/// A chain of the take; it is re-run from its genesis on.
struct Chain<'scope> {
    id: TheaterId,
    running: Option<(WindowSender, ScopedJoinHandle<'scope, ChainRerun>)>,
}

impl Replay<'_, '_, '_> {
    /// Reads to the end of the take, or to its first fault, which is returned.
    fn read<R: Read>(&mut self, reader: &mut LogReader<R>) -> Result<Option<VerifyFault>, ReplayError> {
        loop {
            let record = match reader.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(None),
                Err(fault) => return Ok(Some(fault.into())),
            };
            // The hashes are checked where the chains are re-run.
            let payload = match self.checker.record_with(&record, Alone::unhashed(&record)) {
                Ok(payload) => payload,
                Err(fault) => return Ok(Some(fault.into())),
            };
            match (record, payload) {
                (Record::Actor { bytes, .. }, _) => self.embedded.extend_from_slice(&bytes),
                (Record::Chain { id, .. }, _) => self.chains.push(Chain { id, running: None }),
                (Record::Event { number, chain, event, offset }, Some(payload)) => {
                    if let ChainEventPayload::Session(start) = &payload {
                        self.begin(chain, start)?;
                    }
                    if let Some(Chain { running: Some((windows, _)), .. }) =
                        self.chains.get_mut(chain.0 as usize)
                    {
                        windows.push(event, payload, Position { number, offset });
                    }
                }
                (Record::Event { .. }, None) => {}
            }
        }
    }

    /// Starts the re-run of a chain whose genesis is there.
    fn begin(&mut self, number: ChainNumber, start: &SessionStart) -> Result<(), ReplayError> {
        let program = match &self.first {
            Some((first, _))
                if first.actor.digest != start.actor.digest || first.profile != start.profile =>
            {
                return Err(ReplayError::MixedSession { chain: number.0 });
            }
            Some((_, program)) => program.clone(),
            None => {
                let program = Program::load(self.component(start)?, &start.profile, &self.options)?;
                self.first = Some((Box::new(start.clone()), program.clone()));
                program
            }
        };
        let Some(chain) = self.chains.get_mut(number.0 as usize) else { return Ok(()) };
        let state_chain = Arc::new(StateChain::new(chain.id));
        let actor = actor_without_session(chain.id, state_chain.clone());
        let (sender, cursor) = windows(actor.extensions.clone());
        let answers = Answers::new(state_chain, number, cursor, self.earliest.clone());
        let mode = start.instance_mode;
        let handle = thread::Builder::new()
            .name(format!("retake-replay-{number}"))
            .stack_size(STACK)
            .spawn_scoped(self.scope, move || rerun(&program, mode, actor, answers))
            .map_err(|error| ReplayError::Engine {
                reason: format!("no thread for chain {number}: {error}"),
            })?;
        chain.running = Some((sender, handle));
        Ok(())
    }

    /// The component to re-run.
    fn component(&mut self, start: &SessionStart) -> Result<Actor, ReplayError> {
        let bytes = match &mut self.actor {
            ActorBytes::Given(bytes) => return Ok(Actor::new(bytes)?),
            // The checker has compared its digest with the genesis.
            ActorBytes::Recorded(_) if !self.embedded.is_empty() => std::mem::take(&mut self.embedded),
            ActorBytes::Recorded(find) => find(&start.actor.path).map_err(|error| {
                ReplayError::ActorMissing { path: start.actor.path.clone(), reason: error.to_string() }
            })?,
        };
        let actor = Actor::new(&bytes)?;
        if actor.digest != start.actor.digest {
            return Err(ReplayError::OtherActor {
                path: start.actor.path.clone(),
                found: actor.digest,
                recorded: start.actor.digest,
            });
        }
        Ok(actor)
    }

    /// Waits for the re-runs and puts the report together.
    fn finish<R: Read>(
        self,
        reader: &LogReader<R>,
        fault: Option<VerifyFault>,
    ) -> Result<ReplayReport, ReplayError> {
        let checked = Checked {
            chains: self.checker.chains(),
            events: self.checker.events(),
            calls: self.checker.calls(),
        };
        let mut reruns = Vec::new();
        let senders: Vec<_> = self.chains.into_iter().map(|chain| (chain.id, chain.running)).collect();
        let mut handles = Vec::new();
        for (id, running) in senders {
            if let Some((windows, handle)) = running {
                windows.finish();
                handles.push((id, handle));
            }
        }
        for (id, handle) in handles {
            let rerun =
                handle.join().map_err(|_| ReplayError::Engine { reason: "a re-run panicked".into() })?;
            reruns.push((id, rerun));
        }
        // Every event of a chain was found to be in its place before the chain's thread checked its hash.
        let altered = reruns.iter_mut().filter_map(|(_, rerun)| rerun.altered.take());
        let (intact, fault) = match altered.min_by_key(|(number, _)| *number) {
            Some((number, altered)) => (number, Some(altered.into())),
            None => (u64::MAX, fault),
        };
        let report = match fault {
            None => {
                self.checker.finish(reader.state(), reader.seal(), reader.bytes()).map_err(VerifyFault::from)
            }
            Some(fault) => Err(fault),
        };
        let Some((first, program)) = self.first else {
            return match report {
                Ok(Report { state: TakeState::Sealed, .. }) => Err(ReplayError::NothingToCheck),
                Ok(Report { state: TakeState::Torn { offset }, .. }) => {
                    Err(ReplayError::TornEarly { offset })
                }
                Ok(Report { state: TakeState::Unsealed, .. }) => Err(ReplayError::UnsealedEarly),
                Err(fault) => Err(VerifyError { fault, checked }.into()),
            };
        };
        summarize(&first, &program, reruns, &report, intact, reader)
    }
}

/// The actor of a re-run: nobody calls it but the recording, and nobody takes what it would ask of a session.
fn actor_without_session(id: TheaterId, chain: Arc<StateChain>) -> ActorStore {
    let (theater_tx, _) = mpsc::channel(1);
    ActorStore::new(id, theater_tx, ActorHandle::channel().0, chain, Value::None)
}

fn summarize<R: Read>(
    first: &SessionStart,
    program: &Program,
    reruns: Vec<(TheaterId, ChainRerun)>,
    report: &Result<Report, VerifyFault>,
    intact: u64,
    reader: &LogReader<R>,
) -> Result<ReplayReport, ReplayError> {
    let (mut calls, mut given_up, mut events) = (0, 0, 0);
    let mut chains = Vec::new();
    let mut renamed_interfaces = BTreeSet::new();
    let mut earliest: Option<(u64, Box<Divergence>)> = None;
    let mut ends_inside_a_call = false;
    for (id, rerun) in reruns {
        calls += rerun.calls;
        given_up += rerun.given_up;
        events += rerun.events;
        chains.push(ChainHead { id, events: rerun.events, head: rerun.head });
        let renamed = rerun.renamed.into_iter();
        renamed_interfaces
            .extend(renamed.map(|(recorded, replayed)| RenamedInterface { recorded, replayed }));
        match rerun.stop {
            Some(Stop::Failed(error)) => return Err(error),
            Some(Stop::RecordingEnds) => ends_inside_a_call = true,
            Some(Stop::Diverged(number, divergence)) => {
                if number < intact && earliest.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
                    earliest = Some((number, divergence));
                }
            }
            Some(Stop::Altered(..) | Stop::Superseded) | None => {}
        }
    }
    let fault = report.as_ref().err().map(VerifyFault::to_string);
    let verdict = match (earliest, &fault) {
        (Some((_, divergence)), _) => Verdict::Diverged(divergence),
        (None, Some(fault)) => Verdict::Unfinished { reason: fault.clone() },
        (None, None) if ends_inside_a_call => {
            Verdict::Unfinished { reason: "the recording ends inside a call".into() }
        }
        (None, None) if calls == 0 => Verdict::NothingToCheck,
        (None, None) => Verdict::Identical,
    };
    Ok(ReplayReport {
        verdict,
        calls,
        given_up,
        events,
        chains,
        recorded_digest: first.actor.digest,
        replayed_digest: program.actor.digest,
        profile: first.profile.clone(),
        renamed_interfaces: renamed_interfaces.into_iter().collect(),
        take_state: report.as_ref().ok().map(|report| report.state),
        seal: reader.seal().map(|seal| seal.kind.clone()),
        fault,
    })
}
