//! A suite of takes: finding them, what is configured for them, which are selected, and running them. What a suite is as data is the
//! verifier's; what is said of a run is the printer's.

mod config;
mod discover;
mod error;
mod near;
mod run;
mod select;

pub use error::SuiteError;
pub use run::{Limits, run};
pub use select::Filter;

use std::io;
use std::path::PathBuf;

use retake_actor::profile;
use retake_replayer::Timeouts;
use retake_verifier::suite::{Partition, SuiteId, SuiteSettings, SuiteStarted, TakeId, TakeSettings};

use crate::input::{self, InputError};
use crate::options::TestOptions;
use config::{Configs, Configured};

/// What is run: the takes of this part, in the order of their names.
pub struct Suite {
    pub takes: Vec<SuiteTake>,
    pub started: SuiteStarted,
}

/// A take of a suite, with all that its replay needs.
pub struct SuiteTake {
    pub name: String,
    pub path: PathBuf,
    pub id: TakeId,
    /// Why it cannot be opened, if it cannot.
    pub unreadable: Option<String>,
    /// The build to re-run; without one it is the recorded one.
    pub actor: Option<PathBuf>,
    pub settings: TakeSettings,
    /// They change no verdict, so they are not among the settings that reports are compared by.
    pub timeouts: Timeouts,
}

impl Suite {
    /// Finds the takes and what is configured for them, and selects those that were asked for.
    ///
    /// # Errors
    /// [`SuiteError`] for everything that keeps a suite from being one; nothing was run then.
    pub fn load(options: &TestOptions) -> Result<Suite, SuiteError> {
        let found = discover::discover(&options.paths)?;
        let mut configs = Configs::new()?;
        let configured: Result<Vec<_>, _> = found.takes.iter().map(|take| configs.of(&take.path)).collect();
        let configured = configured?;
        configs.check(&found)?;
        let takes = found.takes.into_iter().zip(configured);
        let takes = takes.map(|(take, configured)| SuiteTake::new(take, configured, options)).collect();
        let takes = select::select(takes, &options.filter, &options.label)?;
        Ok(Suite::part(takes, options))
    }

    /// The files that are read: takes, builds, and what is configured for them.
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

    /// The takes of one part; without one, all.
    fn part(takes: Vec<SuiteTake>, options: &TestOptions) -> Suite {
        let partition = options.partition;
        let suite = SuiteId::of(takes.iter().map(|take| &take.id));
        let settings = SuiteSettings {
            retake: env!("CARGO_PKG_VERSION").into(),
            engine: profile::default_profile().engine,
            actor: options.actor.as_deref().map(|path| path.display().to_string()),
            fuel: options.fuel,
            require_build: options.require_build,
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

impl SuiteTake {
    /// What the command line says wins over what is configured, but for fuel and times: those are for takes that have none.
    fn new(take: discover::Found, configured: Configured, options: &TestOptions) -> SuiteTake {
        let Configured { actor, expect, fuel, require_build, timeouts, labels } = configured;
        let actor = options.actor.clone().or(actor);
        let opened = input::open(&take.path);
        SuiteTake {
            unreadable: opened.as_ref().err().map(InputError::to_string),
            id: TakeId::of(&take.name, opened.map_err(io::Error::from)),
            name: take.name,
            path: take.path,
            settings: TakeSettings {
                actor: actor.as_deref().map(|path| path.display().to_string()),
                expect,
                fuel: fuel.or(options.fuel),
                require_build: require_build || options.require_build,
                labels,
            },
            timeouts: Timeouts {
                call: timeouts.call.or(options.timeouts.timeout),
                take: timeouts.take.or(options.timeouts.take_timeout),
            },
            actor,
        }
    }
}
