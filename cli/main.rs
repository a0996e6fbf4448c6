//! The `retake` command: options in, one command run, an exit code out.
//!
//! | exit | meaning |
//! |---|---|
//! | 0 | everything asked for was checked and is identical and intact (`record`: the recording is good; `export`: the take is written) |
//! | 1 | diverged |
//! | 2 | wrong usage |
//! | 3 | the take is damaged, torn, unsealed, tampered or repaired |
//! | 4 | could not be checked |
//! | 5 | there was nothing to check (`record --force`: no call, so the old take was kept) |

mod actors;
mod cache;
mod commands;
mod input;
mod options;
mod output;
mod printer;
mod progress;
mod signals;
mod suite;
mod values;

use std::process;

use clap::Parser;

use options::{Cli, Command};

fn main() -> process::ExitCode {
    signals::ignore_file_size();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are asked for, and our own words.
        Err(answer) if !answer.use_stderr() => answer.exit(),
        Err(wrong) => return process::ExitCode::from(printer::usage(&wrong).code()),
    };
    let exit = match cli.command {
        Command::Record(options) => commands::record::run(*options),
        Command::Replay(options) => commands::replay::run(options),
        Command::Verify(options) => commands::verify::run(options),
        Command::Test(options) => commands::test::run_suite(options),
        Command::Merge(options) => commands::merge::run(options),
        Command::Inspect(options) => commands::inspect::run(options),
        Command::Repair(options) => commands::repair::run(options),
        Command::Export(options) => commands::export::run(options),
        Command::Import(options) => commands::import::run(options),
    };
    process::ExitCode::from(printer::end(exit).code())
}
