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
    #[error("`{path}`: {reason}", path = .path.display())]
    Config {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// There is no take.
    #[error("there is no `.take` file in {paths}, so there is nothing to check")]
    Empty {
        /// What was searched.
        paths: String,
    },
    /// There are takes, and none was selected.
    #[error("no take matches {filter}, so there is nothing to check; the suite has {takes}")]
    NothingSelected {
        /// What was asked for.
        filter: String,
        /// How many there are.
        takes: String,
    },
}

impl SuiteError {
    /// How the command ends.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            SuiteError::Unreadable { .. } | SuiteError::Config { .. } => ExitCode::Unchecked,
            SuiteError::Twice { .. } => ExitCode::Usage,
            SuiteError::Empty { .. } | SuiteError::NothingSelected { .. } => ExitCode::Nothing,
        }
    }
}
