//! Owns [`SuiteTake`]: a take with everything that its replay needs.

use std::io;
use std::path::{Path, PathBuf};

use retake_replayer::Timeouts;
use retake_verifier::suite::{TakeId, TakeSettings};

use super::config::Configured;
use super::discover;
use super::request::Request;
use crate::input::InputError;
use crate::takes::source;

/// A take of a suite, with all that its replay needs.
pub struct SuiteTake {
    pub name: String,
    pub path: PathBuf,
    pub id: TakeId,
    /// Why it cannot be opened, if it cannot.
    pub unreadable: Option<String>,
    /// The build to re-run, if not the recorded one.
    pub actor: Option<PathBuf>,
    pub settings: TakeSettings,
    /// They change no verdict, so they are not among the settings that reports are compared by.
    pub timeouts: Timeouts,
}

impl SuiteTake {
    /// The command line wins over the configuration. Fuel and times are the exception: they are for takes
    /// that have none.
    pub fn new(take: discover::FoundTake, configured: Configured, request: &Request<'_>) -> SuiteTake {
        let Configured { actor, expect, fuel, require_build, timeouts, labels } = configured;
        let actor = request.actor.map(Path::to_path_buf).or(actor);
        let opened = source(&take.path).open();
        SuiteTake {
            unreadable: opened.as_ref().err().map(InputError::to_string),
            id: TakeId::of(&take.name, opened.map_err(io::Error::from)),
            name: take.name,
            path: take.path,
            settings: TakeSettings {
                actor: actor.as_deref().map(|path| path.display().to_string()),
                expect,
                fuel: fuel.or(request.fuel),
                require_build: require_build || request.require_build,
                labels,
            },
            timeouts: Timeouts {
                call: timeouts.call.or(request.timeouts.call),
                take: timeouts.take.or(request.timeouts.take),
            },
            actor,
        }
    }
}
