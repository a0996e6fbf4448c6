//! Owns the list of commands. Each has a file with its options, its help and its `run`. To add one: its file,
//! its `mod` line, and its line in the table below.

mod export;
mod import;
mod inspect;
mod merge;
mod record;
mod repair;
mod replay;
mod test;
mod verify;

use clap::{Parser, Subcommand};
use retake_verifier::ExitCode;

/// Record the calls between a WebAssembly component and its host, re-run it from the recording, and report
/// the first difference.
#[derive(Debug, Parser)]
#[command(name = "retake", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// Makes [`Command`] and its `run` of a table of names and modules. A module has `Options` and `run`.
macro_rules! commands {
    ($($name:ident => $module:ident,)*) => {
        /// A command with its options. Its help is the documentation of its options.
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($name(Box<$module::Options>),)*
        }

        impl Command {
            /// Runs the command.
            pub fn run(self) -> ExitCode {
                match self {
                    $(Command::$name(options) => $module::run(*options),)*
                }
            }
        }
    };
}

// In the order of the help.
commands! {
    Record => record,
    Replay => replay,
    Verify => verify,
    Test => test,
    Merge => merge,
    Inspect => inspect,
    Repair => repair,
    Export => export,
    Import => import,
}
