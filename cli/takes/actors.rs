//! Owns the search for the component of a take, and replays with it. Components are kept: for many takes of
//! one actor, it is read and hashed once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use retake_chain::{ActorSource, ContentRef};
use retake_replayer::{Actor, ActorBytes, PathTried, ReplayError, ReplayOptions, replay_with};
use retake_verifier::ReplayReport;

use super::location::source;
use crate::input;

/// How many components are kept.
const KEPT: usize = 16;

/// How the binary form of a component, or of a module, begins.
const BINARY: &[u8] = b"\0asm";

/// Components that were read.
#[derive(Default)]
pub struct ActorFiles {
    kept: Mutex<ReadActors>,
}

/// Named builds by path, and recorded components by the place that had them: another take may search other
/// places.
#[derive(Default)]
struct ReadActors {
    named: HashMap<PathBuf, Arc<Actor>>,
    /// What each path was when it was read first: the takes of a suite are replayed with one build of a path.
    first: HashMap<PathBuf, ContentRef>,
    recorded: HashMap<(PathBuf, ContentRef), Arc<Actor>>,
}

impl ActorFiles {
    /// Replays a take: with the given build, or with the recorded one, from the take itself or from where it
    /// is found.
    ///
    /// # Errors
    /// [`ReplayError`], among them that the take or the build cannot be read.
    pub fn replay(
        &self,
        take: &Path,
        given: Option<&Path>,
        options: ReplayOptions,
    ) -> Result<ReplayReport, ReplayError> {
        let source = source(take);
        let file = source.open().map_err(|error| ReplayError::NotOpened { reason: error.to_string() })?;
        match given {
            Some(path) => replay_with(file, ActorBytes::Loaded(&|| self.named(path)), options),
            None => {
                let find = |recorded: &ActorSource| self.recorded(source.folder(), recorded);
                replay_with(file, ActorBytes::Found(&find), options)
            }
        }
    }

    /// The build at a path that somebody names.
    ///
    /// # Errors
    /// [`ReplayError::ActorUnreadable`], or that it is not an actor.
    pub fn named(&self, path: &Path) -> Result<Arc<Actor>, ReplayError> {
        // Locked while it is read, so that it is read once.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(actor) = kept.named.get(path) {
            return Ok(actor.clone());
        }
        let unreadable = |reason| ReplayError::ActorUnreadable { path: path.display().to_string(), reason };
        let bytes = input::read(path, input::COMPONENT).map_err(|error| unreadable(error.to_string()))?;
        let unusable = |reason| ReplayError::ActorUnusable { path: path.display().to_string(), reason };
        let actor = Arc::new(Actor::new(&bytes).map_err(unusable)?);
        let first = *kept.first.entry(path.into()).or_insert(actor.digest);
        if actor.digest != first {
            let now = actor.digest;
            return Err(unreadable(format!(
                "it was replaced during the run: its SHA-256 was {first}, and is {now}"
            )));
        }
        keep(&mut kept.named, path.into(), &actor);
        Ok(actor)
    }

    /// The component that was recorded, from the first place that has it: what lies there counts, not that
    /// something does.
    fn recorded(&self, folder: &Path, recorded: &ActorSource) -> Result<Arc<Actor>, ReplayError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tried = Vec::new();
        for path in places(folder, Path::new(&recorded.path)) {
            let key = (path, recorded.digest);
            if let Some(actor) = kept.recorded.get(&key) {
                return Ok(actor.clone());
            }
            match load(&key.0, recorded.digest) {
                Ok(actor) => {
                    keep(&mut kept.recorded, key, &actor);
                    return Ok(actor);
                }
                Err(why) => tried.push(PathTried { path: key.0.display().to_string(), why }),
            }
        }
        Err(ReplayError::ActorNotFound { recorded: recorded.digest, tried })
    }
}

/// Where a recorded component may lie: at the recorded path, from here and from the take's folder, and beside
/// the take under the name that it had.
fn places(folder: &Path, recorded: &Path) -> Vec<PathBuf> {
    let beside = recorded.file_name().map(|name| folder.join(name));
    let mut places: Vec<PathBuf> = Vec::new();
    for path in [Some(recorded.to_path_buf()), Some(folder.join(recorded)), beside].into_iter().flatten() {
        if !places.contains(&path) {
            places.push(path);
        }
    }
    places
}

/// The component at a path if its digest is that; else why not.
fn load(path: &Path, digest: ContentRef) -> Result<Arc<Actor>, String> {
    let bytes = input::read(path, input::COMPONENT).map_err(|error| format!("cannot be read: {error}"))?;
    let other = |found| format!("is not the component that was recorded: its SHA-256 is {found}");
    // The digest is of the binary form. What is in it already need not be understood to be another one.
    if bytes.starts_with(BINARY) && ContentRef::of(&bytes) != digest {
        return Err(other(ContentRef::of(&bytes)));
    }
    let actor = Actor::new(&bytes).map_err(|error| format!("is not an actor: {error}"))?;
    if actor.digest == digest { Ok(Arc::new(actor)) } else { Err(other(actor.digest)) }
}

fn keep<K: Eq + std::hash::Hash>(kept: &mut HashMap<K, Arc<Actor>>, key: K, actor: &Arc<Actor>) {
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(key, actor.clone());
}
