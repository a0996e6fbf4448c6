//! Owns a take in a file.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use retake_recorder::TakeFile;

use super::sink::{Draft, Existing, NewTake, RecordingStorage, Sink};
use super::source::{OpenTake, Source};
use crate::input::{self, InputError};
use crate::output::{NewFile, refusal};

/// The take at a path.
pub struct TakeAt<'a>(pub &'a Path);

impl Source for TakeAt<'_> {
    fn open(&self) -> Result<Box<dyn OpenTake>, InputError> {
        Ok(Box::new(input::open(self.0)?))
    }

    fn folder(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new(""))
    }
}

impl OpenTake for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn is_being_recorded(&self) -> bool {
        matches!(self.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

impl Sink for TakeAt<'_> {
    fn record(&self, existing: Existing) -> io::Result<Box<dyn RecordingStorage>> {
        let created = match existing {
            Existing::Refuse => TakeFile::create_new(self.0),
            Existing::Replace => TakeFile::replace(self.0),
        };
        let path = self.0.to_path_buf();
        Ok(Box::new(RecordedFile { path, file: created? }))
    }

    fn create(&self, existing: Existing) -> Result<Box<dyn NewTake>, String> {
        Ok(Box::new(NewFile::create(self.0, existing == Existing::Replace)?))
    }

    fn refusal(&self, error: &io::Error) -> String {
        refusal(self.0, error)
    }
}

/// A file that is being recorded.
struct RecordedFile {
    path: PathBuf,
    file: TakeFile,
}

impl io::Write for RecordedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl retake_chain::Storage for RecordedFile {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn close(&mut self) -> io::Result<()> {
        self.file.close()
    }
}

impl RecordingStorage for RecordedFile {
    fn sync_name(&mut self) -> io::Result<()> {
        self.file.sync_directory()
    }

    fn draft(&self) -> Box<dyn Draft> {
        let beside = self.file.beside();
        let path = beside.unwrap_or(&self.path).to_path_buf();
        Box::new(FileDraft { path, replaces: beside.is_some() })
    }
}

struct FileDraft {
    path: PathBuf,
    replaces: bool,
}

impl Draft for FileDraft {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn replaces(&self) -> bool {
        self.replaces
    }

    fn exists(&self) -> bool {
        self.path.exists()
    }

    fn discard(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl NewTake for NewFile {
    fn keep(self: Box<Self>) -> Result<(), String> {
        NewFile::keep(*self)
    }
}
