//! Owns [`ChainHead`], the synchronous heart of a chain: whether an event may come next, its bytes, its hash
//! and its link. It keeps no events and waits for nobody; delivery is `live/state_chain.rs`'s.
//!
//! Every event of every chain that is written or re-run passes [`ChainHead::link`], before it is hashed. What
//! is to happen to an event's bytes before the hash, or to its hash before the next event, belongs there.

use std::fmt;
use std::mem;

use crate::codec::count::check_values;
use crate::codec::event::EventHasher;
use crate::model::event::{ChainEvent, ChainEventData, EventRef};
use crate::model::event_type::{SHUTDOWN, is_message};
use crate::model::grammar::{Admitted, Grammar, GrammarFault};
use crate::model::hash::EventHash;
use crate::model::limits::{MAX_EVENT, MAX_EVENT_TYPE, MAX_VALUE_DEPTH, MAX_VALUES};

/// How much memory is kept for the next event, in bytes.
const KEPT: usize = 1 << 20;
/// An error shows this many bytes of an event type that is too long.
const SHOWN_TYPE: usize = 64;

/// An event that a chain does not take. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {index} (`{event_type}`) cannot be appended: {fault}")]
pub struct ChainError {
    /// Index that the event would have had in its chain.
    pub index: u64,
    /// The event's type; the start of it if it is too long.
    pub event_type: String,
    /// What is wrong with the event.
    pub fault: AppendFault,
}

/// Why a chain does not take an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum AppendFault {
    /// The chain ended with `shutdown`.
    #[error("the chain ended with `shutdown`; start another chain")]
    Ended,
    /// The grammar of a chain does not have such an event there.
    #[error(transparent)]
    Misplaced(#[from] GrammarFault),
    /// The type is not the payload's.
    #[error("its type does not fit its payload `{payload}`; use a constructor")]
    WrongType { payload: &'static str },
    /// The type is longer than a log can hold.
    #[error("its type has {len} bytes, at most {MAX_EVENT_TYPE} fit; shorten the name")]
    TypeTooLong { len: usize },
    /// The data is larger than a log can hold.
    #[error("it has {len} bytes of data, at most {MAX_EVENT} fit; split the call")]
    TooLarge { len: usize },
    /// A value nests deeper than readers accept.
    #[error("a value nests {depth} deep, at most {MAX_VALUE_DEPTH} fit")]
    TooDeep { depth: usize },
    /// A record has two fields of one name.
    #[error("a record has two fields `{key}`; rename one")]
    DuplicateKey { key: String },
    /// More values than readers accept.
    #[error("it holds more than {MAX_VALUES} values; split the call")]
    TooManyValues,
}

/// Where a chain ends: makes each next event.
///
/// A chain that starts with a genesis keeps the [grammar](Grammar) of a take's chains: any other event is
/// refused. A chain that starts with another event is in no take, and takes every event until `shutdown`.
///
/// # Examples
///
/// ```
/// use retake_chain::{ChainEventData, ChainHead, TheaterRuntimeEventData};
///
/// let mut chain = ChainHead::new();
/// let first = chain.append(ChainEventData::theater_runtime(TheaterRuntimeEventData::ActorStarted))?;
/// let last = chain.append(ChainEventData::shutdown())?;
/// assert_eq!(last.parent_hash, Some(first.hash));
/// assert_eq!((chain.head(), chain.count()), (Some(last.hash), 2));
/// assert!(chain.append(ChainEventData::shutdown()).is_err(), "it has ended");
/// # Ok::<(), retake_chain::ChainError>(())
/// ```
pub struct ChainHead {
    grammar: Grammar,
    head: Option<EventHash>,
    count: u64,
    messages: u64,
    ended: bool,
    /// The data of the last event that was encoded.
    scratch: Vec<u8>,
    hasher: EventHasher,
}

impl ChainHead {
    /// The head of an empty chain.
    pub fn new() -> Self {
        Self::at(Grammar::unbound(), None, 0)
    }

    /// The head after the first `count` events of a chain, the last of which has the hash `head`, where no
    /// call is in progress.
    pub fn continuing(head: EventHash, count: u64) -> Self {
        Self::at(Grammar::between_calls(), Some(head), count)
    }

    fn at(grammar: Grammar, head: Option<EventHash>, count: u64) -> Self {
        let (scratch, hasher) = (Vec::new(), EventHasher::default());
        ChainHead { grammar, head, count, messages: 0, ended: false, scratch, hasher }
    }

    /// Hash of the last event, or `None` before the first.
    pub fn head(&self) -> Option<EventHash> {
        self.head
    }

    /// How many events the chain has: the index of the next one.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many messages to other actors were appended, whatever became of them: the number of the next one.
    pub fn message_count(&self) -> u64 {
        self.messages
    }

    /// The function of the export call in progress, if one is.
    pub fn open_call(&self) -> Option<&str> {
        self.grammar.open_call()
    }

    /// Whether the chain ended with `shutdown`.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Appends an event: hashes it after the head, and is the head after it.
    ///
    /// # Errors
    /// [`ChainError`] for an event that no take can hold or that may not come next, and after `shutdown`.
    /// Nothing changes then.
    pub fn append(&mut self, data: ChainEventData) -> Result<ChainEvent, ChainError> {
        self.append_lent(&data).map(|event| event.to_event())
    }

    /// As [`ChainHead::append`], for who needs the event only until the next one: its data is lent, and no
    /// memory is taken for it.
    ///
    /// # Errors
    /// As [`ChainHead::append`].
    pub fn append_lent<'a>(&'a mut self, data: &'a ChainEventData) -> Result<EventRef<'a>, ChainError> {
        let mut bytes = mem::take(&mut self.scratch);
        let linked = self.encode_and_link(&mut bytes, data);
        self.scratch = bytes;
        let (hash, parent_hash) = linked?;
        Ok(EventRef { hash, parent_hash, event_type: &data.event_type, data: &self.scratch })
    }

    fn encode_and_link(
        &mut self,
        bytes: &mut Vec<u8>,
        data: &ChainEventData,
    ) -> Result<(EventHash, Option<EventHash>), ChainError> {
        encode_into(bytes, data).map_err(|fault| self.refused(&data.event_type, fault))?;
        let admitted = self.grammar.check(&data.data);
        self.link(&data.event_type, bytes, Some(admitted))
    }

    /// Appends an event that a replay copies from its recording: type and data are kept, the hash is made
    /// again after this head. Meant for events in which the guest has no part ([`Origin`](crate::Origin)).
    ///
    /// # Errors
    /// As [`ChainHead::append`]; data that cannot be decoded is taken as it is.
    pub fn append_recorded<'a>(&mut self, recorded: &'a ChainEvent) -> Result<EventRef<'a>, ChainError> {
        let admitted = match recorded.payload() {
            Ok(payload) => Some(self.grammar.check(&payload)),
            Err(_) => None,
        };
        let ChainEvent { event_type, data, .. } = recorded;
        let (hash, parent_hash) = self.link(event_type, data, admitted)?;
        Ok(EventRef { hash, parent_hash, event_type, data })
    }

    /// Makes the event the head if it may come next; returns its hash, and that of the event before.
    /// `admitted` is what the grammar says of it, if it was asked.
    fn link(
        &mut self,
        event_type: &str,
        data: &[u8],
        admitted: Option<Result<Admitted, GrammarFault>>,
    ) -> Result<(EventHash, Option<EventHash>), ChainError> {
        let fault = match (event_type.len(), data.len()) {
            _ if self.ended => Some(AppendFault::Ended),
            (len, _) if len > MAX_EVENT_TYPE => Some(AppendFault::TypeTooLong { len }),
            (_, len) if len > MAX_EVENT => Some(AppendFault::TooLarge { len }),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(self.refused(event_type, fault));
        }
        match admitted {
            Some(Ok(admitted)) => self.grammar.take(admitted),
            Some(Err(fault)) => return Err(self.refused(event_type, fault.into())),
            None => {}
        }
        let parent = self.head;
        let hash = self.hasher.hash(parent.as_ref(), event_type, data);
        self.head = Some(hash);
        self.count += 1;
        self.messages += u64::from(is_message(event_type));
        self.ended = event_type == SHUTDOWN;
        Ok((hash, parent))
    }

    fn refused(&self, event_type: &str, fault: AppendFault) -> ChainError {
        let shown = match &fault {
            AppendFault::TypeTooLong { .. } => &event_type[..event_type.floor_char_boundary(SHOWN_TYPE)],
            _ => event_type,
        };
        ChainError { index: self.count, event_type: shown.to_owned(), fault }
    }
}

/// Writes the data of an event that readers accept.
fn encode_into(bytes: &mut Vec<u8>, data: &ChainEventData) -> Result<(), AppendFault> {
    bytes.clear();
    bytes.shrink_to(KEPT);
    if !data.data.fits(&data.event_type) {
        return Err(AppendFault::WrongType { payload: data.data.name() });
    }
    let seen = data.data.encode_into(bytes);
    if seen.depth > MAX_VALUE_DEPTH {
        return Err(AppendFault::TooDeep { depth: seen.depth });
    }
    if let Some(key) = seen.doubled {
        return Err(AppendFault::DuplicateKey { key });
    }
    check_values(bytes).map_err(|_| AppendFault::TooManyValues)
}

impl Default for ChainHead {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainHead")
            .field("head", &self.head.map(|head| head.short()))
            .field("count", &self.count)
            .field("open_call", &self.open_call())
            .field("ended", &self.ended)
            .finish()
    }
}
