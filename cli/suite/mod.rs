//! A suite of takes: finding them, what is configured for them, which are selected, and running them. What a suite is as data is the
//! verifier's; what is said of a run is the printer's.

mod config;
mod discover;
mod error;
mod run;
mod select;

pub use error::SuiteError;
pub use run::{Limits, run};
pub use select::Filter;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use retake_replayer::Timeouts;
use retake_verifier::suite::{Expectation, Partition, SuiteId, SuiteStarted, TakeId};

use crate::options::TestOptions;
use config::Config;

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
    /// The build to re-run; without one it is the recorded one.
    pub actor: Option<PathBuf>,
    pub expectation: Expectation,
    pub fuel: Option<u64>,
    pub timeouts: Timeouts,
    pub labels: Vec<String>,
}

impl Suite {
    /// Finds the takes and what is configured for them, and selects those that were asked for.
    ///
    /// # Errors
    /// [`SuiteError`] for everything that keeps a suite from being one; nothing was run then.
    pub fn load(options: &TestOptions) -> Result<Suite, SuiteError> {
        let found = discover::discover(&options.paths)?;
        let mut configs: BTreeMap<PathBuf, Arc<Config>> = BTreeMap::new();
        let mut takes = Vec::new();
        for take in found {
            let folder = take.path.parent().unwrap_or(Path::new("")).to_path_buf();
            let config = match configs.get(&folder) {
                Some(config) => config.clone(),
                None => {
                    let config = Arc::new(Config::beside(&folder)?);
                    configs.entry(folder).or_insert(config).clone()
                }
            };
            let settings = config.of(&take.path)?;
            takes.push(SuiteTake {
                id: TakeId::of(&take.name, File::open(&take.path)),
                name: take.name,
                path: take.path,
                actor: options.actor.clone().or(settings.actor),
                expectation: settings.expectation,
                fuel: settings.fuel.or(options.fuel),
                timeouts: Timeouts {
                    call: settings.timeouts.call.or(options.timeouts.timeout),
                    take: settings.timeouts.take.or(options.timeouts.take_timeout),
                },
                labels: settings.labels,
            });
        }
        let takes = select::select(takes, &options.filter, &options.label)?;
        Ok(Suite::part(takes, options.partition))
    }

    /// The takes of one part; without one, all.
    fn part(takes: Vec<SuiteTake>, partition: Option<Partition>) -> Suite {
        let suite = SuiteId::of(takes.iter().map(|take| &take.id));
        let has = |(position, take): &(usize, SuiteTake)| {
            partition.is_none_or(|partition| partition.has(*position, &take.name))
        };
        let takes: Vec<SuiteTake> = takes.into_iter().enumerate().filter(has).map(|(_, take)| take).collect();
        let version = retake_verifier::suite::REPORT_VERSION;
        let started = SuiteStarted { version, takes: takes.len() as u64, suite, partition };
        Suite { takes, started }
    }
}
