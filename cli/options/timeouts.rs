//! Owns the options that limit the time of a run.

use std::time::Duration;

use clap::Args;
use retake_replayer::Timeouts;

use crate::values::parse_time;

/// Time limits. A take that reaches one could not be checked: exit code 4.
#[derive(Clone, Copy, Debug, Args)]
pub struct TimeoutOptions {
    /// Give up a call that takes longer than TIME: a number with `ms`, `s`, `m` or `h`, such as `30s`.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub timeout: Option<Duration>,
    /// Give up when the whole take takes longer than TIME.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub take_timeout: Option<Duration>,
}

impl From<TimeoutOptions> for Timeouts {
    fn from(options: TimeoutOptions) -> Self {
        Timeouts { call: options.timeout, take: options.take_timeout }
    }
}
