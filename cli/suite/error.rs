//! Owns [`SuiteError`]: everything that keeps a suite from being run at all, and how the command ends then.

use std::path::PathBuf;

use retake_verifier::ExitCode;
use thiserror::Error;

/// Why there is no suite.
#[derive(Debug, Error)]
pub enum SuiteError {
    /// A file or folder cannot be read.
    #[error("`{path}` cannot be read: {reason}", path = .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something in a folder cannot be looked at, so nobody knows whether there are takes in it.
    #[error(
        "`{path}` cannot be looked at, so there may be takes that would be passed over: {reason}; repair or remove it",
        path = .path.display()
    )]
    BrokenEntry {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// One take, or folder, is there under two names.
    #[error(
        "`{second}` is the same as `{first}`: each take is to be in the suite once; name it once, or remove the link",
        first = .first.display(),
        second = .second.display()
    )]
    Twice {
        /// As it was found first.
        first: PathBuf,
        /// As it was found then.
        second: PathBuf,
    },
    /// `retake.toml` is not what it should be.
    #[error("`{path}`: {fault}", path = .path.display())]
    Config {
        /// Which.
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
    /// It is not TOML, or has a key or a value that is not known. Its lines are not shown: a link may make any file a `retake.toml`.
    #[error("line {line}, column {column}: {reason}")]
    Syntax {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What the parser says.
        reason: String,
    },
    /// A divergence is expected, and nobody says where.
    #[error("{whose} is to diverge, and `at` does not say where: add `at = {{ chain = M, event = N }}`")]
    NoPlace {
        /// The take, or the folder.
        whose: String,
    },
    /// A place of a divergence is there, and none is expected.
    #[error("`at` of {whose} is for `expect = \"diverge\"`, which is missing")]
    NoExpectation {
        /// The take, or the folder.
        whose: String,
    },
    /// A table's name is not a path from the file's folder downwards.
    #[error(
        "the table `{name}` does not name a take in this folder or below: write its path from here, without `..`"
    )]
    TableName {
        /// What it is called.
        name: String,
    },
    /// Two tables are for one take.
    #[error("two tables are for the take `{name}`: make them one")]
    TwoTables {
        /// Its path from here.
        name: String,
    },
    /// A table is for a take that is not there.
    #[error("there is no take `{name}` in this folder or below{near}")]
    NoSuchTake {
        /// What the table is called.
        name: String,
        /// What may have been meant.
        near: String,
    },
    /// A table is for a take that does not get its settings from here.
    #[error(
        "the table for `{name}` has no effect: the settings of that take are complete below this folder, \
         where a `retake.toml` has `root = true` or a repository begins"
    )]
    OutOfReach {
        /// What the table is called.
        name: String,
    },
    /// It goes for no take.
    #[error("it has no effect: no take in its folder or below has settings from it")]
    NoTakes,
}

impl SuiteError {
    /// How the command ends.
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
