//! Owns the options that bound the time of a run.

use std::time::Duration;

use clap::Args;
use retake_replayer::Timeouts;

use crate::values::parse_time;

/// How long the actor may take. What is stopped by a bound in time could not be checked: exit code 4.
#[derive(Clone, Copy, Debug, Args)]
pub struct TimeoutOptions {
    /// Stop a call that takes longer: a number with `ms`, `s`, `m` or `h`, as `30s`.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub timeout: Option<Duration>,
    /// Stop when the whole take has taken longer.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub take_timeout: Option<Duration>,
}

impl From<TimeoutOptions> for Timeouts {
    fn from(options: TimeoutOptions) -> Self {
        Timeouts { call: options.timeout, take: options.take_timeout }
    }
}
