//! Owns the options of commands that write a new take.

use std::path::PathBuf;

use clap::Args;

/// Where a new take goes.
#[derive(Debug, Args)]
pub struct NewTakeOptions {
    /// Write the new take to NEW.
    #[arg(short, long, value_name = "NEW")]
    pub output: PathBuf,
    /// Overwrite NEW if it exists.
    #[arg(long)]
    pub force: bool,
}
