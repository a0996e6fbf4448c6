//! Owns the taking apart of one record out of decompressed bytes that may not all be there yet.
//! The primitives are `unpack.rs`'s.

use super::error::Damage;
use super::format::{
    ACTOR_CHUNK, MAX_ACTOR, TAG_ACTOR, TAG_CHAIN, TAG_EVENT, TAG_HEADER, TAG_INDEX, TAG_SEAL,
};
use crate::codec::unpack::{UnpackError, Unpacker};
use crate::model::hash::EventHash;
use crate::model::ids::TheaterId;
use crate::model::limits::{MAX_EVENT, MAX_EVENT_TYPE};

/// One record, borrowed from the bytes; the data of an event as a range of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ParsedRecord<'a> {
    Event {
        chain: u64,
        hash: EventHash,
        parent: Option<EventHash>,
        event_type: &'a str,
        data: std::ops::Range<usize>,
    },
    Chain {
        number: u64,
        id: TheaterId,
    },
    Actor {
        offset: u64,
        total: u64,
        bytes: &'a [u8],
    },
    /// A header, index or seal: alone in its frame, so it ends where the frame does.
    Lone(&'static str),
}

/// Why there is no record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoRecord {
    /// The bytes end too early.
    Need,
    /// They are not a record.
    Bad(Damage),
}

/// The record that `bytes` begin with, and how many bytes it takes.
pub(super) fn parse_record(bytes: &[u8]) -> Result<(ParsedRecord<'_>, usize), NoRecord> {
    let mut unpacker = Unpacker::new(bytes);
    let fields = match unpacker.peek()? {
        0x90..=0x9f => unpacker.array_header()?,
        _ => return Err(NoRecord::Bad(Damage::Syntax { expected: "a short array" })),
    };
    let tag = limited_string(&mut unpacker, MAX_TAG, "a record's tag")?;
    let item = match (tag, fields) {
        (TAG_EVENT, 6) => event(&mut unpacker)?,
        (TAG_CHAIN, 3) => chain(&mut unpacker)?,
        (TAG_ACTOR, 4) => actor(&mut unpacker)?,
        (TAG_HEADER, 2) => ParsedRecord::Lone(TAG_HEADER),
        (TAG_INDEX, 2) => ParsedRecord::Lone(TAG_INDEX),
        (TAG_SEAL, 2) => ParsedRecord::Lone(TAG_SEAL),
        _ => return Err(NoRecord::Bad(Damage::UnknownRecord { tag: tag.to_owned(), fields })),
    };
    Ok((item, unpacker.position()))
}

/// Longest tag that is looked at.
const MAX_TAG: usize = 32;

impl From<UnpackError> for NoRecord {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Short => NoRecord::Need,
            UnpackError::Other(expected) => NoRecord::Bad(Damage::Syntax { expected }),
            UnpackError::Overlong => NoRecord::Bad(Damage::NotCanonical),
        }
    }
}

fn event<'a>(unpacker: &mut Unpacker<'a>) -> Result<ParsedRecord<'a>, NoRecord> {
    let chain = unpacker.unsigned()?;
    let hash = hash(unpacker)?;
    let parent = if unpacker.nil()? { None } else { Some(self::hash(unpacker)?) };
    let event_type = limited_string(unpacker, MAX_EVENT_TYPE, "an event type")?;
    let len = checked(unpacker.binary_header()?, MAX_EVENT, "event data")?;
    let start = unpacker.position();
    unpacker.take(len)?;
    Ok(ParsedRecord::Event { chain, hash, parent, event_type, data: start..start + len })
}

fn chain<'a>(unpacker: &mut Unpacker<'a>) -> Result<ParsedRecord<'a>, NoRecord> {
    let number = unpacker.unsigned()?;
    let text = limited_string(unpacker, UUID, "an actor id")?;
    match TheaterId::parse(text) {
        Ok(id) if id.to_string() == text => Ok(ParsedRecord::Chain { number, id }),
        _ => Err(NoRecord::Bad(Damage::ActorId)),
    }
}

/// Bytes of a UUID in text.
const UUID: usize = 36;

fn actor<'a>(unpacker: &mut Unpacker<'a>) -> Result<ParsedRecord<'a>, NoRecord> {
    let (offset, total) = (unpacker.unsigned()?, unpacker.unsigned()?);
    if total > MAX_ACTOR {
        let what = "an embedded component";
        return Err(NoRecord::Bad(Damage::TooLarge { what, len: total, limit: MAX_ACTOR }));
    }
    let len = checked(unpacker.binary_header()?, ACTOR_CHUNK, "a piece of a component")?;
    Ok(ParsedRecord::Actor { offset, total, bytes: unpacker.take(len)? })
}

fn hash(unpacker: &mut Unpacker<'_>) -> Result<EventHash, NoRecord> {
    match unpacker.binary_header()? {
        32 => {}
        _ => return Err(NoRecord::Bad(Damage::Syntax { expected: "a hash of 32 bytes" })),
    }
    let bytes = unpacker.take(32)?;
    Ok(EventHash(bytes.try_into().expect("32 bytes were taken")))
}

fn limited_string<'a>(
    unpacker: &mut Unpacker<'a>,
    limit: usize,
    what: &'static str,
) -> Result<&'a str, NoRecord> {
    let len = checked(unpacker.string_header()?, limit, what)?;
    Ok(unpacker.text(len)?)
}

/// A length is looked at before a byte of what it measures is waited for.
fn checked(len: usize, limit: usize, what: &'static str) -> Result<usize, NoRecord> {
    if len <= limit {
        return Ok(len);
    }
    Err(NoRecord::Bad(Damage::TooLarge { what, len: len as u64, limit: limit as u64 }))
}
