//! Owns what makes two machines sure that they speak of the same takes: [`TakeId`] and [`SuiteId`].

use std::io::{self, Read, Seek, SeekFrom};

use retake_chain::log::MAX_SEAL;
use retake_chain::{ContentHasher, ContentRef};
use serde::{Deserialize, Serialize};

/// How much of a take's end counts: the seal is there, and in it the head of every chain, which stands for all of the chain. The
/// longest seal fits, with what is around it.
const TAIL: u64 = MAX_SEAL as u64 + (64 << 10);

/// A take of a suite: its name, its length and its end, as a SHA-256 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TakeId(String);

/// All takes of a suite, after the filters and before the partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteId {
    /// How many.
    pub takes: u64,
    /// SHA-256 over their ids, sorted, in hexadecimal.
    pub digest: String,
}

impl TakeId {
    /// The id of a take under a name; one that cannot be read has one too, which is that of no other file.
    pub fn of(name: &str, take: io::Result<impl Read + Seek>) -> TakeId {
        let mut hasher = ContentHasher::new();
        hasher.update(name.as_bytes());
        match take.and_then(end_of) {
            Ok((length, tail)) => {
                // No name has a zero byte.
                hasher.update(b"\0");
                hasher.update(&length.to_be_bytes());
                hasher.update(&tail);
            }
            Err(_) => hasher.update(b"\0unreadable"),
        }
        TakeId(hasher.finish().to_string())
    }
}

fn end_of(mut take: impl Read + Seek) -> io::Result<(u64, Vec<u8>)> {
    let length = take.seek(SeekFrom::End(0))?;
    take.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    take.take(TAIL).read_to_end(&mut tail)?;
    Ok((length, tail))
}

impl SuiteId {
    /// The id of a suite of these takes, in whatever order.
    pub fn of<'a>(takes: impl IntoIterator<Item = &'a TakeId>) -> SuiteId {
        let mut ids: Vec<&str> = takes.into_iter().map(|take| take.0.as_str()).collect();
        ids.sort_unstable();
        SuiteId { takes: ids.len() as u64, digest: ContentRef::of(ids.concat().as_bytes()).to_string() }
    }
}
