//! Owns [`verify`], which leads a reader's records through the integrity checks.

use std::io::Read;

use retake_chain::{LogReader, ReadError};
use serde::Serialize;

use crate::exit::ExitCode;
use crate::integrity::IntegrityChecker;
use crate::integrity_error::IntegrityError;
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
    /// Bytes of the file.
    pub bytes: u64,
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
    /// How a command ends that was asked to check this take.
    pub fn exit_code(&self) -> ExitCode {
        match &self.fault {
            VerifyFault::Integrity(_) => ExitCode::Damaged,
            VerifyFault::Read(
                ReadError::Damaged { .. } | ReadError::TrailingBytes { .. } | ReadError::Failed,
            ) => ExitCode::Damaged,
            VerifyFault::Read(
                ReadError::Io { .. } | ReadError::Empty | ReadError::NotATake { .. } | ReadError::Version(_),
            ) => ExitCode::Unchecked,
        }
    }
}

/// Checks a take from its first byte to its last, in memory that does not grow with it. A take that is torn or
/// unsealed is no error; the report's state says so.
///
/// # Errors
/// [`VerifyError`] with the first fault, and what was checked before it.
pub fn verify(input: impl Read) -> Result<Report, VerifyError> {
    let mut checker = IntegrityChecker::new();
    let mut reader = match LogReader::open(input) {
        Ok(reader) => reader,
        Err(error) => return Err(VerifyError { fault: error.into(), checked: Checked::default() }),
    };
    match check_records(&mut reader, &mut checker) {
        Ok(()) => {
            let checked = progress(&reader, &checker);
            checker
                .finish(reader.state(), reader.seal(), reader.bytes())
                .map_err(|error| VerifyError { fault: error.into(), checked })
        }
        Err(fault) => Err(VerifyError { fault, checked: progress(&reader, &checker) }),
    }
}

fn check_records<R: Read>(
    reader: &mut LogReader<R>,
    checker: &mut IntegrityChecker,
) -> Result<(), VerifyFault> {
    while let Some(record) = reader.next_record()? {
        checker.record(&record)?;
    }
    Ok(())
}

fn progress<R: Read>(reader: &LogReader<R>, checker: &IntegrityChecker) -> Checked {
    Checked {
        chains: checker.chains(),
        events: checker.events(),
        calls: checker.calls(),
        bytes: reader.bytes(),
    }
}
