//! Owns the taking apart of one record out of decompressed bytes that may not all be there yet.
//! Strict: every integer and length must be in its shortest form, as `pack.rs` writes it.

use super::error::Damage;
use super::format::{
    ACTOR_CHUNK, MAX_ACTOR, MAX_EVENT, MAX_EVENT_TYPE, TAG_ACTOR, TAG_CHAIN, TAG_EVENT, TAG_HEADER,
    TAG_INDEX, TAG_SEAL,
};
use crate::hash::EventHash;
use crate::ids::TheaterId;

/// One record, borrowed from the bytes; the data of an event as a range of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
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
pub(super) enum Stop {
    /// The bytes end too early.
    Need,
    /// They are no record.
    Bad(Damage),
}

/// The record that `bytes` begin with, and how many bytes it takes.
pub(super) fn parse_record(bytes: &[u8]) -> Result<(Item<'_>, usize), Stop> {
    let mut cursor = Cursor { bytes, pos: 0 };
    let fields = cursor.array_header()?;
    let tag = cursor.string(8, "a record's tag")?;
    let item = match (tag, fields) {
        (TAG_EVENT, 6) => cursor.event()?,
        (TAG_CHAIN, 3) => cursor.chain()?,
        (TAG_ACTOR, 4) => cursor.actor()?,
        (TAG_HEADER, 2) => Item::Lone(TAG_HEADER),
        (TAG_INDEX, 2) => Item::Lone(TAG_INDEX),
        (TAG_SEAL, 2) => Item::Lone(TAG_SEAL),
        _ => return bad("an array with an unknown tag or another number of fields"),
    };
    Ok((item, cursor.pos))
}

fn bad<T>(reason: &'static str) -> Result<T, Stop> {
    Err(Stop::Bad(Damage::Record { reason }))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    fn event(&mut self) -> Result<Item<'a>, Stop> {
        let chain = self.unsigned()?;
        let hash = self.hash()?;
        let parent = if self.peek()? == 0xc0 {
            self.pos += 1;
            None
        } else {
            Some(self.hash()?)
        };
        let event_type = self.string(MAX_EVENT_TYPE, "an event type")?;
        let len = self.binary_header(MAX_EVENT, "event data")?;
        let start = self.pos;
        self.take(len)?;
        Ok(Item::Event { chain, hash, parent, event_type, data: start..start + len })
    }

    fn chain(&mut self) -> Result<Item<'a>, Stop> {
        let number = self.unsigned()?;
        let text = self.string(36, "an actor id")?;
        match TheaterId::parse(text) {
            Ok(id) if id.to_string() == text => Ok(Item::Chain { number, id }),
            _ => bad("an actor id that is no UUID in lower case with hyphens"),
        }
    }

    fn actor(&mut self) -> Result<Item<'a>, Stop> {
        let (offset, total) = (self.unsigned()?, self.unsigned()?);
        if total > MAX_ACTOR {
            let what = "an embedded component";
            return Err(Stop::Bad(Damage::TooLarge { what, len: total, limit: MAX_ACTOR }));
        }
        let len = self.binary_header(ACTOR_CHUNK, "a piece of a component")?;
        let bytes = self.take(len)?;
        Ok(Item::Actor { offset, total, bytes })
    }

    fn hash(&mut self) -> Result<EventHash, Stop> {
        let len = self.binary_header(32, "a hash")?;
        match self.take(len)?.try_into() {
            Ok(bytes) => Ok(EventHash(bytes)),
            Err(_) => bad("a hash that has not 32 bytes"),
        }
    }

    fn array_header(&mut self) -> Result<usize, Stop> {
        match self.byte()? {
            marker @ 0x90..=0x9f => Ok((marker & 0x0f).into()),
            _ => bad("something else than a short array"),
        }
    }

    fn unsigned(&mut self) -> Result<u64, Stop> {
        let (value, least) = match self.byte()? {
            marker @ 0..=0x7f => return Ok(marker.into()),
            0xcc => (self.big_endian(1)?, 0x80),
            0xcd => (self.big_endian(2)?, 1 << 8),
            0xce => (self.big_endian(4)?, 1 << 16),
            0xcf => (self.big_endian(8)?, 1 << 32),
            _ => return bad("something else than an unsigned integer"),
        };
        if value < least { bad("an integer that is not in its shortest form") } else { Ok(value) }
    }

    fn string(&mut self, limit: usize, what: &'static str) -> Result<&'a str, Stop> {
        let (len, least) = match self.byte()? {
            marker @ 0xa0..=0xbf => (u64::from(marker & 0x1f), 0),
            0xd9 => (self.big_endian(1)?, 32),
            0xda => (self.big_endian(2)?, 1 << 8),
            0xdb => (self.big_endian(4)?, 1 << 16),
            _ => return bad("something else than a string"),
        };
        let len = checked_len(len, least, limit, what)?;
        let text = self.take(len)?;
        str::from_utf8(text).or_else(|_| bad("a string that is not UTF-8"))
    }

    fn binary_header(&mut self, limit: usize, what: &'static str) -> Result<usize, Stop> {
        let (len, least) = match self.byte()? {
            0xc4 => (self.big_endian(1)?, 0),
            0xc5 => (self.big_endian(2)?, 1 << 8),
            0xc6 => (self.big_endian(4)?, 1 << 16),
            _ => return bad("something else than a byte string"),
        };
        checked_len(len, least, limit, what)
    }

    fn big_endian(&mut self, len: usize) -> Result<u64, Stop> {
        Ok(self.take(len)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.pos).copied().ok_or(Stop::Need)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = self.peek()?;
        self.pos += 1;
        Ok(byte)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Stop> {
        let taken = self.bytes[self.pos..].get(..len).ok_or(Stop::Need)?;
        self.pos += len;
        Ok(taken)
    }
}

/// A length is looked at before a byte of what it measures is waited for.
fn checked_len(len: u64, least: u64, limit: usize, what: &'static str) -> Result<usize, Stop> {
    if len < least {
        return bad("a length that is not in its shortest form");
    }
    match usize::try_from(len) {
        Ok(len) if len <= limit => Ok(len),
        _ => Err(Stop::Bad(Damage::TooLarge { what, len, limit: limit as u64 })),
    }
}
