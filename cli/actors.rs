//! Owns where the component of a take comes from, and keeps what it has read: of many takes of one actor, it is read and hashed once.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use retake_replayer::{Actor, ActorBytes, ReplayError, ReplayOptions, replay_with};
use retake_verifier::ReplayReport;

/// How many components are kept.
const KEPT: usize = 16;

/// Components that were read, by their paths.
#[derive(Default)]
pub struct Actors {
    kept: Mutex<HashMap<PathBuf, Arc<Actor>>>,
}

impl Actors {
    /// Replays a take: with the given build, or with the recorded one, from the take itself or where it was recorded.
    ///
    /// # Errors
    /// [`ReplayError`], among them that the take or the build cannot be read.
    pub fn replay(
        &self,
        take: &Path,
        given: Option<&Path>,
        options: ReplayOptions,
    ) -> Result<ReplayReport, ReplayError> {
        let file = File::open(take).map_err(|error| ReplayError::NotOpened { reason: error.to_string() })?;
        match given {
            Some(path) => replay_with(file, ActorBytes::Loaded(&|| self.given(path)), options),
            None => {
                let find = |recorded: &str| self.recorded(take, recorded);
                replay_with(file, ActorBytes::Found(&find), options)
            }
        }
    }

    /// The build at a path that somebody names.
    fn given(&self, path: &Path) -> Result<Arc<Actor>, ReplayError> {
        self.load(path, |reason| ReplayError::ActorUnreadable { path: path.display().to_string(), reason })
    }

    /// The component at the recorded path; a relative one is looked for here first, then beside the take.
    fn recorded(&self, take: &Path, recorded: &str) -> Result<Arc<Actor>, ReplayError> {
        let beside = take.parent().map(|folder| folder.join(recorded));
        let candidates = [Some(PathBuf::from(recorded)), beside];
        let found = candidates.into_iter().flatten().find(|path| path.exists());
        let path = found.unwrap_or_else(|| recorded.into());
        self.load(&path, |reason| ReplayError::ActorMissing { path: recorded.into(), reason })
    }

    fn load(
        &self,
        path: &Path,
        missing: impl FnOnce(String) -> ReplayError,
    ) -> Result<Arc<Actor>, ReplayError> {
        // Locked while it is read, so that it is read once.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(actor) = kept.get(path) {
            return Ok(actor.clone());
        }
        let bytes = std::fs::read(path).map_err(|error| missing(error.to_string()))?;
        let actor = Arc::new(Actor::new(&bytes)?);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(path.into(), actor.clone());
        Ok(actor)
    }
}
