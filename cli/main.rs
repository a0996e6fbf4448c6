//! The `retake` command: options in, one command run, an exit code out.
//!
//! | exit | meaning |
//! |---|---|
//! | 0 | everything that was asked for was checked, and is identical and intact (`record`: the take is sealed; `export`: the take is written) |
//! | 1 | diverged |
//! | 2 | wrong usage |
//! | 3 | the take is damaged, torn, unsealed, altered or repaired |
//! | 4 | could not be checked |
//! | 5 | there was nothing to check (`record --force`: there was no call, and the old take was kept) |

#![deny(unsafe_code)]

mod cache;
mod commands;
mod console;
mod input;
mod options;
mod output;
mod printer;
mod progress;
#[expect(unsafe_code, reason = "signals belong to the system")]
mod signals;
mod suite;
mod takes;
mod values;
mod words;

use std::process;

use clap::Parser;

use commands::Cli;

fn main() -> process::ExitCode {
    signals::ignore_file_size();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version were asked for, and hold nothing from elsewhere.
        Err(answer) if !answer.use_stderr() => answer.exit(),
        Err(wrong) => return process::ExitCode::from(console::usage(&wrong).code()),
    };
    process::ExitCode::from(console::end(cli.command.run()).code())
}
