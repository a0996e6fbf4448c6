//! Owns the part of an integrity check that needs one record alone: hashing and decoding it. It is nearly all
//! of the work, and can be done for many records at once.

use retake_chain::{
    ChainEvent, ChainEventPayload, DecodeError, EventHasher, EventKind, LinkFault, Record, is_message,
};

use crate::observation::looks_into;

/// What one record says without the records before it.
#[derive(Debug)]
pub struct RecordCheck {
    pub(crate) hash: Result<(), LinkFault>,
    /// What an event says; `None` for other records.
    pub(crate) said: Option<Result<Said, DecodeError>>,
}

/// What an event says.
#[derive(Debug)]
pub(crate) enum Said {
    Payload(ChainEventPayload),
    /// A host call that can be decoded, and that no check of the events around it looks into. Its values are
    /// freed by the thread that decoded it, which is much faster than by another.
    HostCall,
}

impl RecordCheck {
    /// Hashes and decodes an event. Other records need no check of their own.
    pub(crate) fn of(record: &Record, hasher: &mut EventHasher) -> Self {
        match record {
            Record::Event { event, .. } => {
                let said = event.payload().map(|payload| said(event, payload));
                RecordCheck { hash: event.check_hash_with(hasher), said: Some(said) }
            }
            Record::Actor { .. } | Record::Chain { .. } => RecordCheck::unhashed(record),
        }
    }

    /// The same without the hash: the caller must call [`check_hash`](retake_chain::ChainEvent::check_hash).
    /// The hash of a genesis is checked in any case.
    pub fn unhashed(record: &Record) -> Self {
        let said = match record {
            Record::Event { event, .. } => Some(event.payload().map(Said::Payload)),
            Record::Actor { .. } | Record::Chain { .. } => None,
        };
        RecordCheck { hash: Ok(()), said }
    }
}

fn said(event: &ChainEvent, payload: ChainEventPayload) -> Said {
    let is_plain = payload.kind() == EventKind::HostCall
        && !is_message(&event.event_type)
        && !looks_into(&event.event_type);
    if is_plain { Said::HostCall } else { Said::Payload(payload) }
}
