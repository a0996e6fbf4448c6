//! Owns [`Partition`]: which takes of a suite are the part of one machine of several.

use std::fmt;
use std::str::FromStr;

use retake_chain::ContentRef;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One part of several, as `slice:1/4` or `hash:1/4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Partition {
    /// How takes are dealt out.
    pub kind: PartitionKind,
    /// Which part this is, from 1.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

/// How takes are dealt out to the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionKind {
    /// One after the other, in the order of their names: parts of one size.
    Slice,
    /// By a digest of the name: a take stays in its part when others come or go.
    Hash,
}

/// Text that is no partition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is no partition: give `slice:M/N` or `hash:M/N`, with M from 1 to N")]
pub struct PartitionError {
    text: String,
}

impl Partition {
    /// Whether a take is in this part: the one at `position` in the suite, sorted by name, from 0.
    pub fn has(&self, position: usize, name: &str) -> bool {
        let place = match self.kind {
            PartitionKind::Slice => position as u64,
            PartitionKind::Hash => {
                let digest = ContentRef::of(name.as_bytes());
                digest.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
        };
        place % self.count == self.index - 1
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
