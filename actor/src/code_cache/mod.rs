//! Owns [`CodeCache`]: compiled components in a folder, so that a component is compiled once per engine and
//! machine.
//!
//! wasmtime runs compiled code without a check, so a user who can write an entry can run code as this user.
//! Therefore the folder is made for its owner alone; a folder that others may write to or replace
//! (`trust.rs`) is refused; and an entry is used only if its checksum and its key are right. wasmtime's own
//! cache has no checksum, so it would run an entry that a bad disk changed.

mod sweep;
mod trust;

use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use retake_chain::ContentRef;
use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;
use xxhash_rust::xxh64::xxh64;

use crate::load::{LoadError, compile};

/// The start of every entry; the number is the version of the format.
const MAGIC: &[u8; 8] = b"rtkcode1";
/// Magic, key, checksum.
const HEADER: usize = 8 + 32 + 8;
/// The extension of an entry; its name is the key in hexadecimal.
const EXTENSION: &str = "code";
/// The start of the name of an entry that is being written.
const UNFINISHED: &str = ".retake-";

/// Why a folder cannot be used as a cache.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum CacheError {
    /// It cannot be made or read.
    #[error("`{path}` cannot be used: {reason}", path = .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        reason: String,
    },
    /// Others could put code into it.
    #[error(
        "`{path}` belongs to another user, or others may write to it; make it yours alone (`chmod 700`)",
        path = .path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// Others could put another folder in its place.
    #[error(
        "`{path}` is inside `{parent}`, which {problem}, so others could put another folder in its place; use a folder whose \
         parents belong to you or to root and that nobody else may write to",
        path = .path.display(),
        parent = .parent.display()
    )]
    UntrustedParent {
        /// The folder.
        path: PathBuf,
        /// The parent, with links resolved.
        parent: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A folder of compiled components. A fault of the folder costs time and nothing else.
#[derive(Debug)]
pub struct CodeCache {
    folder: PathBuf,
    max_bytes: u64,
    /// The first fault.
    trouble: Mutex<Option<String>>,
}

impl CodeCache {
    /// The default limit of the kept code, in bytes.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// Uses a folder, which is made with mode 0700 if it is not there.
    ///
    /// # Errors
    /// [`CacheError`] if it cannot be made or read, or if others could write to it or replace it.
    pub fn open(folder: &Path) -> Result<CodeCache, CacheError> {
        let unusable =
            |error: io::Error| CacheError::Unusable { path: folder.into(), reason: error.to_string() };
        let untrusted =
            |(parent, problem)| CacheError::UntrustedParent { path: folder.into(), parent, problem };
        let trusted = |folder: &Path| match trust::check(folder).map_err(unusable)? {
            Some(found) => Err(untrusted(found)),
            None => Ok(()),
        };
        // Nothing is made in a place that is not trusted. (A path without a folder in it is in the current
        // one.)
        if !folder.exists() {
            let there = folder.ancestors().skip(1).find(|part| part.exists()).unwrap_or(Path::new("."));
            trusted(&fs::canonicalize(there).map_err(unusable)?)?;
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
        }
        // With its links resolved, nobody can change where they lead.
        let real = fs::canonicalize(folder).map_err(unusable)?;
        if let Some(parent) = real.parent() {
            trusted(parent)?;
        }
        if !is_ours(&fs::metadata(&real).map_err(unusable)?) {
            return Err(CacheError::NotOurs { path: folder.into() });
        }
        Ok(CodeCache { folder: real, max_bytes: Self::MAX_BYTES, trouble: Mutex::default() })
    }

    /// Keeps about `bytes` of code at most, and removes the least recently used entries first.
    pub fn with_max_bytes(self, bytes: u64) -> Self {
        CodeCache { max_bytes: bytes, ..self }
    }

    /// The first fault of the folder, if there was one.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The compiled component: from the folder, or compiled now and kept. `identity` stands for all of
    /// `bytes`.
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        bytes: &[u8],
        identity: ContentRef,
    ) -> Result<Component, LoadError> {
        let key = key(engine, identity);
        if let Some(component) = self.load(engine, &key) {
            return Ok(component);
        }
        let component = compile(engine, bytes)?;
        if let Err(error) = self.keep(&key, &component) {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.get_or_insert(format!("`{}` cannot be written: {error}", self.folder.display()));
        }
        Ok(component)
    }

    fn path(&self, key: &ContentRef) -> PathBuf {
        self.folder.join(format!("{key}.{EXTENSION}"))
    }

    /// An entry that is whole and ours. Any other is ignored and replaced.
    fn load(&self, engine: &Engine, key: &ContentRef) -> Option<Component> {
        let mut file = File::open(self.path(key)).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !is_ours(&metadata) {
            return None;
        }
        // No entry is larger, so a wrong length cannot allocate more than that.
        let length = metadata.len().checked_sub(HEADER as u64).filter(|length| *length <= self.max_bytes)?;
        let mut entry = Vec::with_capacity(HEADER + usize::try_from(length).ok()?);
        file.read_to_end(&mut entry).ok()?;
        let (header, code) = entry.split_at_checked(HEADER)?;
        if header != header_of(key, code) {
            return None;
        }
        #[expect(unsafe_code, reason = "wasmtime cannot check compiled code")]
        // SAFETY: the bytes are what `Component::serialize` gave for this key, under the same engine, up to
        // the checksum; nobody but this user could write them (`is_ours`), and they are copied before they
        // are used.
        let component = unsafe { Component::deserialize(engine, code) }.ok()?;
        // For the sweep. An entry that cannot be marked is still used.
        let _ = file.set_modified(SystemTime::now());
        Some(component)
    }

    fn keep(&self, key: &ContentRef, component: &Component) -> io::Result<()> {
        let code = component.serialize().map_err(|error| io::Error::other(format!("{error:#}")))?;
        if code.len() as u64 > self.max_bytes {
            return Ok(());
        }
        // Made with mode 0600, and renamed when it is complete, so that nobody reads half of it.
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder)?;
        file.write_all(&header_of(key, &code))?;
        file.write_all(&code)?;
        file.persist(self.path(key)).map_err(|error| error.error)?;
        sweep::sweep(&self.folder, self.max_bytes)
    }
}

/// Whether nobody but this user can change it.
fn is_ours(metadata: &fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

fn header_of(key: &ContentRef, code: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..40].copy_from_slice(key.as_ref());
    header[40..].copy_from_slice(&xxh64(code, 0).to_le_bytes());
    header
}

/// Names a component as this engine compiles it: for this version, these settings and this kind of processor.
fn key(engine: &Engine, identity: ContentRef) -> ContentRef {
    let mut settings = Settings(MAGIC.to_vec());
    engine.precompile_compatibility_hash().hash(&mut settings);
    settings.0.extend_from_slice(identity.as_ref());
    ContentRef::of(&settings.0)
}

/// A hasher that keeps its input, for a digest that is the same in each build.
struct Settings(Vec<u8>);

impl Hasher for Settings {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Unused: the bytes themselves are the result.
    fn finish(&self) -> u64 {
        xxh64(&self.0, 0)
    }
}
