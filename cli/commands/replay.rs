//! `retake replay`: re-runs the actor of one take and says whether every event is the recorded one.

use std::io;
use std::path::Path;

use retake_replayer::{ReplayError, ReplayOptions};
use retake_verifier::ExitCode;

use crate::actors::Actors;
use crate::cache::Cache;
use crate::options::ReplayOptions as CommandOptions;
use crate::printer::{fail, replay as printer};

pub fn run(options: CommandOptions) -> ExitCode {
    let take = &options.take;
    let cache = Cache::open(&options.cache);
    let replay = ReplayOptions { fuel: options.fuel, code_cache: cache.code(), ..ReplayOptions::default() };
    let replayed = Actors::default().replay(take, options.actor.as_deref(), replay);
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
    match Actors::default().replay(take, None, options) {
        Ok(report) if json => printer::json(take, &report),
        Ok(report) => printer::text(take, &report, &mut io::stderr()),
        Err(error) => fail(exit_code(&error), format!("`{}`: {error}", take.display())),
    }
}

/// How a command ends that could not replay a take.
pub fn exit_code(error: &ReplayError) -> ExitCode {
    match error {
        ReplayError::Take(error) => error.exit_code(),
        ReplayError::TornEarly { .. } | ReplayError::UnsealedEarly => ExitCode::Damaged,
        ReplayError::NothingToCheck => ExitCode::Nothing,
        _ => ExitCode::Unchecked,
    }
}
