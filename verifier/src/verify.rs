//! Owns [`verify`], which leads a reader's records through the integrity checks, the greater part of them in parallel.

use std::io::Read;
use std::thread;

use retake_chain::{LogReader, ReadError, Record};
use serde::Serialize;

use crate::exit::ExitCode;
use crate::fault::Fault;
use crate::integrity::{Alone, IntegrityChecker};
use crate::integrity_error::IntegrityError;
use crate::lookers::Lookers;
use crate::report::Report;

/// What was checked and holds, before a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Chains that were introduced.
    pub chains: usize,
    /// Events.
    pub events: u64,
    /// Export calls that begin in them.
    pub calls: u64,
}

/// A take that does not hold.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct VerifyError {
    /// What is wrong.
    #[source]
    pub fault: VerifyFault,
    /// What was checked before, and holds.
    pub checked: Checked,
}

/// What is wrong with a take.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFault {
    /// It cannot be read, or not to its end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It can be read, but cannot be right.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
}

impl VerifyError {
    /// Which of all faults it is.
    pub fn name(&self) -> Fault {
        Fault::from(&self.fault)
    }

    /// How a command ends that was asked to check this take.
    pub fn exit_code(&self) -> ExitCode {
        self.name().exit_code()
    }

    /// The number of the event that is at fault, or that would have come next.
    pub fn event(&self) -> u64 {
        self.checked.events
    }

    /// Where the fault is in the file: a byte, or the frame that holds it.
    pub fn offset(&self) -> Option<u64> {
        match &self.fault {
            VerifyFault::Read(
                ReadError::Io { offset, .. }
                | ReadError::Damaged { offset, .. }
                | ReadError::TrailingBytes { offset },
            ) => Some(*offset),
            VerifyFault::Integrity(IntegrityError::Event { place, .. }) => Some(place.offset),
            _ => None,
        }
    }
}

/// Checks a take from its first byte to its last, on all cores, in memory that does not grow with it. A take that is torn or
/// unsealed is no error; the report's state says so.
///
/// # Errors
/// [`VerifyError`] with the first fault, and what was checked before it.
pub fn verify(input: impl Read) -> Result<Report, VerifyError> {
    verify_each(input, |_| ())
}

/// The same; `valid` gets each record that was checked and holds, in the order of the take.
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

/// Checks all records up to the first fault; `valid` gets those that hold, in order.
///
/// What a record tells alone is looked at on all cores while more is read; what records say of each other is checked in their
/// order.
pub(crate) fn check_records<R: Read>(
    reader: &mut LogReader<R>,
    checker: &mut IntegrityChecker,
    mut valid: impl FnMut(&Record),
) -> Result<(), VerifyFault> {
    let mut check = |record: Record, alone: Alone| -> Result<(), VerifyFault> {
        checker.record_with(&record, alone)?;
        valid(&record);
        Ok(())
    };
    thread::scope(|scope| {
        let mut lookers = Lookers::new(scope);
        loop {
            let end = match reader.next_record() {
                Ok(Some(record)) => {
                    lookers.push(record, &mut check)?;
                    continue;
                }
                Ok(None) => Ok(()),
                Err(error) => Err(error.into()),
            };
            // What comes before an error in the file is what is told first.
            lookers.finish(&mut check)?;
            return end;
        }
    })
}
