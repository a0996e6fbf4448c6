//! Owns the reading of every file that a user, a take or a `retake.toml` names. Such files may come from
//! others, and a link may lead anywhere. So only regular files are opened: nothing waits for a pipe or reads
//! a device. A file that is read whole into memory has a size limit.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use thiserror::Error;

/// A component, binary or text, or the body of a request.
pub const COMPONENT: u64 = 1 << 30;
/// A `retake.toml`.
pub const SETTINGS: u64 = 1 << 20;
/// A file of calls.
pub const CALLS: u64 = 64 << 20;
/// A report of `retake test`.
pub const REPORT: u64 = 1 << 30;

/// Why a file was not read. The path is the caller's to name.
#[derive(Debug, Error)]
pub enum InputError {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is something other than a file.
    #[error("it is {found}, and only regular files are read")]
    NotAFile {
        /// What is there.
        found: &'static str,
    },
    /// It is larger than the limit for its kind.
    #[error("expected at most {limit} bytes, found {found}")]
    TooLarge {
        /// How large it is, as far as that is known.
        found: String,
        /// The limit.
        limit: u64,
    },
    /// It is not text.
    #[error("it is not UTF-8 text: byte {at} is not part of a character")]
    NotText {
        /// Position of the first such byte, from 0.
        at: usize,
    },
}

impl InputError {
    /// Whether there is nothing at the path.
    pub fn is_not_found(&self) -> bool {
        matches!(self, InputError::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl From<InputError> for io::Error {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidInput, other.to_string()),
        }
    }
}

/// Opens a regular file, or one that a link leads to.
///
/// # Errors
/// [`InputError::Io`] and [`InputError::NotAFile`].
pub fn open(path: &Path) -> Result<File, InputError> {
    // Some devices do something when they are opened, so they are not.
    regular(fs::metadata(path)?.file_type())?;
    // Another program may have replaced it since. Opening must not wait for a writer, nor make it the
    // terminal of this process.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads all of a file that has at most `limit` bytes.
///
/// # Errors
/// [`InputError`], but not [`InputError::NotText`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    let file = open(path)?;
    let size = file.metadata()?.len();
    if size > limit {
        return Err(InputError::TooLarge { found: format!("{size} bytes"), limit });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // A file may grow, and those of the kernel do not say how long they are.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(InputError::TooLarge { found: format!("more than {limit} bytes"), limit }),
        false => Ok(bytes),
    }
}

/// Reads all of a text file.
///
/// # Errors
/// All of [`InputError`].
pub fn read_text(path: &Path, limit: u64) -> Result<String, InputError> {
    String::from_utf8(read(path, limit)?)
        .map_err(|error| InputError::NotText { at: error.utf8_error().valid_up_to() })
}

fn regular(kind: FileType) -> Result<(), InputError> {
    let found = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ if kind.is_block_device() || kind.is_char_device() => "a device",
        _ => "not a file",
    };
    Err(InputError::NotAFile { found })
}
