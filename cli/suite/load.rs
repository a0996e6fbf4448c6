//! Owns [`Suite`]: the takes that are run, found, configured and selected.

use std::path::PathBuf;

use retake_actor::profile;
use retake_verifier::suite::{Partition, SuiteId, SuiteSettings, SuiteStarted, TakeSettings};

use super::config::{self, Configs};
use super::error::SuiteError;
use super::request::Request;
use super::take::SuiteTake;
use super::{discover, select};

/// The takes of this part, in the order of their names.
pub struct Suite {
    pub takes: Vec<SuiteTake>,
    pub started: SuiteStarted,
}

impl Suite {
    /// Finds the takes and their settings, and selects those that were asked for.
    ///
    /// # Errors
    /// [`SuiteError`]; nothing was run then.
    pub fn load(request: Request<'_>) -> Result<Suite, SuiteError> {
        let found = discover::discover(request.paths)?;
        let mut configs = Configs::new()?;
        let configured: Result<Vec<_>, _> = found.takes.iter().map(|take| configs.of(&take.path)).collect();
        let configured = configured?;
        configs.check(&found)?;
        let takes = found.takes.into_iter().zip(configured);
        let takes = takes.map(|(take, configured)| SuiteTake::new(take, configured, &request)).collect();
        let takes = select::select(takes, request.filters, request.labels)?;
        Ok(Suite::part(takes, &request))
    }

    /// The files that are read: takes, builds and settings.
    pub fn inputs(&self) -> Vec<(&'static str, PathBuf)> {
        let mut inputs = Vec::new();
        for take in &self.takes {
            inputs.push(("the take", take.path.clone()));
            inputs.extend(take.actor.iter().map(|actor| ("the component", actor.clone())));
            let folders = take.path.ancestors().skip(1);
            inputs.extend(folders.map(|folder| ("the settings", folder.join(config::NAME))));
        }
        inputs
    }

    /// The takes of one part, or all.
    fn part(takes: Vec<SuiteTake>, request: &Request<'_>) -> Suite {
        let partition = request.partition;
        let suite = SuiteId::of(takes.iter().map(|take| &take.id));
        let settings = SuiteSettings {
            retake: env!("CARGO_PKG_VERSION").into(),
            engine: profile::default_profile().engine,
            actor: request.actor.map(|path| path.display().to_string()),
            fuel: request.fuel,
            require_build: request.require_build,
            digest: TakeSettings::digest_of(takes.iter().map(|take| (take.name.as_str(), &take.settings))),
        };
        let has = |(position, take): &(usize, SuiteTake)| {
            partition.is_none_or(|partition: Partition| partition.has(*position, &take.name))
        };
        let takes: Vec<SuiteTake> = takes.into_iter().enumerate().filter(has).map(|(_, take)| take).collect();
        let version = retake_verifier::suite::REPORT_VERSION;
        let started = SuiteStarted { version, takes: takes.len() as u64, suite, partition, settings };
        Suite { takes, started }
    }
}
