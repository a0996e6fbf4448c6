//! Owns random access to a sealed take: the seal from the end of the file, an event by way of the index and
//! its one frame. Reading from front to back is `reader.rs`'s; nothing here says that a take is intact.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use bytes::Bytes;

use crate::model::event::ChainEvent;

use super::blocks::{decode_index, decode_seal_content};
use super::error::{Damage, ReadError};
use super::format::{ChainNumber, FrameEntry, FrameRef, IndexBody, MAX_INDEX, Record, Seal};
use super::frame::{MAGIC, MAX_SEAL_FRAME, SEAL_DESCRIPTOR, SealFrame, decode_seal};
use super::parse::{NoRecord, ParsedRecord, parse_record};
use super::reader::LogReader;
use super::source::{FrameSource, SourceError, SourceStep};

/// How much of a file's end is searched for the seal first. That of a few hundred chains fits.
const TAIL: u64 = 1 << 16;

/// A sealed take, in which events are found by their number.
pub struct IndexedLog<R> {
    input: R,
    seal: Seal,
    /// Where the seal begins: everything else is before.
    seal_offset: u64,
}

impl<R: Read + Seek> IndexedLog<R> {
    /// Looks at the header and for the seal. `None` if the take has no seal at its end.
    ///
    /// # Errors
    /// As [`LogReader::open`]; damage of the seal.
    pub fn open(mut input: R) -> Result<Option<Self>, ReadError> {
        LogReader::open(&mut input)?;
        let Some((seal_offset, content)) = find_seal(&mut input)? else { return Ok(None) };
        let seal = decode_seal_content(&content).map_err(|damage| ReadError::Damaged {
            offset: seal_offset,
            event: 0,
            damage,
        })?;
        Ok(Some(IndexedLog { input, seal, seal_offset }))
    }

    /// The seal.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// The event with this number, which counts from 0 over all chains; `None` if the take has fewer events.
    /// Its hash is as recorded, not checked; the checksums on the way to it are.
    ///
    /// # Errors
    /// Damage of an index or of the event's frame, or a failing input.
    pub fn event(&mut self, number: u64) -> Result<Option<Record>, ReadError> {
        if number >= self.seal.events {
            return Ok(None);
        }
        let mut index = self.seal.index;
        let mut before = self.seal_offset;
        loop {
            let IndexBody { frames: entries, events, .. } = self.index(index, before)?;
            let at = entries.partition_point(|entry| entry.first_event <= number);
            match at.checked_sub(1) {
                Some(last) => {
                    let end = entries.get(at).map_or(events, |next| next.first_event);
                    return self.event_in(entries[last], end, number, index.offset).map(Some);
                }
                // The first entry is the index before this one.
                None => match entries.first() {
                    Some(previous) => (before, index) = (index.offset, previous.frame),
                    None => return Err(lies(index.offset, number, "it names no frame")),
                },
            }
        }
    }

    /// Reads an index, which must lie before `before`.
    fn index(&mut self, index: FrameRef, before: u64) -> Result<IndexBody, ReadError> {
        let content = self.frame(index, before, |buffer| match buffer.len() > MAX_INDEX {
            false => Ok(0),
            true => {
                let (len, limit) = (buffer.len() as u64, MAX_INDEX as u64);
                Err(Damage::TooLarge { what: "an index", len, limit })
            }
        })?;
        let damaged = |damage| ReadError::Damaged { offset: index.offset, event: 0, damage };
        let body = decode_index(&content).map_err(damaged)?;
        // The index before it is elsewhere; the other frames follow each other up to the index.
        let frames = &body.frames[usize::from(body.previous.is_some()).min(body.frames.len())..];
        let next = frames.iter().skip(1).map(|entry| entry.frame.offset).chain([index.offset]);
        if frames
            .iter()
            .zip(next)
            .any(|(entry, next)| entry.frame.offset.checked_add(entry.frame.length) != Some(next))
        {
            return Err(lies(index.offset, 0, "the frames it names do not follow each other"));
        }
        Ok(body)
    }

    /// Reads the event out of a frame, which must lie before `before` and hold the events up to `end`.
    fn event_in(
        &mut self,
        entry: FrameEntry,
        end: u64,
        number: u64,
        before: u64,
    ) -> Result<Record, ReadError> {
        let mut next = entry.first_event;
        let mut found = None;
        let rest = self.frame(entry.frame, before, |buffer| {
            let mut position = 0;
            while position < buffer.len() {
                match parse_record(&buffer[position..]) {
                    Ok((ParsedRecord::Event { chain, hash, parent, event_type, data }, len)) => {
                        if next == number {
                            let data = Bytes::copy_from_slice(&buffer[position..][data]);
                            let event_type = event_type.into();
                            let event = ChainEvent { hash, parent_hash: parent, event_type, data };
                            found = Some((chain, event));
                        }
                        next += 1;
                        position += len;
                    }
                    Ok((ParsedRecord::Chain { .. }, len)) => position += len,
                    Ok(_) => return Err(Damage::IndexMismatch { reason: NO_EVENTS.into() }),
                    Err(NoRecord::Need) => break,
                    Err(NoRecord::Bad(damage)) => return Err(damage),
                }
            }
            Ok(position)
        })?;
        let offset = entry.frame.offset;
        if !rest.is_empty() {
            return Err(ReadError::Damaged { offset, event: next, damage: Damage::CrossesFrame });
        }
        let Some((chain, event)) = found.filter(|_| next == end) else {
            return Err(lies(offset, number, NO_EVENTS));
        };
        match u32::try_from(chain) {
            Ok(known) if (known as usize) < self.seal.chains.len() => {
                Ok(Record::Event { number, chain: ChainNumber(known), event, offset })
            }
            _ => Err(ReadError::Damaged { offset, event: number, damage: Damage::UnknownChain { chain } }),
        }
    }

    /// Decompresses one frame, and compares it with what an index or the seal says of it. `take` gets what is
    /// there and returns how much of it is done with; what it leaves at the end of the frame is returned.
    fn frame(
        &mut self,
        frame: FrameRef,
        before: u64,
        mut take: impl FnMut(&[u8]) -> Result<usize, Damage>,
    ) -> Result<Vec<u8>, ReadError> {
        let FrameRef { offset, length, .. } = frame;
        if offset.checked_add(length).is_none_or(|end| end > before) {
            return Err(lies(offset, 0, "it names a frame that does not lie before it"));
        }
        let failed = |source| ReadError::Io { offset, source };
        let damaged = |damage| ReadError::Damaged { offset, event: 0, damage };
        self.input.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut source = FrameSource::new((&mut self.input).take(length)).map_err(damaged)?;
        let mut buffer = Vec::new();
        loop {
            match source.step(&mut buffer) {
                Ok(SourceStep::Data) => {
                    let done = take(&buffer).map_err(damaged)?;
                    buffer.drain(..done);
                }
                Ok(SourceStep::FrameEnd(found)) if found == (FrameRef { offset: 0, ..frame }) => {
                    return Ok(buffer);
                }
                Ok(_) => return Err(lies(offset, 0, "the frame there differs from the one it names")),
                Err(SourceError::Io(source)) => return Err(failed(source)),
                Err(SourceError::Damage(damage)) => return Err(damaged(damage)),
                Err(SourceError::Trailing(_)) => return Err(damaged(Damage::SealEncoding)),
            }
        }
    }
}

const NO_EVENTS: &str = "the frame it names for the event does not hold the events that it should";

fn lies(offset: u64, event: u64, reason: &str) -> ReadError {
    ReadError::Damaged { offset, event, damage: Damage::IndexMismatch { reason: reason.into() } }
}

/// The seal's position and content, if the file ends with one. Its size stands at its beginning, which is
/// therefore searched.
fn find_seal(input: &mut (impl Read + Seek)) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
    let failed = |offset| move |source| ReadError::Io { offset, source };
    let length = input.seek(SeekFrom::End(0)).map_err(failed(0))?;
    for size in [TAIL, MAX_SEAL_FRAME as u64] {
        let start = length.saturating_sub(size);
        let tail = read_from(input, start, length - start).map_err(failed(start))?;
        let is_seal = |at: &usize| {
            let candidate = &tail[*at..];
            candidate.starts_with(&MAGIC) && candidate.get(MAGIC.len()) == Some(&SEAL_DESCRIPTOR)
        };
        for at in (0..tail.len()).rev().filter(is_seal) {
            if let Ok(SealFrame::Whole(content)) = decode_seal(&tail[at..]) {
                return Ok(Some((start + at as u64, content)));
            }
        }
        if start == 0 {
            break;
        }
    }
    Ok(None)
}

fn read_from(input: &mut (impl Read + Seek), start: u64, length: u64) -> io::Result<Vec<u8>> {
    input.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    match input.take(length).read_to_end(&mut bytes)? as u64 {
        read if read == length => Ok(bytes),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}
