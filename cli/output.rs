//! Owns new files of the commands except `record`: a file appears when it is complete, and replaces only what
//! it may. The file of `record` ([`TakeFile`](retake_recorder::TakeFile)) must survive when the command is
//! killed.
//!
//! A command that is killed leaves at most a hidden file (`.retake-...`) beside the one that it was about to
//! write.

use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use retake_chain::Storage;
use retake_recorder::sync_folder;
use tempfile::{Builder, NamedTempFile};

use crate::input;
use crate::signals::Unfinished;

/// A file that is written under another name beside its place, and takes its place when it is kept. Without
/// that nothing is left of it.
pub struct NewFile {
    file: Written,
    path: PathBuf,
    /// The file that is replaced, locked.
    old: Option<File>,
}

enum Written {
    Beside(NamedTempFile, Unfinished),
    /// A device or a pipe, which nothing can be beside.
    Direct(File),
}

/// The kind of a report. A report replaces only another of its kind.
#[derive(Clone, Copy)]
pub enum ReportKind {
    /// JSON lines.
    Json,
    /// JUnit's XML.
    Junit,
}

impl NewFile {
    /// Creates a take or an export that will be at `path`. With `force` it replaces an existing file, which
    /// stays until then. It gets the permissions of that file; else only its owner may read it.
    ///
    /// # Errors
    /// The message for the user.
    pub fn create(path: &Path, force: bool) -> Result<NewFile, String> {
        let refuse = |error: io::Error| refusal(path, &error);
        let old = match existing(path).map_err(refuse)? {
            None => None,
            Some(_) if !force => {
                return Err(refuse(io::Error::new(io::ErrorKind::AlreadyExists, "it exists already")));
            }
            Some(found) if !found.is_file() => {
                return Err(refuse(invalid("it is there, and is not a regular file")));
            }
            Some(_) => Some(replaceable(path).map_err(refuse)?),
        };
        NewFile::beside(path, old, 0o600).map_err(refuse)
    }

    /// Creates a report that will be at `path`. It may replace only another report. A device or a pipe is
    /// written to directly.
    ///
    /// # Errors
    /// The error of the file system, or that something else is at `path`.
    pub fn report(path: &Path, kind: ReportKind) -> io::Result<NewFile> {
        let old = match existing(path)? {
            None => None,
            Some(found) if found.is_file() => {
                let mut first = [0];
                let length = input::open(path)?.read(&mut first)?;
                let expected = match kind {
                    ReportKind::Json => b"{",
                    ReportKind::Junit => b"<",
                };
                if length > 0 && first != *expected {
                    return Err(invalid(
                        "it exists and is not such a report; remove it, or give another name",
                    ));
                }
                Some(replaceable(path)?)
            }
            Some(found) if is_stream(&found) => {
                let file = OpenOptions::new().write(true).open(path)?;
                return Ok(NewFile { file: Written::Direct(file), path: path.into(), old: None });
            }
            Some(_) => return Err(invalid("it is there, and is not a regular file")),
        };
        // As any new file has them: the umask is taken off.
        NewFile::beside(path, old, 0o666)
    }

    fn beside(path: &Path, old: Option<File>, mode: u32) -> io::Result<NewFile> {
        // Through a link, to what it links to.
        let path = if old.is_some() { fs::canonicalize(path)? } else { path.into() };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        fs::metadata(folder)?;
        let permissions = Permissions::from_mode(mode);
        let make = || Builder::new().prefix(".retake-").permissions(permissions).tempfile_in(folder);
        let (file, unfinished) = Unfinished::create(make)?;
        Ok(NewFile { file: Written::Beside(file, unfinished), path, old })
    }

    /// Moves the file to its place.
    ///
    /// # Errors
    /// The message for the user; nothing is left of the file then.
    pub fn keep(self) -> Result<(), String> {
        let path = self.path.clone();
        self.put().map_err(|error| refusal(&path, &error))
    }

    fn put(self) -> io::Result<()> {
        let NewFile { file, path, old } = self;
        let (file, _unfinished) = match file {
            Written::Beside(file, unfinished) => (file, unfinished),
            Written::Direct(mut file) => return file.flush(),
        };
        file.as_file().sync_all()?;
        match old {
            Some(old) => {
                file.as_file().set_permissions(old.metadata()?.permissions())?;
                file.persist(&path)?;
            }
            None => drop(file.persist_noclobber(&path)?),
        }
        // The name survives a loss of power where the folder can be synced.
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let _ = sync_folder(folder);
        Ok(())
    }

    fn file(&mut self) -> &mut File {
        match &mut self.file {
            Written::Beside(file, _) => file.as_file_mut(),
            Written::Direct(file) => file,
        }
    }
}

/// The file at a path, links followed. A link to nothing is an error.
fn existing(path: &Path) -> io::Result<Option<Metadata>> {
    if path.file_name().is_none() {
        return Err(invalid("it does not name a file"));
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(_) => fs::metadata(path).map(Some),
    }
}

/// Opens a regular file that will be replaced. The user must be allowed to write it, and no recorder may
/// write to it.
fn replaceable(path: &Path) -> io::Result<File> {
    let old = OpenOptions::new().write(true).open(path)?;
    match old.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "a recorder writes to it; wait until that ends"))
        }
        _ => Ok(old),
    }
}

fn is_stream(found: &Metadata) -> bool {
    let kind = found.file_type();
    kind.is_char_device() || kind.is_fifo() || kind.is_socket()
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

/// Why there cannot be a new file at `path`, and what to do about it.
pub fn refusal(path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AlreadyExists if fs::metadata(path).is_ok_and(|found| found.is_file()) => {
            "; give another name, or `--force` to overwrite it"
        }
        io::ErrorKind::AlreadyExists => ", and is not a regular file; give another name",
        _ => "",
    };
    format!("`{}` cannot be created: {error}{remedy}", path.display())
}

/// Refuses to overwrite a file that the command reads, under any name, and to write two outputs to one file.
/// Each output comes with its option, each input with its role.
///
/// # Errors
/// The message for the user.
pub fn refuse_inputs<'a>(
    outputs: &[(&str, &Path)],
    inputs: impl IntoIterator<Item = (&'static str, &'a Path)>,
) -> Result<(), String> {
    let files: Vec<_> = outputs.iter().map(|(option, path)| (option, path, identity(path))).collect();
    for (at, (option, path, file)) in files.iter().enumerate() {
        let same =
            files[..at].iter().find(|(_, other, found)| other == path || (found.is_some() && found == file));
        if let Some((other, ..)) = same {
            return Err(format!("`{option}` and `{other}` both name `{}`; give two names", path.display()));
        }
    }
    for (what, input) in inputs {
        let Some(read) = identity(input) else { continue };
        if let Some((option, path, _)) = files.iter().find(|(_, _, file)| *file == Some(read)) {
            let path = path.display();
            let input = input.display();
            return Err(format!("`{option} {path}` would overwrite {what} `{input}`; give another name"));
        }
    }
    Ok(())
}

/// A regular file, by device and number. A device or a pipe may be read and written.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok().filter(Metadata::is_file)?;
    Some((found.dev(), found.ino()))
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

impl Storage for NewFile {
    fn sync(&mut self) -> io::Result<()> {
        self.file().sync()
    }
}
