//! Owns the repair of a take: what of it is valid, up to which call of each chain, and a new take of just that.
//! What is wrong with a take is `fault.rs`'s; where the new one goes is the caller's.

use std::io::Read;

use retake_chain::log::{SealSummary, Storage, WriteError};
use retake_chain::{
    EventHash, LogReader, LogWriter, ReadError, Record, SESSION, SHUTDOWN, SealKind, TakeState,
};

use crate::exit::ExitCode;
use crate::fault::Fault;
use crate::integrity::IntegrityChecker;
use crate::verify::{VerifyFault, check_records};

/// What of a take can be kept: of each chain the events up to the end of its last whole call.
#[derive(Debug)]
pub struct RepairPlan {
    reason: String,
    fault: Fault,
    /// What to keep, by chain.
    keep: Vec<Whole>,
    calls: u64,
    cut_events: u64,
    original_bytes: u64,
}

/// A take that is not repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// Nothing is wrong with it.
    #[error("the take is intact and sealed; there is nothing to repair")]
    Intact,
    /// It was repaired before.
    #[error("the take was repaired already ({reason}); there is nothing more to repair")]
    Repaired {
        /// What was wrong with it.
        reason: String,
    },
    /// It holds no call that ends.
    #[error("no call is whole before what is wrong, so there is nothing to keep: {reason}")]
    NothingWhole {
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be read at all.
    #[error("cannot be repaired: {0}")]
    Unreadable(ReadError),
    /// It was read a second time, and something else was there.
    #[error("the take changed while it was repaired; is it still being recorded?")]
    Changed,
    /// The new take cannot be written.
    #[error("the new take: {0}")]
    Write(#[from] WriteError),
}

impl RepairError {
    /// How a command ends that was asked to repair this take.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            RepairError::Intact | RepairError::Repaired { .. } | RepairError::NothingWhole { .. } => {
                ExitCode::Nothing
            }
            RepairError::Unreadable(_) | RepairError::Changed | RepairError::Write(_) => ExitCode::Unchecked,
        }
    }
}

impl RepairPlan {
    /// Checks a take of so many bytes, to its first fault.
    ///
    /// # Errors
    /// [`RepairError`] if there is nothing to repair, or nothing to keep.
    pub fn of(input: impl Read, bytes: u64) -> Result<RepairPlan, RepairError> {
        let mut reader = LogReader::open(input).map_err(RepairError::Unreadable)?;
        let mut checker = IntegrityChecker::new();
        let mut kept = Kept::default();
        let checked = check_records(&mut reader, &mut checker, |record| kept.note(record));
        let valid = checker.events();
        let end = checked.and_then(|()| Ok(checker.finish(reader.state(), reader.seal(), bytes)?));
        let (reason, fault) = match end {
            Err(VerifyFault::Read(error @ ReadError::Io { .. })) => {
                return Err(RepairError::Unreadable(error));
            }
            Err(fault) => (fault.to_string(), Fault::from(&fault)),
            Ok(report) => match (Fault::of_report(&report), report.seal) {
                (Some(Fault::Repaired), Some(SealKind::Repaired { reason, .. })) => {
                    return Err(RepairError::Repaired { reason });
                }
                (None | Some(Fault::NoCall), _) => return Err(RepairError::Intact),
                (Some(fault), _) => match report.state {
                    TakeState::Torn { offset } => (format!("torn at byte {offset}"), fault),
                    _ => ("not sealed: its recorder did not finish".into(), fault),
                },
            },
        };
        if kept.calls == 0 {
            return Err(RepairError::NothingWhole { reason });
        }
        // Behind an altered event more may be readable; it is lost, but not unseen.
        while let Ok(Some(_)) = reader.next_record() {}
        let readable = reader.events().max(valid);
        let keep: Vec<Whole> = kept.chains.iter().map(|chain| chain.whole).collect();
        let cut_events = readable - keep.iter().map(|chain| chain.events).sum::<u64>();
        Ok(RepairPlan { reason, fault, keep, calls: kept.calls, cut_events, original_bytes: bytes })
    }

    /// What is wrong with the take.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Which of all faults that is.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// Calls that are kept.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Events that could be read and are not kept.
    pub fn cut_events(&self) -> u64 {
        self.cut_events
    }

    /// Reads the take again and writes what is kept of it, sealed as repaired.
    ///
    /// # Errors
    /// [`RepairError::Changed`] if the take is not what it was, and [`RepairError::Write`].
    pub fn write<S: Storage>(&self, input: impl Read, storage: S) -> Result<(S, SealSummary), RepairError> {
        let mut reader = LogReader::open(input).map_err(|_| RepairError::Changed)?;
        let mut checker = IntegrityChecker::new();
        let mut writer = LogWriter::create(storage)?;
        let mut copied: Vec<Whole> = Vec::new();
        while copied != self.keep {
            let Ok(Some(record)) = reader.next_record() else { return Err(RepairError::Changed) };
            checker.record(&record).map_err(|_| RepairError::Changed)?;
            match record {
                Record::Actor { offset, total, bytes } => writer.embed_piece(offset, total, &bytes)?,
                Record::Chain { id, .. } => {
                    writer.add_chain(id)?;
                    copied.push(Whole::default());
                }
                Record::Event { chain, event, .. } => {
                    let at = chain.0 as usize;
                    if let (Some(copied), Some(keep)) = (copied.get_mut(at), self.keep.get(at))
                        && copied.events < keep.events
                    {
                        writer.append(chain, &event)?;
                        *copied = Whole { events: copied.events + 1, head: Some(event.hash) };
                    }
                }
            }
        }
        Ok(writer.seal_as(SealKind::Repaired {
            reason: self.reason.clone(),
            cut_events: self.cut_events,
            original_bytes: self.original_bytes,
        })?)
    }
}

/// How far each chain is whole.
#[derive(Default)]
struct Kept {
    chains: Vec<KeptChain>,
    /// Calls that end.
    calls: u64,
}

#[derive(Default)]
struct KeptChain {
    events: u64,
    /// Up to the last event that ends a call, or that begins or ends the chain.
    whole: Whole,
}

/// The whole part of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Whole {
    events: u64,
    /// Hash of its last event.
    head: Option<EventHash>,
}

impl Kept {
    /// Takes the next record, which was found to be valid.
    fn note(&mut self, record: &Record) {
        match record {
            Record::Actor { .. } => {}
            Record::Chain { .. } => self.chains.push(KeptChain::default()),
            Record::Event { chain, event, .. } => {
                let Some(kept) = self.chains.get_mut(chain.0 as usize) else { return };
                kept.events += 1;
                let ends_call = event.ends_call();
                if ends_call || matches!(&*event.event_type, SESSION | SHUTDOWN) {
                    kept.whole = Whole { events: kept.events, head: Some(event.hash) };
                }
                self.calls += u64::from(ends_call);
            }
        }
    }
}
