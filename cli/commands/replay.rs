//! `retake replay`: re-runs the actor of one take and says whether every event is the recorded one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use retake_replayer::{ActorBytes, ReplayError, ReplayOptions, replay_with};
use retake_verifier::{ExitCode, ReplayReport};

use crate::cache::Cache;
use crate::options::ReplayOptions as CommandOptions;
use crate::printer::{fail, replay as printer};

pub fn run(options: CommandOptions) -> ExitCode {
    let take = &options.take;
    let given = match options.actor.as_deref().map(std::fs::read).transpose() {
        Ok(given) => given,
        Err(error) => {
            let path = options.actor.unwrap_or_default();
            return fail(ExitCode::Unchecked, format!("`{}` cannot be read: {error}", path.display()));
        }
    };
    let cache = Cache::open(&options.cache);
    let replayed = replay_file(take, given, ReplayOptions { fuel: options.fuel, code_cache: cache.code() });
    cache.report();
    match replayed {
        Ok(report) if options.json => printer::json(take, &report),
        Ok(report) => printer::text(take, &report, &mut io::stdout()),
        Err(error) => fail(exit_code(&error), format!("`{}`: {error}", take.display())),
    }
}

/// Replays a take that has just been recorded. For people the answer goes to stderr, beside what was recorded.
pub fn check(take: &Path, cache: &Cache, json: bool) -> ExitCode {
    let options = ReplayOptions { code_cache: cache.code(), ..ReplayOptions::default() };
    match replay_file(take, None, options) {
        Ok(report) if json => printer::json(take, &report),
        Ok(report) => printer::text(take, &report, &mut io::stderr()),
        Err(error) => fail(exit_code(&error), format!("`{}`: {error}", take.display())),
    }
}

fn replay_file(
    take: &Path,
    given: Option<Vec<u8>>,
    options: ReplayOptions,
) -> Result<ReplayReport, ReplayError> {
    let file = File::open(take).map_err(|error| ReplayError::NotOpened { reason: error.to_string() })?;
    let beside = |path: &str| read_actor(take, path);
    match given {
        Some(bytes) => replay_with(file, ActorBytes::Given(bytes), options),
        None => replay_with(file, ActorBytes::Recorded(&beside), options),
    }
}

/// Reads the component from the recorded path; a relative one is looked for here first, then beside the take.
fn read_actor(take: &Path, recorded: &str) -> io::Result<Vec<u8>> {
    let beside = take.parent().map(|folder| folder.join(recorded));
    let candidates = [Some(PathBuf::from(recorded)), beside];
    let found = candidates.into_iter().flatten().find(|path| path.exists());
    std::fs::read(found.unwrap_or_else(|| recorded.into()))
}

fn exit_code(error: &ReplayError) -> ExitCode {
    match error {
        ReplayError::Take(error) => error.exit_code(),
        ReplayError::TornEarly { .. } | ReplayError::UnsealedEarly => ExitCode::Damaged,
        ReplayError::NothingToCheck => ExitCode::Nothing,
        _ => ExitCode::Unchecked,
    }
}
