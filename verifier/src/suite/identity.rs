//! Owns what makes two machines sure that they speak of the same takes: [`TakeId`] and [`SuiteId`].

use std::io::{self, Read, Seek};

use retake_chain::{ContentHasher, ContentRef, IndexedLog, to_canonical_vec};
use serde::{Deserialize, Serialize};

/// A take of a suite, as a SHA-256 in hexadecimal: of its name, and of its seal, in which the head of every chain stands for all
/// of the chain. Of a file without a seal all bytes count.
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
        // No name has a zero byte.
        let counted = take.and_then(|mut take| match sealed(&mut take) {
            Some(seal) => {
                hasher.update(b"\0sealed");
                hasher.update(&seal);
                Ok(())
            }
            None => {
                hasher.update(b"\0");
                take.rewind()?;
                all_of(take, &mut hasher)
            }
        });
        if counted.is_err() {
            hasher.update(b"\0unreadable");
        }
        TakeId(hasher.finish().to_string())
    }
}

/// What the seal says, if the take has one that can be read.
fn sealed(take: impl Read + Seek) -> Option<Vec<u8>> {
    let log = IndexedLog::open(take).ok()??;
    to_canonical_vec(log.seal()).ok()
}

fn all_of(mut take: impl Read, hasher: &mut ContentHasher) -> io::Result<()> {
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
    /// The id of a suite of these takes, in whatever order.
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
