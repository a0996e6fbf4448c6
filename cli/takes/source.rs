//! Owns [`Source`], where a take is read from, and [`OpenTake`].

use std::io::{self, Read, Seek};
use std::path::Path;

use retake_chain::log::ReadError;
use retake_verifier::{Checked, VerifyError};

use crate::input::InputError;

/// Where a take is read from.
pub trait Source: Sync {
    /// Opens the take, to be read at any place.
    ///
    /// # Errors
    /// [`InputError`].
    fn open(&self) -> Result<Box<dyn OpenTake>, InputError>;

    /// Opens the take, to be read once from front to back.
    ///
    /// # Errors
    /// [`InputError`].
    fn stream(&self) -> Result<Box<dyn Read>, InputError> {
        Ok(Box::new(self.open()?))
    }

    /// The folder that a relative path in the take may start from.
    fn folder(&self) -> &Path;
}

/// A take that is open for reading.
pub trait OpenTake: Read + Seek + Send {
    /// How many bytes it has.
    ///
    /// # Errors
    /// What the storage says.
    fn size(&self) -> io::Result<u64>;

    /// Whether a recorder writes to it. If not, none does until this is closed.
    fn is_being_recorded(&self) -> bool;
}

/// A take that cannot be opened is one that cannot be read at its first byte.
pub fn unopened(error: InputError) -> VerifyError {
    unread(ReadError::Io { offset: 0, source: error.into() })
}

/// A fault before anything was checked.
pub fn unread(error: ReadError) -> VerifyError {
    VerifyError { fault: error.into(), checked: Checked::default() }
}
