//! Owns [`Partition`]: how a suite is divided among machines.

use std::fmt;
use std::str::FromStr;

use retake_chain::ContentRef;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One part of a suite, for example `slice:1/4` or `hash:1/4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Partition {
    /// How takes are assigned to parts.
    pub kind: PartitionKind,
    /// Number of this part, from 1.
    pub index: u64,
    /// Number of parts.
    pub count: u64,
}

/// How takes are assigned to parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionKind {
    /// In turn, in the order of their names. The parts have equal sizes.
    Slice,
    /// By a digest of the name. A take stays in its part when others are added or removed.
    Hash,
}

/// The text is not a partition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not a partition; write `slice:M/N` or `hash:M/N`, with M from 1 to N")]
pub struct PartitionError {
    text: String,
}

impl Partition {
    /// Whether a take is in this part. `position` is its place in the suite sorted by name, from 0.
    pub fn has(&self, position: usize, name: &str) -> bool {
        let number = match self.kind {
            PartitionKind::Slice => position as u64,
            PartitionKind::Hash => {
                let digest = ContentRef::of(name.as_bytes());
                digest.as_ref().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
            }
        };
        number % self.count == self.index - 1
    }
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Self, PartitionError> {
        let parse = || {
            let (kind, part) = text.split_once(':')?;
            let kind = match kind {
                "slice" => PartitionKind::Slice,
                "hash" => PartitionKind::Hash,
                _ => return None,
            };
            let (index, count) = part.split_once('/')?;
            let (index, count) = (index.parse().ok()?, count.parse().ok()?);
            (1..=count).contains(&index).then_some(Partition { kind, index, count })
        };
        parse().ok_or_else(|| PartitionError { text: text.into() })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PartitionKind::Slice => "slice",
            PartitionKind::Hash => "hash",
        };
        write!(f, "{kind}:{}/{}", self.index, self.count)
    }
}

impl From<Partition> for String {
    fn from(partition: Partition) -> Self {
        partition.to_string()
    }
}

impl TryFrom<String> for Partition {
    type Error = PartitionError;

    fn try_from(text: String) -> Result<Self, PartitionError> {
        text.parse()
    }
}
