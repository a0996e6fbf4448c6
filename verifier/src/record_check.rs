//! Owns the part of an integrity check that needs one record alone: hashing and decoding it. It is nearly all of the work, and
//! can be done for many records at once.

use retake_chain::{ChainEvent, ChainEventPayload, DecodeError, Record};

use crate::integrity_error::EventFault;

/// What one record says without the records before it.
#[derive(Debug)]
pub struct RecordCheck {
    pub(crate) hash: Result<(), EventFault>,
    /// What an event says; `None` for other records.
    pub(crate) payload: Option<Result<ChainEventPayload, DecodeError>>,
}

impl RecordCheck {
    /// Hashes and decodes an event. Other records need no check of their own.
    pub fn of(record: &Record) -> Self {
        match record {
            Record::Event { event, .. } => {
                RecordCheck { hash: check_hash(event), payload: Some(event.payload()) }
            }
            Record::Actor { .. } | Record::Chain { .. } => RecordCheck { hash: Ok(()), payload: None },
        }
    }

    /// The same without the hash: the caller must call [`check_hash`]. The hash of a genesis is checked in any case.
    pub fn unhashed(record: &Record) -> Self {
        let payload = match record {
            Record::Event { event, .. } => Some(event.payload()),
            Record::Actor { .. } | Record::Chain { .. } => None,
        };
        RecordCheck { hash: Ok(()), payload }
    }
}

/// Checks that an event's hash is the hash of its content.
///
/// # Errors
/// [`EventFault::Hash`] with both hashes.
pub fn check_hash(event: &ChainEvent) -> Result<(), EventFault> {
    let actual = event.recompute_hash();
    if actual == event.hash { Ok(()) } else { Err(EventFault::Hash { expected: event.hash, actual }) }
}
