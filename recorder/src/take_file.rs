//! Owns [`TakeFile`]: the file that a take is written to. It is locked while it is recorded, and that it is still there and
//! still the named one is looked after, since writes to a deleted file succeed. What is written is the log's.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use retake_chain::log::Storage;
use thiserror::Error;

/// A take on disk that is being recorded.
#[derive(Debug)]
pub struct TakeFile {
    file: File,
    path: PathBuf,
    /// Where the file's name stands; `None` for what is no regular file.
    directory: Option<PathBuf>,
    /// The directory can be synced, and was.
    syncs_directory: bool,
}

/// What became of a take's file, other than what its recorder made of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileLost {
    /// Another recorder has it.
    #[error("another recorder writes to it; wait until that ends, or give another name")]
    Locked,
    /// It has no name any more.
    #[error("`{}` was deleted while it was recorded; nothing of the take is left, record it again", path.display())]
    Deleted {
        /// The name it had.
        path: PathBuf,
    },
    /// It has another name now.
    #[error(
        "the take is no longer at `{}`: it was moved while it was recorded; where it is now, it is whole and sealed",
        path.display()
    )]
    Moved {
        /// The name it had.
        path: PathBuf,
    },
}

impl TakeFile {
    /// Creates a file that must not exist yet.
    ///
    /// # Errors
    /// What the file system says, [`ErrorKind::AlreadyExists`] for one that exists; [`FileLost::Locked`] within a
    /// [`ErrorKind::ResourceBusy`].
    pub fn create_new(path: &Path) -> io::Result<TakeFile> {
        TakeFile::lock(File::create_new(path)?, path)
    }

    /// Creates a file, or empties the one that is there, unless another recorder writes to it.
    ///
    /// # Errors
    /// As [`TakeFile::create_new`].
    pub fn overwrite(path: &Path) -> io::Result<TakeFile> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        let take = TakeFile::lock(file, path)?;
        // A device has no length.
        if take.directory.is_some() {
            take.file.set_len(0)?;
        }
        Ok(take)
    }

    fn lock(file: File, path: &Path) -> io::Result<TakeFile> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(ErrorKind::ResourceBusy, FileLost::Locked));
            }
            // Some file systems have no locks; there nothing keeps two recorders apart.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let directory = match file.metadata()?.is_file() {
            true => fs::canonicalize(path)?.parent().map(Path::to_path_buf),
            false => None,
        };
        Ok(TakeFile { file, path: path.to_path_buf(), directory, syncs_directory: false })
    }

    /// Makes the file's name survive a loss of power. Without it a file that was synced may have none.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sync_directory(&mut self) -> io::Result<()> {
        if let Some(directory) = &self.directory {
            File::open(directory)?.sync_all()?;
            self.syncs_directory = true;
        }
        Ok(())
    }

    fn is_at_its_path(&self) -> io::Result<bool> {
        let identity = |found: Metadata| (found.dev(), found.ino());
        match fs::metadata(&self.path) {
            Ok(named) => Ok(identity(named) == identity(self.file.metadata()?)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Write for TakeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
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

    /// Fails if the path names the file no longer.
    fn close(&mut self) -> io::Result<()> {
        if !self.is_at_its_path()? {
            return Err(io::Error::new(ErrorKind::NotFound, FileLost::Moved { path: self.path.clone() }));
        }
        match self.sync_directory() {
            // Where that was not asked for, it is no condition.
            Err(error) if self.syncs_directory => Err(error),
            _ => Ok(()),
        }
    }
}
