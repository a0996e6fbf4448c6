//! Owns the limit on a cache's size: the least recently used entries are removed first, and so are files that
//! a killed process left. Files of any other name stay.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{EXTENSION, UNFINISHED};

/// The age at which an unfinished entry counts as abandoned.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

struct CachedFile {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// Removes entries until no more than `max_bytes` are left.
pub(super) fn sweep(folder: &Path, max_bytes: u64) -> io::Result<()> {
    let mut entries = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        // Another process may sweep too, so anything may be gone by now.
        let Ok(metadata) = file.metadata() else { continue };
        let name = file.file_name();
        let Some(name) = name.to_str().filter(|_| metadata.is_file()) else { continue };
        let used = metadata.modified()?;
        if is_entry(name) {
            entries.push(CachedFile { path: file.path(), bytes: metadata.len(), used });
        } else if name.starts_with(UNFINISHED) && used.elapsed().is_ok_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(file.path());
        }
    }
    entries.sort_by_key(|entry| entry.used);
    let mut bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    for entry in &entries {
        if bytes <= max_bytes {
            break;
        }
        let _ = fs::remove_file(&entry.path);
        bytes -= entry.bytes;
    }
    Ok(())
}

/// Whether a file is named as entries are: a key in hexadecimal, and the extension.
fn is_entry(name: &str) -> bool {
    let key = name.strip_suffix(EXTENSION).and_then(|name| name.strip_suffix('.'));
    key.is_some_and(|key| key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
