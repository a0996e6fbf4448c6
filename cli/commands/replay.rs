//! `retake replay`: re-runs the actor of one take and says whether every event is the recorded one.

use std::io;

use retake_replayer::{ReplayError, ReplayOptions};
use retake_verifier::ExitCode;

use crate::actors::Actors;
use crate::cache::Cache;
use crate::options::ReplayOptions as CommandOptions;
use crate::printer::{fail, replay as printer};

pub fn run(options: CommandOptions) -> ExitCode {
    let take = &options.take;
    let cache = Cache::open(&options.cache);
    let replay = ReplayOptions {
        fuel: options.fuel,
        code_cache: cache.code(),
        timeouts: options.timeouts.into(),
        ..ReplayOptions::default()
    };
    let replayed = Actors::default().replay(take, options.actor.as_deref(), replay);
    cache.report();
    match replayed {
        Ok(report) if options.json => printer::json(take, &report),
        Ok(report) => printer::text(take, &report, &mut io::stdout()),
        Err(error) => fail(exit_code(&error), format!("`{}`: {}", take.display(), in_words(&error))),
    }
}

/// Why a take could not be replayed, and what to do on the command line.
pub fn in_words(error: &ReplayError) -> String {
    let remedy = match error {
        ReplayError::ActorNotFound { .. } => {
            "; name the component with `--actor`, or another build to replay that on purpose"
        }
        _ => "",
    };
    format!("{error}{remedy}")
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
