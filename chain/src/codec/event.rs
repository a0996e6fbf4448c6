//! Owns the hash of an event, with its formula, the link to the event before, the check of both, and what an
//! event's bytes say of it.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::count::count_values;
use crate::codec::encoding::DecodeError;
use crate::codec::pack;
use crate::codec::payload_codec::{CREATION_ERROR_HEAD, HOST_FUNCTION_HEAD};
use crate::model::event::{ChainEvent, ChainEventData, EventRef};
use crate::model::event_type::{WASM_ERROR, WASM_RESULT};
use crate::model::hash::{EventHash, sha256_of_few, sha256_of_parts};
use crate::model::limits::MAX_VALUES;
use crate::model::payload::ChainEventPayload;

/// Keeps event hashes apart from every other use of SHA-256.
pub const EVENT_HASH_DOMAIN: &[u8] = b"retake.event.v1\0";

/// Data of up to this many bytes is hashed with what stands before it.
const SHORT: usize = 1 << 10;

/// What is wrong with the hash of an event, or with its link to the event before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum LinkFault {
    /// The hash of the content is not the hash that the event names.
    #[error(
        "it names the hash {expected}, but the hash of its content is {actual}; the event was altered or damaged"
    )]
    Hash { expected: EventHash, actual: EventHash },
    /// The parent that the event names is not the event before it.
    #[error(
        "it names the parent {}, but the event before it is {}; an event was removed, added or moved",
        hash_or_none(.actual),
        hash_or_none(.expected)
    )]
    Link { expected: Option<EventHash>, actual: Option<EventHash> },
}

fn hash_or_none(hash: &Option<EventHash>) -> String {
    hash.map_or("none".to_owned(), |hash| hash.to_string())
}

/// The hash of an event:
///
/// ```text
/// SHA-256( "retake.event.v1" ‖ 0x00 ‖ msgpack([parent_hash or nil, event_type, data]) )
/// ```
///
/// with the parent's hash and `data` as MessagePack byte strings, all lengths in their shortest form.
pub fn event_hash(parent: Option<&EventHash>, event_type: &str, data: &[u8]) -> EventHash {
    EventHasher::default().hash(parent, event_type, data)
}

/// What is hashed besides the type and the data has no more bytes than this.
const FRAMING: usize = 64;

/// Hashes one event after the other as [`event_hash`] does, with memory that it keeps.
#[derive(Debug, Default)]
pub struct EventHasher {
    /// What is hashed, without the data if that is long.
    bytes: Vec<u8>,
}

impl EventHasher {
    /// As [`event_hash`].
    pub fn hash(&mut self, parent: Option<&EventHash>, event_type: &str, data: &[u8]) -> EventHash {
        let bytes = &mut self.bytes;
        bytes.clear();
        bytes.reserve(FRAMING + event_type.len() + data.len().min(SHORT));
        bytes.extend_from_slice(EVENT_HASH_DOMAIN);
        pack::array_header(bytes, 3);
        match parent {
            Some(parent) => pack::binary(bytes, parent.as_ref()),
            None => pack::nil(bytes),
        }
        pack::string(bytes, event_type);
        pack::binary_header(bytes, data.len());
        // Short data is cheaper to copy than to hash as a part of its own.
        if data.len() <= SHORT {
            bytes.extend_from_slice(data);
            EventHash(sha256_of_few(bytes))
        } else {
            EventHash(sha256_of_parts(bytes, data))
        }
    }
}

impl ChainEventData {
    /// Links the event after `parent` and hashes it.
    pub fn to_chain_event(&self, parent: Option<EventHash>) -> ChainEvent {
        ChainEvent::link(parent, self.event_type.clone(), self.data.encode())
    }
}

impl ChainEvent {
    /// Links `data` after `parent` and hashes it.
    pub fn link(parent_hash: Option<EventHash>, event_type: Arc<str>, data: Bytes) -> Self {
        let hash = event_hash(parent_hash.as_ref(), &event_type, &data);
        Self { hash, parent_hash, event_type, data }
    }

    /// What the hash should be, from the other fields.
    pub fn recompute_hash(&self) -> EventHash {
        event_hash(self.parent_hash.as_ref(), &self.event_type, &self.data)
    }

    /// Checks that the event's hash is the hash of its content.
    ///
    /// # Errors
    /// [`LinkFault::Hash`] with both hashes.
    pub fn check_hash(&self) -> Result<(), LinkFault> {
        self.check_hash_with(&mut EventHasher::default())
    }

    /// The same, for who checks many.
    ///
    /// # Errors
    /// As [`ChainEvent::check_hash`].
    pub fn check_hash_with(&self, hasher: &mut EventHasher) -> Result<(), LinkFault> {
        let actual = hasher.hash(self.parent_hash.as_ref(), &self.event_type, &self.data);
        if actual == self.hash { Ok(()) } else { Err(LinkFault::Hash { expected: self.hash, actual }) }
    }

    /// Checks that the event follows the event with the hash `before`, or that it is the first of its chain
    /// if there is none.
    ///
    /// # Errors
    /// [`LinkFault::Link`] with both hashes.
    pub fn check_link(&self, before: Option<EventHash>) -> Result<(), LinkFault> {
        let actual = self.parent_hash;
        if actual == before { Ok(()) } else { Err(LinkFault::Link { expected: before, actual }) }
    }

    /// Decodes what the event says.
    ///
    /// # Errors
    /// [`DecodeError`] if the data is not the canonical payload of the event's type.
    pub fn payload(&self) -> Result<ChainEventPayload, DecodeError> {
        ChainEventPayload::decode_shared(&self.event_type, &self.data)
    }

    /// How many values the data holds, as [`MAX_VALUES`] counts them, without decoding it; if it is more, the
    /// limit.
    pub fn value_count(&self) -> usize {
        count_values(&self.data).unwrap_or(MAX_VALUES)
    }

    /// Whether this is a call of the actor to its host.
    pub fn is_host_call(&self) -> bool {
        self.data.starts_with(HOST_FUNCTION_HEAD)
    }

    /// Whether this ends an export call: by a result or an error, and not the error of a component that could
    /// not be made.
    pub fn ends_call(&self) -> bool {
        EventRef::from(self).ends_call()
    }
}

impl EventRef<'_> {
    /// As [`ChainEvent::ends_call`].
    pub fn ends_call(&self) -> bool {
        match &**self.event_type {
            WASM_RESULT => true,
            WASM_ERROR => !self.data.starts_with(CREATION_ERROR_HEAD),
            _ => false,
        }
    }
}
