//! Owns the finding of takes: which files the paths of the command line stand for. Every folder is searched to its end, and what cannot
//! be searched is an error: a take that is passed over in silence would look like one that passed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::error::SuiteError;

/// The extension of a take.
const EXTENSION: &str = "take";

/// A take that was found.
#[derive(Debug)]
pub struct Found {
    pub path: PathBuf,
    /// The path, as it is shown and selected by.
    pub name: String,
}

/// All takes in files and folders, sorted by name. A file that is named need not end with `.take`.
///
/// # Errors
/// [`SuiteError::Unreadable`], [`SuiteError::Twice`], [`SuiteError::Empty`].
pub fn discover(paths: &[PathBuf]) -> Result<Vec<Found>, SuiteError> {
    let mut search = Search::default();
    for path in paths {
        let path = plain(path);
        match fs::metadata(shown(&path)) {
            Ok(metadata) if metadata.is_dir() => search.folder(&path, &metadata)?,
            Ok(metadata) => search.take(&path, Some(&metadata))?,
            Err(error) => return Err(unreadable(&path, &error)),
        }
    }
    if search.found.is_empty() {
        let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(SuiteError::Empty { paths: paths.join(", ") });
    }
    search.found.sort_by(|one, other| (&one.name, &one.path).cmp(&(&other.name, &other.path)));
    Ok(search.found)
}

#[derive(Default)]
struct Search {
    found: Vec<Found>,
    /// Files and folders by device and number, with the path they were found by: whatever its name, one is there once.
    seen: BTreeMap<(u64, u64), PathBuf>,
}

impl Search {
    fn folder(&mut self, folder: &Path, metadata: &fs::Metadata) -> Result<(), SuiteError> {
        self.once(folder, metadata)?;
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
                // A link to nothing: its replay says that it cannot be opened.
                Err(_) if is_take => self.take(&path, None)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path, metadata: Option<&fs::Metadata>) -> Result<(), SuiteError> {
        if let Some(metadata) = metadata {
            self.once(path, metadata)?;
        }
        self.found.push(Found { path: path.into(), name: printable(path) });
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
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// The path of this folder has no name of its own, so that it is not in front of every take's.
fn shown(path: &Path) -> &Path {
    if path == Path::new("") { Path::new(".") } else { path }
}

fn unreadable(path: &Path, error: &io::Error) -> SuiteError {
    SuiteError::Unreadable { path: shown(path).into(), reason: error.to_string() }
}

/// The path as text on one line, whatever bytes it has: a line of output is a line, and a CI system's command is not in it.
fn printable(path: &Path) -> String {
    let mut name = String::new();
    for character in path.to_string_lossy().chars() {
        if character.is_control() {
            name.extend(character.escape_default());
        } else {
            name.push(character);
        }
    }
    name
}
