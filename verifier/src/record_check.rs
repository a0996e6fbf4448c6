//! Owns the part of an integrity check that needs one record alone: hashing and decoding it. It is nearly all
//! of the work, and can be done for many records at once.

use retake_chain::{ChainEventPayload, DecodeError, LinkFault, Record};

/// What one record says without the records before it.
#[derive(Debug)]
pub struct RecordCheck {
    pub(crate) hash: Result<(), LinkFault>,
    /// What an event says; `None` for other records.
    pub(crate) payload: Option<Result<ChainEventPayload, DecodeError>>,
}

impl RecordCheck {
    /// Hashes and decodes an event. Other records need no check of their own.
    pub fn of(record: &Record) -> Self {
        match record {
            Record::Event { event, .. } => {
                RecordCheck { hash: event.check_hash(), ..RecordCheck::unhashed(record) }
            }
            Record::Actor { .. } | Record::Chain { .. } => RecordCheck::unhashed(record),
        }
    }

    /// The same without the hash: the caller must call [`check_hash`](retake_chain::ChainEvent::check_hash).
    /// The hash of a genesis is checked in any case.
    pub fn unhashed(record: &Record) -> Self {
        let payload = match record {
            Record::Event { event, .. } => Some(event.payload()),
            Record::Actor { .. } | Record::Chain { .. } => None,
        };
        RecordCheck { hash: Ok(()), payload }
    }
}
