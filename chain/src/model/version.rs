//! Owns the version of the format: what it is, what changed in it, and who can read what.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The version that this crate writes, and the newest it reads.
///
/// - 1.0: the first.
pub const FORMAT_VERSION: FormatVersion = FormatVersion::new(1, 0);

/// Changes when a reader of the one before would misread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MajorVersion(pub u16);

/// Changes when something is added that a reader of the one before does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinorVersion(pub u16);

/// Version of the format, written as `[major, minor]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(u16, u16)", into = "(u16, u16)")]
pub struct FormatVersion {
    /// Whether older readers would misread.
    pub major: MajorVersion,
    /// What has been added.
    pub minor: MinorVersion,
}

/// A take that this reader cannot answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The take's major version is newer.
    #[error("written in format {found}, this program reads {supported}; use a newer one")]
    NewerMajor {
        /// The take's version.
        found: FormatVersion,
        /// The newest that the reader knows.
        supported: FormatVersion,
    },
    /// The take's major version is older.
    #[error("written in format {found}, this program reads {supported}; use an older one")]
    OlderMajor {
        /// The take's version.
        found: FormatVersion,
        /// The newest that the reader knows.
        supported: FormatVersion,
    },
    /// The take's minor version is newer: it may hold what the reader does not know, and could not check.
    #[error("written in format {found}, this program reads up to {supported}; use a newer one")]
    NewerMinor {
        /// The take's version.
        found: FormatVersion,
        /// The newest that the reader knows.
        supported: FormatVersion,
    },
}

impl FormatVersion {
    /// Version `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major: MajorVersion(major), minor: MinorVersion(minor) }
    }

    /// Whether a reader that knows all versions of its major up to `supported` understands all of a take of
    /// this one.
    ///
    /// # Errors
    /// [`VersionError`] if it does not.
    pub fn check_readable_by(self, supported: FormatVersion) -> Result<(), VersionError> {
        let found = self;
        if found.major > supported.major {
            Err(VersionError::NewerMajor { found, supported })
        } else if found.major < supported.major {
            Err(VersionError::OlderMajor { found, supported })
        } else if found.minor > supported.minor {
            Err(VersionError::NewerMinor { found, supported })
        } else {
            Ok(())
        }
    }
}

impl From<(u16, u16)> for FormatVersion {
    fn from((major, minor): (u16, u16)) -> Self {
        Self::new(major, minor)
    }
}

impl From<FormatVersion> for (u16, u16) {
    fn from(version: FormatVersion) -> Self {
        (version.major.0, version.minor.0)
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major.0, self.minor.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_understands_its_major_version_up_to_its_own_minor() {
        let reader = FormatVersion::new(2, 3);
        let found = |major, minor| FormatVersion::new(major, minor);
        for minor in 0..=3 {
            assert_eq!(found(2, minor).check_readable_by(reader), Ok(()));
        }
        let refused = |found: FormatVersion| found.check_readable_by(reader).unwrap_err();
        let supported = reader;
        assert_eq!(refused(found(2, 4)), VersionError::NewerMinor { found: found(2, 4), supported });
        assert_eq!(refused(found(3, 0)), VersionError::NewerMajor { found: found(3, 0), supported });
        assert_eq!(refused(found(1, 9)), VersionError::OlderMajor { found: found(1, 9), supported });
    }
}
