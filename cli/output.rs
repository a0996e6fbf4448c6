//! Owns new files that come about as a whole or not at all. `record` does without: what it has written must be there when
//! it is killed.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use retake_chain::Storage;
use tempfile::{Builder, NamedTempFile};

/// A file that is written under another name beside its place, and takes its place when it is kept. Without that
/// nothing is left of it.
pub struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
    force: bool,
}

impl NewFile {
    /// Begins a file that will be at `path`. An existing one stays as it is until then, and is in the way without `force`.
    ///
    /// # Errors
    /// What to tell the user.
    pub fn create(path: &Path, force: bool) -> Result<NewFile, String> {
        let path = place(path, force).map_err(|error| refusal(path, &error))?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        fs::metadata(folder).map_err(|error| refusal(&path, &error))?;
        // As any new file has them: the umask is taken off.
        let permissions = Permissions::from_mode(0o666);
        let file = Builder::new().prefix(".retake-").permissions(permissions).tempfile_in(folder);
        let file = file.map_err(|error| refusal(&path, &error))?;
        Ok(NewFile { file, path, force })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// What to tell the user; nothing is left of the file then.
    pub fn keep(self) -> Result<(), String> {
        let NewFile { file, path, force } = self;
        let kept = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        kept.map(drop).map_err(|error| refusal(&path, &error.error))
    }
}

/// Where the file goes: through a link, to what it links to. Only a regular file is ever replaced.
fn place(path: &Path, force: bool) -> io::Result<PathBuf> {
    if path.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it does not name a file"));
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.into()),
        Err(error) => Err(error),
        Ok(_) if !force => Err(io::Error::new(io::ErrorKind::AlreadyExists, "it exists already")),
        Ok(_) => {
            let path = fs::canonicalize(path)?;
            match fs::metadata(&path)?.is_file() {
                true => Ok(path),
                false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is there, and no regular file")),
            }
        }
    }
}

/// Why there cannot be a new file at `path`, and what to do about it.
pub fn refusal(path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AlreadyExists => "; give another name, or `--force` to overwrite it",
        _ => "",
    };
    format!("`{}` cannot be created: {error}{remedy}", path.display())
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl Storage for NewFile {
    fn sync(&mut self) -> io::Result<()> {
        self.file.as_file_mut().sync()
    }
}
