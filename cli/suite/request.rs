//! Owns [`Request`]: which takes to run, and with which settings. It is made from validated options.

use std::path::{Path, PathBuf};

use retake_replayer::Timeouts;
use retake_verifier::suite::Partition;

use super::filter::Filter;

/// Which takes are to be run, and the settings that apply to all of them.
pub struct Request<'a> {
    /// Takes, and folders of takes.
    pub paths: &'a [PathBuf],
    pub filters: &'a [Filter],
    pub labels: &'a [String],
    pub partition: Option<Partition>,
    /// The build to re-run, instead of a configured one.
    pub actor: Option<&'a Path>,
    /// For takes without a bound on fuel.
    pub fuel: Option<u64>,
    pub require_build: bool,
    /// For takes without bounds in time.
    pub timeouts: Timeouts,
}
