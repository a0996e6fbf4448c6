//! Owns the place of the code cache. A command works without one, and prints a note.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use retake_actor::CodeCache;

use crate::console::note;
use crate::options::CacheOptions;

/// The cache, or why there is none.
pub struct Cache {
    code: Option<Arc<CodeCache>>,
    reason: Option<String>,
}

impl Cache {
    /// Opens the cache, unless it is not wanted.
    pub fn open(options: &CacheOptions) -> Cache {
        if options.no_cache {
            return Cache { code: None, reason: None };
        }
        let Some(folder) = folder() else {
            let reason = "none of `RETAKE_CACHE_DIR`, `XDG_CACHE_HOME` and `HOME` is set".to_string();
            return Cache { code: None, reason: Some(reason) };
        };
        match CodeCache::open(&folder) {
            Ok(code) => Cache { code: Some(Arc::new(code)), reason: None },
            Err(error) => Cache { code: None, reason: Some(error.to_string()) },
        }
    }

    /// The cache, for a program.
    pub fn code(&self) -> Option<Arc<CodeCache>> {
        self.code.clone()
    }

    /// Prints why compiled code was not stored, if it should have been.
    pub fn report(&self) {
        let trouble = || self.code.as_ref().and_then(|code| code.trouble());
        if let Some(reason) = self.reason.clone().or_else(trouble) {
            note(format!("note: compiled code is not kept: {reason}"));
        }
    }
}

/// `$RETAKE_CACHE_DIR`, else `$XDG_CACHE_HOME/retake`, else `~/.cache/retake`.
fn folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // A relative `XDG_CACHE_HOME` is to be ignored, by its specification.
    let caches = || set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let home = || set("HOME").map(|home| home.join(".cache"));
    set("RETAKE_CACHE_DIR").or_else(|| caches().or_else(home).map(|caches| caches.join("retake")))
}
