//! Owns the ids by which two machines know that they run the same takes: [`TakeId`] and [`SuiteId`].

use std::io::{self, Read, Seek};

use retake_chain::{ContentHasher, ContentRef, IndexedLog, to_canonical_vec};
use serde::{Deserialize, Serialize};

/// The id of a take in a suite: a SHA-256 in hexadecimal over its name and its seal. The seal has the head of
/// every chain, which stands for the whole chain. Without a seal, the SHA-256 is over the name and all bytes
/// of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TakeId(String);

/// The id of all takes of a suite, after filtering and before partitioning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteId {
    /// Number of takes.
    pub takes: u64,
    /// SHA-256 over their ids, sorted, in hexadecimal.
    pub digest: String,
}

impl TakeId {
    /// The id of a take with this name. A file that cannot be read has an id too, which no other file has.
    pub fn of(name: &str, take: io::Result<impl Read + Seek>) -> TakeId {
        let mut hasher = ContentHasher::new();
        hasher.update(name.as_bytes());
        // A name has no zero byte, so name and content cannot be confused.
        let counted = take.and_then(|mut take| match canonical_seal(&mut take) {
            Some(seal) => {
                hasher.update(b"\0sealed");
                hasher.update(&seal);
                Ok(())
            }
            None => {
                hasher.update(b"\0");
                take.rewind()?;
                hash_all(take, &mut hasher)
            }
        });
        if counted.is_err() {
            hasher.update(b"\0unreadable");
        }
        TakeId(hasher.finish().to_string())
    }
}

/// The seal in canonical form, if the take has one that can be read.
fn canonical_seal(take: impl Read + Seek) -> Option<Vec<u8>> {
    let log = IndexedLog::open(take).ok()??;
    to_canonical_vec(log.seal()).ok()
}

/// Adds all bytes of a file.
fn hash_all(mut take: impl Read, hasher: &mut ContentHasher) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match take.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl SuiteId {
    /// The id of a suite of these takes, in any order.
    pub fn of<'a>(takes: impl IntoIterator<Item = &'a TakeId>) -> SuiteId {
        let mut ids: Vec<&str> = takes.into_iter().map(|take| take.0.as_str()).collect();
        ids.sort_unstable();
        SuiteId { takes: ids.len() as u64, digest: ContentRef::of(ids.concat().as_bytes()).to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use retake_chain::{ChainEventData, LogWriter, TheaterId, TheaterRuntimeEventData};

    use super::*;

    /// A take of this many chains, of which one has another event; or none.
    fn take(chains: &[TheaterId], changed: Option<usize>) -> Vec<u8> {
        let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
        for (place, id) in chains.iter().enumerate() {
            let chain = writer.add_chain(*id).expect("there is room");
            let event = match changed == Some(place) {
                true => TheaterRuntimeEventData::ShutdownRequested,
                false => TheaterRuntimeEventData::ActorStarted,
            };
            let event = ChainEventData::theater_runtime(event).to_chain_event(None);
            writer.append(chain, &event).expect("memory takes every write");
        }
        writer.seal().expect("memory takes every write").0
    }

    #[test]
    fn a_take_has_another_id_when_any_of_its_chains_ends_otherwise() {
        let chains: Vec<_> = (0..100).map(|_| TheaterId::generate()).collect();
        let id = |take: Vec<u8>| TakeId::of("a.take", Ok(Cursor::new(take)));
        let whole = id(take(&chains, None));
        assert_eq!(whole, id(take(&chains, None)));
        for changed in 0..chains.len() {
            assert_ne!(whole, id(take(&chains, Some(changed))), "chain {changed}");
        }
        assert_ne!(whole, TakeId::of("b.take", Ok(Cursor::new(take(&chains, None)))));
    }

    #[test]
    fn of_a_file_without_a_seal_every_byte_counts() {
        let torn = take(&[TheaterId::generate()], None);
        let torn = &torn[..torn.len() - 1];
        let id = |take: &[u8]| TakeId::of("a.take", Ok(Cursor::new(take.to_vec())));
        for at in 0..torn.len() {
            let mut changed = torn.to_vec();
            changed[at] ^= 1;
            assert_ne!(id(torn), id(&changed), "byte {at}");
        }
    }
}
