//! Owns [`TakeFile`]: the file that a take is written to. It is locked while the take is recorded. Writes to
//! a deleted file succeed, so it checks that the file still exists and still has its name.
//! `retake_chain::log` decides what is written.
//!
//! A new take is written under its own name, so that it is there if the recorder is killed. A take that
//! replaces another is written beside it, and gets the name when it is sealed. Until then the other one stays
//! as it was.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use retake_chain::log::Storage;
use thiserror::Error;

/// A take on disk that is being recorded.
#[derive(Debug)]
pub struct TakeFile {
    file: File,
    path: PathBuf,
    /// The directory of the file.
    directory: PathBuf,
    /// The directory was synced, so it can be.
    syncs_directory: bool,
    replaces: Option<Replaced>,
    /// Bytes that were written.
    written: u64,
}

/// A file that a sealed take will replace.
#[derive(Debug)]
struct Replaced {
    path: PathBuf,
    /// Locked, so that no second recorder is about to replace it.
    file: File,
}

/// The suffix of the name of a take that will replace another, while it is recorded.
const RECORDING: &str = ".recording";

/// What happened to the file of a take while it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileLost {
    /// Another recorder has it.
    #[error("another recorder writes to it; wait until that one ends, or give another name")]
    Locked,
    /// The take is whole, but another recorder has taken its name.
    #[error(
        "another recorder writes to `{}` now; the take is whole and sealed at `{}`",
        path.display(), beside.display()
    )]
    NameTaken {
        /// The name it was to get.
        path: PathBuf,
        /// Where it is.
        beside: PathBuf,
    },
    /// It was deleted.
    #[error("`{}` was deleted while it was recorded; nothing of the take is left; record it again", path.display())]
    Deleted {
        /// The name it had.
        path: PathBuf,
    },
    /// Another program changed it.
    #[error(
        "`{}`: another program changed it while it was recorded: expected {written} bytes, found {found}; record it again",
        path.display()
    )]
    Changed {
        /// Its name.
        path: PathBuf,
        /// Bytes that it has.
        found: u64,
        /// Bytes that were written.
        written: u64,
    },
    /// It was moved.
    #[error(
        "`{}` was moved while it was recorded; the take is whole and sealed where it is now",
        path.display()
    )]
    Moved {
        /// The name it had.
        path: PathBuf,
    },
}

impl TakeFile {
    /// Creates a file that must not exist yet. Only its owner may read it, as a take holds what the actor
    /// received.
    ///
    /// # Errors
    /// The file system's error, [`ErrorKind::AlreadyExists`] for a file that exists; [`FileLost::Locked`] in
    /// an [`ErrorKind::ResourceBusy`].
    pub fn create_new(path: &Path) -> io::Result<TakeFile> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        TakeFile::of(file, path, None)
    }

    /// Creates a file that replaces the one at `path` when the take is sealed, unless another recorder writes
    /// to that one. Until then it is [beside](Self::beside) it. It gets the permissions of the file that it
    /// replaces. If there is no such file, this is [`create_new`](Self::create_new).
    ///
    /// # Errors
    /// As [`TakeFile::create_new`]. A file that this user may not write is not replaced, nor is one that is
    /// not regular.
    pub fn replace(path: &Path) -> io::Result<TakeFile> {
        let refused = |found: &str| Err(io::Error::new(ErrorKind::InvalidInput, found));
        match fs::metadata(path) {
            Ok(found) if found.is_file() => {}
            // Opening a pipe could wait without end.
            Ok(_) => return refused("it is there, and is not a regular file"),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    return refused(
                        "it is a link to a file that is not there; remove it, or give another name",
                    );
                }
                return TakeFile::create_new(path);
            }
            Err(error) => return Err(error),
        }
        let old = OpenOptions::new().write(true).open(path)?;
        lock(&old)?;
        // A link is followed: its target is replaced.
        let path = match fs::symlink_metadata(path)?.is_symlink() {
            true => fs::canonicalize(path)?,
            false => path.to_path_buf(),
        };
        for count in 1u64.. {
            let mut name = OsString::from(&path);
            name.push(RECORDING);
            if count > 1 {
                name.push(format!("-{count}"));
            }
            let beside = PathBuf::from(name);
            // A file that exists is left by a recorder that was killed, and holds what that recorded.
            match OpenOptions::new().append(true).create_new(true).mode(0o600).open(&beside) {
                Ok(file) => return TakeFile::of(file, &beside, Some(Replaced { path, file: old })),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("the counter does not end")
    }

    /// The path of the take until it is sealed, if it replaces another.
    pub fn beside(&self) -> Option<&Path> {
        self.replaces.is_some().then_some(&*self.path)
    }

    fn of(file: File, path: &Path, replaces: Option<Replaced>) -> io::Result<TakeFile> {
        lock(&file)?;
        let absolute = fs::canonicalize(path)?;
        let directory = absolute.parent().unwrap_or(&absolute).to_path_buf();
        Ok(TakeFile {
            file,
            path: path.to_path_buf(),
            directory,
            syncs_directory: false,
            replaces,
            written: 0,
        })
    }

    /// Gives the sealed take the name of the file that it replaces.
    fn take_name(&mut self) -> io::Result<()> {
        let Some(Replaced { path, file: old }) = self.replaces.take() else { return Ok(()) };
        let permissions = old.metadata()?.permissions();
        // Another file may be there by now, and may belong to another recorder.
        if let Ok(now) = OpenOptions::new().write(true).open(&path)
            && identity(&now.metadata()?) != identity(&old.metadata()?)
            && lock(&now).is_err()
        {
            let taken = FileLost::NameTaken { path, beside: self.path.clone() };
            return Err(io::Error::new(ErrorKind::ResourceBusy, taken));
        }
        self.file.set_permissions(permissions)?;
        fs::rename(&self.path, &path)?;
        self.path = path;
        Ok(())
    }

    /// Makes the file's name survive a loss of power. Without this, a synced file may have no name.
    ///
    /// # Errors
    /// The file system's error.
    pub fn sync_directory(&mut self) -> io::Result<()> {
        sync_folder(&self.directory)?;
        self.syncs_directory = true;
        Ok(())
    }

    fn is_at_its_path(&self) -> io::Result<bool> {
        match fs::metadata(&self.path) {
            Ok(named) => Ok(identity(&named) == identity(&self.file.metadata()?)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Keeps other recorders from a file, for as long as it is open.
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(ErrorKind::ResourceBusy, FileLost::Locked)),
        // Some file systems have no locks. There, two recorders are not kept apart.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Write for TakeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    /// Fails if the file was deleted.
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()?;
        match self.file.metadata()?.nlink() {
            0 => Err(io::Error::new(ErrorKind::NotFound, FileLost::Deleted { path: self.path.clone() })),
            _ => Ok(()),
        }
    }
}

impl Storage for TakeFile {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Fails if the path does not name the file any more, or the file does not have the length that was
    /// written. A take that replaces another gets its name here.
    fn close(&mut self) -> io::Result<()> {
        if !self.is_at_its_path()? {
            return Err(io::Error::new(ErrorKind::NotFound, FileLost::Moved { path: self.path.clone() }));
        }
        let (found, written) = (self.file.metadata()?.len(), self.written);
        if found != written {
            let changed = FileLost::Changed { path: self.path.clone(), found, written };
            return Err(io::Error::new(ErrorKind::InvalidData, changed));
        }
        self.take_name()?;
        match self.sync_directory() {
            // It matters only if it was asked for.
            Err(error) if self.syncs_directory => Err(error),
            _ => Ok(()),
        }
    }
}

/// Makes the names in a folder survive a loss of power.
///
/// # Errors
/// The file system's error.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
