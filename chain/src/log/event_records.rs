//! Owns [`EventRecords`]: events encoded as a take holds them, by whoever has them, for a writer that has
//! only to compress them.

use super::format::{ChainNumber, TAG_EVENT};
use crate::codec::pack;
use crate::model::event::EventRef;
use crate::model::hash::EventHash;
use crate::model::limits::MAX_EVENT_TYPE;

/// A run has no more bytes than this, unless it is one event: where a frame is to end in one, the writer looks
/// at each event.
const RUN: usize = 16 << 10;
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
/// for event in [ChainEventData::theater_runtime(TheaterRuntimeEventData::ActorStarted), ChainEventData::shutdown()] {
///     records.push(chain, head.append_lent(&event)?);
/// }
///
/// take.append_all(&records)?;
/// assert_eq!(take.seal()?.1.events, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct EventRecords {
    /// The records one after the other.
    bytes: Vec<u8>,
    runs: Vec<Run>,
    events: u64,
    /// Bytes of data.
    data: u64,
    /// Export calls that end with one of the events.
    ended_calls: u64,
}

/// Events of one chain that follow each other, and what a writer has to know of them.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub chain: ChainNumber,
    pub events: u64,
    /// The parent of the first.
    pub parent_hash: Option<EventHash>,
    /// The hash of the last.
    pub hash: EventHash,
    /// Bytes of the first one's type; the others' are short enough.
    pub event_type: usize,
    /// Bytes of the first one's data; the others' are short enough.
    pub data: usize,
    /// Where it begins among the bytes.
    begin: usize,
}

impl Run {
    pub(super) fn of(chain: ChainNumber, event: EventRef<'_>, begin: usize) -> Self {
        let EventRef { hash, parent_hash, event_type, data } = event;
        let (event_type, data) = (event_type.len(), data.len());
        Run { chain, events: 1, parent_hash, hash, event_type, data, begin }
    }

    /// Whether an event can be the next of the run, which then ends at `end`.
    fn takes(&self, chain: ChainNumber, event: EventRef<'_>, end: usize) -> bool {
        self.chain == chain
            && event.parent_hash == Some(self.hash)
            && event.event_type.len() <= MAX_EVENT_TYPE
            && end - self.begin <= RUN
    }
}

impl EventRecords {
    /// Adds the record of the next event of a chain.
    pub fn push(&mut self, chain: ChainNumber, event: EventRef<'_>) {
        let begin = self.bytes.len();
        encode(&mut self.bytes, chain, event);
        self.events += 1;
        self.data += event.data.len() as u64;
        self.ended_calls += u64::from(event.ends_call());
        match self.runs.last_mut() {
            Some(run) if run.takes(chain, event, self.bytes.len()) => {
                (run.events, run.hash) = (run.events + 1, event.hash);
            }
            _ => self.runs.push(Run::of(chain, event, begin)),
        }
    }

    /// How many there are.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many bytes they hold in memory.
    pub fn size(&self) -> usize {
        self.bytes.len()
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
        self.runs.clear();
        (self.events, self.data, self.ended_calls) = (0, 0, 0);
    }

    /// Each run, with its bytes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Run, &[u8])> {
        let ends = self.runs.iter().skip(1).map(|next| next.begin).chain([self.bytes.len()]);
        self.runs.iter().zip(ends).map(|(run, end)| (run, &self.bytes[run.begin..end]))
    }
}

/// Appends an event's record.
pub(super) fn encode(out: &mut Vec<u8>, chain: ChainNumber, event: EventRef<'_>) {
    pack::array_header(out, 6);
    pack::string(out, TAG_EVENT);
    pack::unsigned(out, chain.0.into());
    pack::binary(out, event.hash.as_bytes());
    match &event.parent_hash {
        Some(parent) => pack::binary(out, parent.as_bytes()),
        None => pack::nil(out),
    }
    pack::string(out, event.event_type);
    pack::binary(out, event.data);
}
