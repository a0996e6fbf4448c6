//! Owns the repair of a take: it finds the valid part of each chain, up to the end of a call, and writes a
//! new take of it. The caller says where the new take goes.

use std::io::Read;

use retake_chain::log::{SealSummary, Storage, WriteError};
use retake_chain::{
    EventHash, LogReader, LogWriter, ReadError, Record, SESSION, SHUTDOWN, SealKind, TakeState,
};

use crate::exit::ExitCode;
use crate::fault::FaultKind;
use crate::integrity::IntegrityChecker;
use crate::verify::{VerifyFault, check_records};

/// What a repair keeps: of each chain, the events up to the end of its last complete call.
#[derive(Debug)]
pub struct RepairPlan {
    reason: String,
    fault: FaultKind,
    /// What to keep, by chain number.
    keep: Vec<ChainPrefix>,
    calls: u64,
    cut_events: u64,
    original_bytes: u64,
}

/// Why a take was not repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The take has no fault.
    #[error("the take is intact and sealed, so there is nothing to repair")]
    Intact,
    /// The take was repaired before.
    #[error("the take was already repaired ({reason}), so there is nothing to repair")]
    Repaired {
        /// The fault that the take had.
        reason: String,
    },
    /// No call ends before the fault.
    #[error("no call is complete before the fault, so there is nothing to keep: {reason}")]
    NothingToKeep {
        /// The fault.
        reason: String,
    },
    /// The take cannot be read.
    #[error("cannot read the take: {0}")]
    Unreadable(ReadError),
    /// The second reading of the take differs from the first.
    #[error(
        "the take changed during the repair; if it is still being recorded, wait for the recording to end"
    )]
    Changed,
    /// The new take cannot be written.
    #[error("cannot write the new take: {0}")]
    Write(#[from] WriteError),
}

impl RepairError {
    /// The exit code of a command that repairs this take.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            RepairError::Intact | RepairError::Repaired { .. } | RepairError::NothingToKeep { .. } => {
                ExitCode::Nothing
            }
            RepairError::Unreadable(_) | RepairError::Changed | RepairError::Write(_) => ExitCode::Unchecked,
        }
    }
}

impl RepairPlan {
    /// Checks a take up to its first fault. `bytes` is the size of its file.
    ///
    /// # Errors
    /// [`RepairError`] if there is nothing to repair or nothing to keep, or if the take cannot be read.
    pub fn of(input: impl Read, bytes: u64) -> Result<RepairPlan, RepairError> {
        let mut reader = LogReader::open(input).map_err(RepairError::Unreadable)?;
        let mut checker = IntegrityChecker::new();
        let mut kept = KeptCalls::default();
        let checked = check_records(&mut reader, &mut checker, |record| kept.note(record));
        let valid = checker.events();
        let end = checked.and_then(|()| Ok(checker.finish(reader.state(), reader.seal(), bytes)?));
        let (reason, fault) = match end {
            Err(VerifyFault::Read(error @ ReadError::Io { .. })) => {
                return Err(RepairError::Unreadable(error));
            }
            Err(fault) => (fault.to_string(), FaultKind::from(&fault)),
            Ok(report) => match (report.fault(), report.seal) {
                (Some(FaultKind::Repaired), Some(SealKind::Repaired { reason, .. })) => {
                    return Err(RepairError::Repaired { reason });
                }
                (None | Some(FaultKind::NoCall), _) => return Err(RepairError::Intact),
                (Some(fault), _) => match report.state {
                    TakeState::Torn { offset } => (format!("torn at byte {offset}"), fault),
                    TakeState::Unsealed | TakeState::Sealed => {
                        ("not sealed: its recorder did not finish".into(), fault)
                    }
                },
            },
        };
        if kept.calls == 0 {
            return Err(RepairError::NothingToKeep { reason });
        }
        // After an altered event more events may be readable. They are not kept, but they count as cut.
        while let Ok(Some(_)) = reader.next_record() {}
        let readable = reader.events().max(valid);
        let keep: Vec<ChainPrefix> = kept.chains.iter().map(|chain| chain.prefix).collect();
        let cut_events = readable - keep.iter().map(|chain| chain.events).sum::<u64>();
        Ok(RepairPlan { reason, fault, keep, calls: kept.calls, cut_events, original_bytes: bytes })
    }

    /// The fault of the take, in words.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The kind of this fault.
    pub fn fault(&self) -> FaultKind {
        self.fault
    }

    /// Number of calls that are kept.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Number of events that could be read and are not kept.
    pub fn cut_events(&self) -> u64 {
        self.cut_events
    }

    /// Reads the take again and writes the part that is kept, sealed as repaired.
    ///
    /// # Errors
    /// [`RepairError::Changed`] if the take has changed since it was checked, and [`RepairError::Write`].
    pub fn write<S: Storage>(&self, input: impl Read, storage: S) -> Result<(S, SealSummary), RepairError> {
        let mut reader = LogReader::open(input).map_err(|_| RepairError::Changed)?;
        let mut checker = IntegrityChecker::new();
        let mut writer = LogWriter::create(storage)?;
        let mut copied: Vec<ChainPrefix> = Vec::new();
        while copied != self.keep {
            let Ok(Some(record)) = reader.next_record() else { return Err(RepairError::Changed) };
            checker.record(&record).map_err(|_| RepairError::Changed)?;
            match record {
                Record::Actor { offset, total, bytes } => writer.embed_piece(offset, total, &bytes)?,
                Record::Chain { id, .. } => {
                    writer.add_chain(id)?;
                    copied.push(ChainPrefix::default());
                }
                Record::Event { chain, event, .. } => {
                    let at = chain.0 as usize;
                    if let (Some(copied), Some(keep)) = (copied.get_mut(at), self.keep.get(at))
                        && copied.events < keep.events
                    {
                        writer.append(chain, &event)?;
                        *copied = ChainPrefix { events: copied.events + 1, head: Some(event.hash) };
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

/// The part of each chain that can be kept, as far as the take was checked.
#[derive(Default)]
struct KeptCalls {
    chains: Vec<KeptChain>,
    /// Number of calls that end.
    calls: u64,
}

#[derive(Default)]
struct KeptChain {
    events: u64,
    /// Up to the last event that ends a call, or that starts or ends the chain.
    prefix: ChainPrefix,
}

/// The start of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ChainPrefix {
    events: u64,
    /// Hash of its last event.
    head: Option<EventHash>,
}

impl KeptCalls {
    /// Takes the next valid record.
    fn note(&mut self, record: &Record) {
        match record {
            Record::Actor { .. } => {}
            Record::Chain { .. } => self.chains.push(KeptChain::default()),
            Record::Event { chain, event, .. } => {
                let Some(kept) = self.chains.get_mut(chain.0 as usize) else { return };
                kept.events += 1;
                let ends_call = event.ends_call();
                if ends_call || matches!(&*event.event_type, SESSION | SHUTDOWN) {
                    kept.prefix = ChainPrefix { events: kept.events, head: Some(event.hash) };
                }
                self.calls += u64::from(ends_call);
            }
        }
    }
}
