//! Owns [`verify`]: it reads a take and checks all of its records, most of the work in parallel.

use std::io::Read;
use std::thread;

use retake_chain::{LogReader, ReadError, Record};
use serde::Serialize;

use crate::exit::ExitCode;
use crate::fault::FaultKind;
use crate::integrity::IntegrityChecker;
use crate::integrity_error::IntegrityError;
use crate::parallel_check::ParallelCheck;
use crate::record_check::RecordCheck;
use crate::report::Report;

/// How much of a take was checked without a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Chains that were introduced.
    pub chains: usize,
    /// Events.
    pub events: u64,
    /// Export calls that start in these events.
    pub calls: u64,
}

/// A take with a fault.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct VerifyError {
    /// What is wrong.
    #[source]
    pub fault: VerifyFault,
    /// What was checked before it.
    pub checked: Checked,
}

/// What is wrong with a take.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFault {
    /// The take, or the rest of it, cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The take can be read, but contradicts itself.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
}

impl VerifyError {
    /// The kind of the fault.
    pub fn kind(&self) -> FaultKind {
        FaultKind::from(&self.fault)
    }

    /// The exit code of a command that checks this take.
    pub fn exit_code(&self) -> ExitCode {
        self.kind().exit_code()
    }

    /// Number in the take of the event with the fault, or of the event that would have come next.
    pub fn event(&self) -> u64 {
        self.checked.events
    }

    /// Byte of the file at which the fault is, or at which the frame with the fault starts.
    pub fn offset(&self) -> Option<u64> {
        match &self.fault {
            VerifyFault::Read(error) => match error {
                ReadError::Io { offset, .. }
                | ReadError::Damaged { offset, .. }
                | ReadError::TrailingBytes { offset } => Some(*offset),
                ReadError::Empty | ReadError::NotATake { .. } | ReadError::Version(_) | ReadError::Failed => {
                    None
                }
            },
            VerifyFault::Integrity(error) => match error {
                IntegrityError::Event { location, .. } => Some(location.offset),
                IntegrityError::Message(_)
                | IntegrityError::DuplicateChain { .. }
                | IntegrityError::ChainOutOfTurn { .. }
                | IntegrityError::EmptyChain { .. }
                | IntegrityError::EndsInsideCall { .. }
                | IntegrityError::NoShutdown { .. }
                | IntegrityError::EmbeddedIncomplete { .. }
                | IntegrityError::SealedEvents { .. }
                | IntegrityError::SealedChains { .. }
                | IntegrityError::SealedActor { .. }
                | IntegrityError::SealedCount { .. }
                | IntegrityError::SealedHead { .. } => None,
            },
        }
    }
}

impl From<&VerifyFault> for FaultKind {
    fn from(fault: &VerifyFault) -> Self {
        match fault {
            VerifyFault::Read(error) => error.into(),
            VerifyFault::Integrity(error) => error.into(),
        }
    }
}

/// Checks a take from its first byte to its last, on all cores. The memory that it needs does not grow with
/// the take. A torn or unsealed take is not an error: the report's state says what it is.
///
/// # Errors
/// [`VerifyError`] with the first fault, and with what was checked before it.
pub fn verify(input: impl Read) -> Result<Report, VerifyError> {
    verify_each(input, |_| ())
}

/// The same. `valid` gets each record without a fault, in the order of the take.
///
/// # Errors
/// As [`verify`].
pub fn verify_each(input: impl Read, valid: impl FnMut(&Record)) -> Result<Report, VerifyError> {
    let mut checker = IntegrityChecker::new();
    let mut reader = match LogReader::open(input) {
        Ok(reader) => reader,
        Err(error) => return Err(VerifyError { fault: error.into(), checked: Checked::default() }),
    };
    let done = check_records(&mut reader, &mut checker, valid);
    let checked = Checked { chains: checker.chains(), events: checker.events(), calls: checker.calls() };
    done.and_then(|()| Ok(checker.finish(reader.state(), reader.seal(), reader.bytes())?))
        .map_err(|fault| VerifyError { fault, checked })
}

/// Checks all records up to the first fault. `valid` gets each record without a fault, in order.
///
/// Each record alone is checked on all cores, while more are read. What records say of each other is then
/// checked in their order.
pub(crate) fn check_records<R: Read>(
    reader: &mut LogReader<R>,
    checker: &mut IntegrityChecker,
    mut valid: impl FnMut(&Record),
) -> Result<(), VerifyFault> {
    let mut check = |record: Record, checked: RecordCheck| -> Result<(), VerifyFault> {
        checker.record_with(&record, checked)?;
        valid(&record);
        Ok(())
    };
    thread::scope(|scope| {
        let mut parallel = ParallelCheck::new(scope);
        loop {
            let end = match reader.next_record() {
                Ok(Some(record)) => {
                    parallel.push(record, &mut check)?;
                    continue;
                }
                Ok(None) => Ok(()),
                Err(error) => Err(error.into()),
            };
            // A fault before the read error is reported first.
            parallel.finish(&mut check)?;
            return end;
        }
    })
}
