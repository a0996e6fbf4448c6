//! Owns [`SuiteError`]: why a suite cannot be run at all, and the exit code.

use std::path::PathBuf;

use retake_verifier::ExitCode;
use thiserror::Error;

/// Why there is no suite.
#[derive(Debug, Error)]
pub enum SuiteError {
    /// A file or folder cannot be read.
    #[error("`{path}` cannot be read: {reason}", path = .path.display())]
    Unreadable { path: PathBuf, reason: String },
    /// An entry of a folder cannot be read, so it is not known whether there are takes in it.
    #[error(
        "`{path}` cannot be read, so takes in it would be passed over: {reason}; repair or remove it",
        path = .path.display()
    )]
    BrokenEntry { path: PathBuf, reason: String },
    /// One take, or folder, has two names.
    #[error(
        "`{second}` is the same as `{first}`, and a suite has each take once; name it once, or remove the link",
        first = .first.display(),
        second = .second.display()
    )]
    Twice {
        /// As it was found first.
        first: PathBuf,
        /// As it was found then.
        second: PathBuf,
    },
    /// `retake.toml` has a mistake.
    #[error("`{path}`: {fault}", path = .path.display())]
    Config {
        path: PathBuf,
        /// What is wrong.
        fault: ConfigFault,
    },
    /// There is no take.
    #[error("there is no `.take` file in {paths}, so there is nothing to check")]
    Empty {
        /// What was searched.
        paths: String,
    },
    /// There are takes, and a filter or a label selects none of them.
    #[error("no take matches {filter}, so there is nothing to check; the suite has {takes}{near}")]
    NothingSelected {
        /// What was asked for.
        filter: String,
        /// How many there are.
        takes: String,
        /// What may have been meant.
        near: String,
    },
}

/// What is wrong with a `retake.toml`.
#[derive(Debug, Error)]
pub enum ConfigFault {
    /// It is not TOML, or has an unknown key or value. Its lines are not shown: a link may make any file a
    /// `retake.toml`.
    #[error("line {line}, column {column}: {reason}")]
    Syntax {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What the parser says.
        reason: String,
    },
    /// A divergence is expected, and its place is missing.
    #[error(
        "{whose} is expected to diverge, and `at` does not say where; add `at = {{ chain = M, event = N }}`"
    )]
    NoPlace {
        /// The take, or the folder.
        whose: String,
    },
    /// A place of a divergence is given, and none is expected.
    #[error("`at` of {whose} needs `expect = \"diverge\"`, which is missing")]
    NoExpectation {
        /// The take, or the folder.
        whose: String,
    },
    /// The name of a table is not a path below the file's folder.
    #[error(
        "the table `{name}` does not name a take in this folder or below; write the take's path from here, without `..`"
    )]
    TableName {
        /// What it is called.
        name: String,
    },
    /// Two tables name one take.
    #[error("two tables name the take `{name}`; merge them")]
    TwoTables {
        /// Its path from here.
        name: String,
    },
    /// A table names a take that does not exist.
    #[error("there is no take `{name}` in this folder or below{near}")]
    NoSuchTake {
        /// What the table is called.
        name: String,
        /// What may have been meant.
        near: String,
    },
    /// A table names a take that does not get its settings from this file.
    #[error(
        "the table for `{name}` has no effect: that take's settings end below this folder, \
         at a `retake.toml` with `root = true` or at the root of a repository"
    )]
    OutOfReach {
        /// What the table is called.
        name: String,
    },
    /// No take uses the file.
    #[error("it has no effect: no take in its folder or below uses it")]
    NoTakes,
}

impl SuiteError {
    /// The exit code of the command.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            SuiteError::Unreadable { .. } | SuiteError::BrokenEntry { .. } | SuiteError::Config { .. } => {
                ExitCode::Unchecked
            }
            SuiteError::Twice { .. } => ExitCode::Usage,
            SuiteError::Empty { .. } | SuiteError::NothingSelected { .. } => ExitCode::Nothing,
        }
    }
}
