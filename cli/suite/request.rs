//! Owns [`Request`]: what is asked of a suite, after the options were validated.

use std::path::{Path, PathBuf};

use retake_replayer::Timeouts;
use retake_verifier::suite::Partition;

use super::filter::Filter;

/// What is asked of a suite: which takes, and what goes for all of them.
pub struct Request<'a> {
    /// Takes, and folders of takes.
    pub paths: &'a [PathBuf],
    pub filters: &'a [Filter],
    pub labels: &'a [String],
    pub partition: Option<Partition>,
    /// The build to re-run, whatever is configured.
    pub actor: Option<&'a Path>,
    /// For takes without a bound on fuel.
    pub fuel: Option<u64>,
    pub require_build: bool,
    /// For takes without bounds in time.
    pub timeouts: Timeouts,
}
