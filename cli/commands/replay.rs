//! `retake replay`: re-runs the actor of one take and compares every event with the recorded one.

use std::path::PathBuf;

use clap::Args;
use retake_replayer::ReplayOptions;
use retake_verifier::ExitCode;

use crate::cache::Cache;
use crate::console::fail;
use crate::options::{CacheOptions, FormOptions, TimeoutOptions};
use crate::printer;
use crate::takes::ActorFiles;
use crate::words::replay::{exit_code, not_replayed};

/// Re-run the actor of a take without the real host, and report the first difference.
#[derive(Debug, Args)]
pub struct Options {
    /// The take.
    pub take: PathBuf,
    /// Re-run this component instead of the recorded one. Its behaviour is compared, not its digest.
    #[arg(long, value_name = "FILE")]
    pub actor: Option<PathBuf>,
    /// End a call that used N units of fuel, if the take was recorded without a fuel limit. Use it for a
    /// build that may never finish.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub fuel: Option<u64>,
    #[command(flatten)]
    pub timeouts: TimeoutOptions,
    #[command(flatten)]
    pub cache: CacheOptions,
    #[command(flatten)]
    pub form: FormOptions,
}

pub fn run(options: Options) -> ExitCode {
    let take = &options.take;
    let cache = Cache::open(&options.cache);
    let replay = ReplayOptions {
        fuel: options.fuel,
        code_cache: cache.code(),
        timeouts: options.timeouts.into(),
        ..ReplayOptions::default()
    };
    let replayed = ActorFiles::default().replay(take, options.actor.as_deref(), replay);
    cache.report();
    match replayed {
        Ok(report) => {
            printer::of(options.form.form()).replayed(take, &report);
            report.exit_code()
        }
        Err(error) => fail(exit_code(&error), format!("`{}`: {}", take.display(), not_replayed(&error))),
    }
}
