//! Owns the search for takes: which files the paths of the command line mean. All of each folder is searched,
//! and what cannot be searched is an error: a take that is silently skipped would look like one that passed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use retake_chain::Printable;

use super::error::SuiteError;

/// The extension of a take.
const EXTENSION: &str = "take";

/// What was found.
pub struct Discovered {
    /// The takes, sorted by name.
    pub takes: Vec<FoundTake>,
    /// Every folder that was searched.
    pub folders: Vec<PathBuf>,
}

/// A take that was found.
#[derive(Debug)]
pub struct FoundTake {
    pub path: PathBuf,
    /// The path, as it is shown and selected by: on one line, whatever bytes it has.
    pub name: String,
}

/// All takes in files and folders. A file that is named need not end with `.take`.
///
/// # Errors
/// [`SuiteError::Unreadable`], [`SuiteError::BrokenEntry`], [`SuiteError::Twice`], [`SuiteError::Empty`].
pub fn discover(paths: &[PathBuf]) -> Result<Discovered, SuiteError> {
    let mut search = Search::default();
    for path in paths {
        let path = plain(path);
        match fs::metadata(shown(&path)) {
            Ok(metadata) if metadata.is_dir() => search.folder(&path, &metadata)?,
            Ok(metadata) => search.take(&path, Some(&metadata))?,
            Err(error) => return Err(unreadable(&path, &error)),
        }
    }
    let Search { mut takes, folders, .. } = search;
    if takes.is_empty() {
        let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(SuiteError::Empty { paths: paths.join(", ") });
    }
    takes.sort_by(|one, other| (&one.name, &one.path).cmp(&(&other.name, &other.path)));
    Ok(Discovered { takes, folders })
}

#[derive(Default)]
struct Search {
    takes: Vec<FoundTake>,
    folders: Vec<PathBuf>,
    /// Files and folders by device and number, with the path they were found by: whatever its name, one is
    /// there once.
    seen: BTreeMap<(u64, u64), PathBuf>,
}

impl Search {
    fn folder(&mut self, folder: &Path, metadata: &fs::Metadata) -> Result<(), SuiteError> {
        self.once(folder, metadata)?;
        self.folders.push(folder.into());
        let listed = fs::read_dir(shown(folder));
        let entries: io::Result<Vec<_>> = listed.and_then(Iterator::collect);
        let mut names: Vec<_> = entries
            .map_err(|error| unreadable(folder, &error))?
            .into_iter()
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        for name in names {
            let path = folder.join(name);
            let is_take = path.extension().is_some_and(|extension| extension == EXTENSION);
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.folder(&path, &metadata)?,
                Ok(metadata) if is_take => self.take(&path, Some(&metadata))?,
                Ok(_) => {}
                // It fails as a take that cannot be opened; the others are replayed.
                Err(_) if is_take => self.take(&path, None)?,
                // It was removed while the folder was read.
                Err(_) if is_gone(&path) => {}
                // It may lead to a folder of takes.
                Err(error) => return Err(SuiteError::BrokenEntry { path, reason: error.to_string() }),
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path, metadata: Option<&fs::Metadata>) -> Result<(), SuiteError> {
        if let Some(metadata) = metadata {
            self.once(path, metadata)?;
        }
        self.takes.push(FoundTake { path: path.into(), name: Printable(path.display()).to_string() });
        Ok(())
    }

    fn once(&mut self, path: &Path, metadata: &fs::Metadata) -> Result<(), SuiteError> {
        match self.seen.insert((metadata.dev(), metadata.ino()), path.into()) {
            None => Ok(()),
            Some(first) => Err(SuiteError::Twice { first: shown(&first).into(), second: shown(path).into() }),
        }
    }
}

/// The path without the `.` in it that means nothing.
pub fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// The path of this folder has no name of its own, so that it is not in front of every take's.
fn shown(path: &Path) -> &Path {
    if path == Path::new("") { Path::new(".") } else { path }
}

/// Whether there is nothing under a name, not even a link that leads nowhere.
fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn unreadable(path: &Path, error: &io::Error) -> SuiteError {
    SuiteError::Unreadable { path: shown(path).into(), reason: error.to_string() }
}
