//! Owns what a line says: its fields in JSON, and what a reader hands out and a writer takes. Each line is an
//! object with one member, whose name is the kind of line.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::codec::base64::Base64;
use crate::codec::payload_codec::value_bytes;
use crate::log::{ChainNumber, FormatVersion, FrameRef, Record, Seal, SealKind, SealedChain};
use crate::model::event::ChainEvent;
use crate::model::hash::EventHash;
use crate::model::ids::TheaterId;
use crate::model::value::Value;

/// What a reader hands out, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The first line: the version of the take.
    Header(FormatVersion),
    /// A record. The offset of an event is that of its line.
    Record(Record),
    /// The last line.
    End(ExportedEnd),
}

/// How a take ended, from which lines were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ExportedEnd {
    /// With a seal.
    Sealed(SealedEnd),
    /// With whole records, but no seal.
    Unsealed,
    /// In the middle of a frame or a record.
    Torn {
        /// Where the torn frame began in the take.
        offset: u64,
    },
    /// With damage; what was before it is whole.
    Damaged {
        /// What was wrong.
        reason: String,
    },
}

/// A seal without its index, which is about the file that it was in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedEnd {
    /// Who sealed it.
    pub kind: SealKind,
    /// Events of all chains.
    pub events: u64,
    /// The chains, by number.
    pub chains: Vec<SealedChain>,
}

impl SealedEnd {
    /// The seal of a file whose last index is that.
    pub fn into_seal(self, index: FrameRef) -> Seal {
        Seal { kind: self.kind, events: self.events, chains: self.chains, index }
    }
}

impl From<&Seal> for SealedEnd {
    fn from(seal: &Seal) -> Self {
        Self { kind: seal.kind.clone(), events: seal.events, chains: seal.chains.clone() }
    }
}

/// A line as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum JsonLine {
    Retake(HeaderLine),
    Actor(ActorLine),
    Chain(ChainLine),
    Event(EventLine),
    End(ExportedEnd),
}

/// Other members are let pass, for the header of a newer version may have more.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeaderLine {
    pub(super) version: FormatVersion,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActorLine {
    offset: u64,
    total: u64,
    bytes: Base64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChainLine {
    number: ChainNumber,
    id: TheaterId,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventLine {
    number: u64,
    chain: ChainNumber,
    hash: EventHash,
    // Without this serde would take a parent that is left out for `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    parent: Option<EventHash>,
    #[serde(rename = "type")]
    event_type: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    data: Option<Value>,
    /// In the place of `data` that is not canonical.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    msgpack: Option<Base64>,
}

/// A member that is there, even if it is `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl From<&Record> for JsonLine {
    fn from(record: &Record) -> Self {
        match record {
            Record::Actor { offset, total, bytes } => {
                JsonLine::Actor(ActorLine { offset: *offset, total: *total, bytes: Base64(bytes.clone()) })
            }
            Record::Chain { number, id } => JsonLine::Chain(ChainLine { number: *number, id: *id }),
            Record::Event { number, chain, event, .. } => {
                let data = Value::decode(&event.data).ok();
                let msgpack = if data.is_none() { Some(Base64(event.data.clone())) } else { None };
                JsonLine::Event(EventLine {
                    number: *number,
                    chain: *chain,
                    hash: event.hash,
                    parent: event.parent_hash,
                    event_type: event.event_type.clone(),
                    data,
                    msgpack,
                })
            }
        }
    }
}

impl From<ActorLine> for Record {
    fn from(line: ActorLine) -> Self {
        Record::Actor { offset: line.offset, total: line.total, bytes: line.bytes.0 }
    }
}

impl From<ChainLine> for Record {
    fn from(line: ChainLine) -> Self {
        Record::Chain { number: line.number, id: line.id }
    }
}

impl EventLine {
    /// The event, of a line that begins at `offset`; `None` unless there is exactly one of `data` and
    /// `msgpack`.
    pub(super) fn into_record(self, offset: u64) -> Option<Record> {
        let data = match (self.data, self.msgpack) {
            (Some(value), None) => value_bytes(&value).into(),
            (None, Some(Base64(bytes))) => bytes,
            _ => return None,
        };
        let event =
            ChainEvent { hash: self.hash, parent_hash: self.parent, event_type: self.event_type, data };
        Some(Record::Event { number: self.number, chain: self.chain, event, offset })
    }
}
