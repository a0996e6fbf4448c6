//! Owns [`EventRecords`]: events encoded as a take holds them, by whoever has them, for a writer that has
//! only to compress them.

use bytes::Bytes;

use super::format::{ChainNumber, TAG_EVENT};
use crate::codec::pack;
use crate::model::event::ChainEvent;
use crate::model::hash::EventHash;

/// Data of this many bytes or more is referred to, and not copied.
const LARGE: usize = 4 << 10;
/// How much memory is kept for other records, in bytes.
const KEPT: usize = 1 << 20;

/// The records of events, in the order in which they will be in the take.
///
/// # Examples
///
/// ```
/// use retake_chain::log::EventRecords;
/// use retake_chain::{ChainEventData, ChainHead, LogWriter, TheaterId, TheaterRuntimeEventData};
///
/// let mut take = LogWriter::create(Vec::new())?;
/// let chain = take.add_chain(TheaterId::generate())?;
/// let mut head = ChainHead::new();
/// let mut records = EventRecords::default();
/// records.push(chain, &head.append(ChainEventData::theater_runtime(TheaterRuntimeEventData::ActorStarted))?);
/// records.push(chain, &head.append(ChainEventData::shutdown())?);
///
/// take.append_all(&records)?;
/// assert_eq!(take.seal()?.1.events, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct EventRecords {
    /// The records one after the other, without the data of large events.
    bytes: Vec<u8>,
    records: Vec<EventRecord>,
    /// Bytes of data.
    data: u64,
    /// Export calls that end with one of the events.
    ended_calls: u64,
    /// Bytes of the data that is referred to.
    large: usize,
}

/// What a writer has to know of a record that is encoded.
#[derive(Debug)]
pub(super) struct RecordLink {
    pub chain: ChainNumber,
    pub parent_hash: Option<EventHash>,
    pub hash: EventHash,
    /// Bytes of the event's type.
    pub event_type: usize,
    /// Bytes of its data.
    pub data: usize,
}

impl RecordLink {
    pub(super) fn of(chain: ChainNumber, event: &ChainEvent) -> Self {
        let (event_type, data) = (event.event_type.len(), event.data.len());
        RecordLink { chain, parent_hash: event.parent_hash, hash: event.hash, event_type, data }
    }
}

/// One of the records.
#[derive(Debug)]
struct EventRecord {
    link: RecordLink,
    /// Where it ends among the bytes.
    end: usize,
    /// The data, if it is large.
    tail: Bytes,
}

impl EventRecords {
    /// Adds the record of the next event of a chain.
    pub fn push(&mut self, chain: ChainNumber, event: &ChainEvent) {
        encode_head(&mut self.bytes, chain, event);
        let is_large = event.data.len() >= LARGE;
        let tail = if is_large { event.data.clone() } else { Bytes::new() };
        if !is_large {
            self.bytes.extend_from_slice(&event.data);
        }
        self.large += tail.len();
        self.data += event.data.len() as u64;
        self.ended_calls += u64::from(event.ends_call());
        let link = RecordLink::of(chain, event);
        self.records.push(EventRecord { link, end: self.bytes.len(), tail });
    }

    /// How many there are.
    pub fn events(&self) -> u64 {
        self.records.len() as u64
    }

    /// How many bytes they hold in memory.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.large
    }

    /// How many bytes of event data they hold.
    pub fn data_bytes(&self) -> u64 {
        self.data
    }

    /// How many export calls end with one of the events.
    pub fn ended_calls(&self) -> u64 {
        self.ended_calls
    }

    /// Removes all records. Their memory is kept for others, unless it is much.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.records.clear();
        (self.data, self.ended_calls, self.large) = (0, 0, 0);
    }

    /// Each record, with its bytes in two parts.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&RecordLink, &[u8], &[u8])> {
        let mut begin = 0;
        self.records.iter().map(move |record| {
            let head = &self.bytes[begin..record.end];
            begin = record.end;
            (&record.link, head, &record.tail[..])
        })
    }
}

/// Appends an event's record but for its data.
pub(super) fn encode_head(out: &mut Vec<u8>, chain: ChainNumber, event: &ChainEvent) {
    pack::array_header(out, 6);
    pack::string(out, TAG_EVENT);
    pack::unsigned(out, chain.0.into());
    pack::binary(out, event.hash.as_bytes());
    match &event.parent_hash {
        Some(parent) => pack::binary(out, parent.as_bytes()),
        None => pack::nil(out),
    }
    pack::string(out, &event.event_type);
    pack::binary_header(out, event.data.len());
}
