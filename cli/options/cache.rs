//! Owns the options of the code cache.

use clap::Args;

/// Whether compiled code is kept.
#[derive(Debug, Args)]
pub struct CacheOptions {
    /// Neither use nor store compiled code. Without this option it is kept in $RETAKE_CACHE_DIR,
    /// $XDG_CACHE_HOME/retake or ~/.cache/retake.
    #[arg(long)]
    pub no_cache: bool,
}
