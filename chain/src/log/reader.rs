//! Owns the reading of a `.take`, record by record, in constant memory, and the telling apart of its states.
//! Frames are `source.rs`'s, single records `parse.rs`'s; hashes, links, counts and heads are the verifier's.

use std::io::Read;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::file_kind::FileKind;
use crate::model::event::ChainEvent;
use crate::model::hash::EventHash;
use crate::model::ids::TheaterId;

use super::blocks::{check_index, decode_header, decode_seal_body};
use super::error::{Damage, ReadError};
use super::format::{
    ChainNumber, FRAME_RAW_BYTES, FrameEntry, FrameRef, MAX_CHAINS, MAX_FRAMES_PER_INDEX, MAX_HEADER,
    MAX_INDEX, Record, Seal, TAG_HEADER, TAG_INDEX, TAG_SEAL, TakeState,
};
use super::parse::{NoRecord, ParsedRecord, parse_record};
use super::source::{FrameSource, STEP, SourceError, SourceStep, UnsealedEnd};
use crate::model::version::FormatVersion;

/// Reads one `.take` from its first byte to its last. One event is the unit of memory.
pub struct LogReader<R> {
    source: FrameSource<R>,
    /// Decompressed bytes of the open frame; what is before `pos` is done with. The data of events are slices
    /// of it.
    buffer: Bytes,
    pos: usize,
    frame: FrameContent,
    /// Decompressed bytes of the open frame that were taken out of the buffer.
    frame_taken: u64,
    version: Option<FormatVersion>,
    chains: u32,
    events: u64,
    /// Where in the embedded component the next piece belongs, and the component's size.
    actor: Option<(u64, u64)>,
    /// Events before the open frame.
    frame_first_event: u64,
    /// Frames since the last index, that one included.
    frames: Vec<FrameEntry>,
    last_index: Option<FrameRef>,
    progress: LogReaderState,
    seal: Option<Seal>,
}

/// What the open frame holds, since its first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrameContent {
    Nothing,
    Chains,
    ActorPiece,
    Lone(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogReaderState {
    Reading,
    Ended(TakeState),
    Failed,
}

impl<R: Read> LogReader<R> {
    /// Begins to read: checks what kind of file it is, and the version of its format.
    ///
    /// A file that ends within its header is torn at 0: this succeeds, and there are no records.
    ///
    /// # Errors
    /// [`ReadError::Empty`], [`ReadError::NotATake`], [`ReadError::Version`], damage or a failing input.
    pub fn open(input: R) -> Result<Self, ReadError> {
        let source =
            FrameSource::new(input).map_err(|damage| ReadError::Damaged { offset: 0, event: 0, damage })?;
        let mut reader = Self {
            source,
            buffer: Bytes::new(),
            pos: 0,
            frame: FrameContent::Nothing,
            frame_taken: 0,
            version: None,
            chains: 0,
            events: 0,
            actor: None,
            frame_first_event: 0,
            frames: Vec::with_capacity(MAX_FRAMES_PER_INDEX),
            last_index: None,
            progress: LogReaderState::Reading,
            seal: None,
        };
        if reader.source.is_empty().map_err(|fault| reader.source_error(fault))? {
            return Err(ReadError::Empty);
        }
        let kind = FileKind::of(reader.source.head());
        while reader.version.is_none() && reader.progress == LogReaderState::Reading {
            reader.advance().map_err(|error| not_a_take(kind, error))?;
        }
        Ok(reader)
    }

    /// The next record, or `None` at the end, of which [`LogReader::state`] then speaks.
    ///
    /// # Errors
    /// What is wrong with the file, with the position. After an error there is nothing more to read.
    pub fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            match self.progress {
                LogReaderState::Reading => {}
                LogReaderState::Ended(_) => return Ok(None),
                LogReaderState::Failed => return Err(ReadError::Failed),
            }
            let found = self.advance().inspect_err(|_| self.progress = LogReaderState::Failed)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// How the take ends. [`TakeState::Unsealed`] until the end is reached, for no seal has been seen yet.
    pub fn state(&self) -> TakeState {
        match self.progress {
            LogReaderState::Ended(state) => state,
            LogReaderState::Reading | LogReaderState::Failed => TakeState::Unsealed,
        }
    }

    /// The seal, once the end of a sealed take is reached.
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    /// The take's version; `None` if the file ends within its header.
    pub fn version(&self) -> Option<FormatVersion> {
        self.version
    }

    /// Compressed bytes consumed so far.
    pub fn bytes(&self) -> u64 {
        self.source.offset()
    }

    /// Events handed out so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// One step. What is wrong with bytes that only the zeros at the end of the file complete is a tear, and
    /// no damage.
    fn advance(&mut self) -> Result<Option<Record>, ReadError> {
        match self.step() {
            Err(ReadError::Damaged { .. }) if self.source.in_doubt() => {
                self.end_unsealed(UnsealedEnd::InsideFrame { frame_offset: self.source.frame_offset() });
                Ok(None)
            }
            done => done,
        }
    }

    /// A record out of the buffer, or more bytes into it.
    fn step(&mut self) -> Result<Option<Record>, ReadError> {
        if !matches!(self.frame, FrameContent::Lone(_)) && self.pos < self.buffer.len() {
            if self.frame_taken + self.pos as u64 >= FRAME_RAW_BYTES {
                return Err(self.damaged(Damage::LongFrame));
            }
            match parse_record(&self.buffer[self.pos..]) {
                Ok((ParsedRecord::Event { chain, hash, parent, event_type, data }, len)) => {
                    let event_type = Arc::from(event_type);
                    let data = self.pos + data.start..self.pos + data.end;
                    return self.take_event(chain, hash, parent, event_type, data, len).map(Some);
                }
                Ok((ParsedRecord::Chain { number, id }, len)) => {
                    return self.take_chain(number, id, len).map(Some);
                }
                Ok((ParsedRecord::Actor { offset, total, bytes }, len)) => {
                    let bytes = self.buffer.slice_ref(bytes);
                    return self.take_actor(offset, total, bytes, len).map(Some);
                }
                Ok((ParsedRecord::Lone(tag), _)) => self.begin_lone(tag)?,
                Err(NoRecord::Need) => {}
                Err(NoRecord::Bad(damage)) => return Err(self.damaged(damage)),
            }
        }
        let mut buffer = self.take_rest();
        let step = self.source.step(&mut buffer);
        self.buffer = buffer.into();
        match step.map_err(|fault| self.source_error(fault))? {
            SourceStep::Data => self.check_lone_size()?,
            SourceStep::FrameEnd(frame) => self.end_frame(frame)?,
            SourceStep::Seal { offset, content } => self.end_sealed(offset, &content)?,
            SourceStep::End(end) => self.end_unsealed(end),
        }
        Ok(None)
    }

    /// The start of a record that is not whole, to be continued. What is before it is left to the events that
    /// hold it.
    fn take_rest(&mut self) -> Vec<u8> {
        let buffer = mem::take(&mut self.buffer);
        let position = mem::take(&mut self.pos);
        self.frame_taken += position as u64;
        if position == 0 {
            // Nothing was taken out of it, so nobody shares it, and nothing is copied, however long the
            // record is.
            return buffer.into();
        }
        let rest = &buffer[position..];
        let mut copy = Vec::with_capacity(rest.len() + STEP);
        copy.extend_from_slice(rest);
        copy
    }

    fn take_event(
        &mut self,
        chain: u64,
        hash: EventHash,
        parent_hash: Option<EventHash>,
        event_type: Arc<str>,
        data: Range<usize>,
        len: usize,
    ) -> Result<Record, ReadError> {
        self.enter(FrameContent::Chains, "event")?;
        if chain >= u64::from(self.chains) {
            return Err(self.damaged(Damage::UnknownChain { chain }));
        }
        self.pos += len;
        let data = self.buffer.slice(data);
        let event = ChainEvent { hash, parent_hash, event_type, data };
        if self.source.in_doubt() && event.recompute_hash() != hash {
            return Err(self.damaged(Damage::Checksum));
        }
        let number = self.events;
        self.events += 1;
        Ok(Record::Event {
            number,
            chain: ChainNumber(chain as u32),
            event,
            offset: self.source.frame_offset(),
        })
    }

    fn take_chain(&mut self, number: u64, id: TheaterId, len: usize) -> Result<Record, ReadError> {
        self.enter(FrameContent::Chains, "chain")?;
        if self.chains as usize >= MAX_CHAINS {
            return Err(self.damaged(Damage::TooManyChains));
        }
        if number != u64::from(self.chains) {
            return Err(self.damaged(Damage::ChainOutOfTurn { expected: self.chains, found: number }));
        }
        self.check_actor_is_whole().map_err(|damage| self.damaged(damage))?;
        self.chains += 1;
        self.pos += len;
        Ok(Record::Chain { number: ChainNumber(number as u32), id })
    }

    fn take_actor(&mut self, offset: u64, total: u64, bytes: Bytes, len: usize) -> Result<Record, ReadError> {
        self.enter(FrameContent::ActorPiece, "actor")?;
        if self.source.in_doubt() {
            return Err(self.damaged(Damage::Checksum));
        }
        let (expected, whole) = self.actor.unwrap_or((0, total));
        let next = offset.saturating_add(bytes.len() as u64);
        if self.chains > 0 {
            return Err(self.damaged(Damage::Misplaced { record: "actor", place: "comes after a chain" }));
        }
        if offset != expected || total != whole || bytes.is_empty() || next > total {
            return Err(self.damaged(Damage::ActorPiece { offset, total }));
        }
        self.actor = Some((next, total));
        self.pos += len;
        Ok(Record::Actor { offset, total, bytes })
    }

    fn check_actor_is_whole(&self) -> Result<(), Damage> {
        match self.actor {
            Some((seen, total)) if seen < total => Err(Damage::ActorCut { seen, total }),
            _ => Ok(()),
        }
    }

    /// Events and chains share frames; every other record is alone in its own.
    fn enter(&mut self, content: FrameContent, record: &'static str) -> Result<(), ReadError> {
        let fits =
            self.frame == FrameContent::Nothing || (self.frame == content && content == FrameContent::Chains);
        if self.version.is_none() {
            return Err(self.damaged(Damage::Misplaced { record, place: "comes before the header" }));
        }
        if !fits {
            return Err(
                self.damaged(Damage::Misplaced { record, place: "shares a frame that it may not share" })
            );
        }
        self.frame = content;
        Ok(())
    }

    fn begin_lone(&mut self, tag: &'static str) -> Result<(), ReadError> {
        let place = match tag {
            _ if self.frame != FrameContent::Nothing => "shares a frame that it may not share",
            TAG_HEADER if self.version.is_some() => "comes a second time",
            TAG_INDEX if self.version.is_none() => "comes before the header",
            TAG_SEAL => "is not in the one encoding of a seal's frame",
            _ => {
                self.frame = FrameContent::Lone(tag);
                return self.check_lone_size();
            }
        };
        Err(self.damaged(Damage::Misplaced { record: tag, place }))
    }

    fn check_lone_size(&self) -> Result<(), ReadError> {
        let (what, limit) = match self.frame {
            FrameContent::Lone(TAG_HEADER) => ("a header", MAX_HEADER),
            FrameContent::Lone(_) => ("an index", MAX_INDEX),
            _ => return Ok(()),
        };
        let len = self.buffer.len() - self.pos;
        if len > limit {
            return Err(self.damaged(Damage::TooLarge { what, len: len as u64, limit: limit as u64 }));
        }
        Ok(())
    }

    fn end_frame(&mut self, frame: FrameRef) -> Result<(), ReadError> {
        let here = |reader: &Self, damage| reader.damaged_at(frame.offset, damage);
        let content = mem::replace(&mut self.frame, FrameContent::Nothing);
        match content {
            FrameContent::Lone(TAG_HEADER) => {
                self.version = Some(decode_header(self.rest()).map_err(|damage| here(self, damage))??);
            }
            FrameContent::Lone(_) => {
                check_index(self.rest(), &self.frames, self.events, self.last_index)
                    .map_err(|damage| here(self, damage))?;
                self.frames.clear();
                self.last_index = Some(frame);
            }
            _ if self.pos < self.buffer.len() => return Err(here(self, Damage::CrossesFrame)),
            FrameContent::Nothing => return Err(here(self, Damage::EmptyFrame)),
            FrameContent::Chains | FrameContent::ActorPiece => {}
        }
        self.buffer.clear();
        (self.pos, self.frame_taken) = (0, 0);
        if self.frames.len() >= MAX_FRAMES_PER_INDEX {
            return Err(here(self, Damage::MissingIndex));
        }
        self.frames.push(FrameEntry { frame, first_event: self.frame_first_event });
        self.frame_first_event = self.events;
        Ok(())
    }

    /// What is read and not yet taken apart.
    fn rest(&self) -> &[u8] {
        &self.buffer[self.pos..]
    }

    fn end_sealed(&mut self, offset: u64, content: &[u8]) -> Result<(), ReadError> {
        let seal = self
            .check_actor_is_whole()
            .and_then(|()| decode_seal_body(content, self.last_index, &self.frames))
            .map_err(|damage| self.damaged_at(offset, damage))?;
        self.seal = Some(seal);
        self.progress = LogReaderState::Ended(TakeState::Sealed);
        Ok(())
    }

    fn end_unsealed(&mut self, end: UnsealedEnd) {
        let whole = self.pos == self.buffer.len() && !matches!(self.frame, FrameContent::Lone(_));
        self.progress = LogReaderState::Ended(match end {
            UnsealedEnd::BetweenFrames => TakeState::Unsealed,
            UnsealedEnd::AfterBlock { .. } if whole => TakeState::Unsealed,
            UnsealedEnd::AfterBlock { frame_offset } | UnsealedEnd::InsideFrame { frame_offset } => {
                TakeState::Torn { offset: frame_offset }
            }
        });
    }

    fn damaged(&self, damage: Damage) -> ReadError {
        self.damaged_at(self.source.frame_offset(), damage)
    }

    fn damaged_at(&self, offset: u64, damage: Damage) -> ReadError {
        ReadError::Damaged { offset, event: self.events, damage }
    }

    fn source_error(&self, fault: SourceError) -> ReadError {
        match fault {
            SourceError::Io(source) => ReadError::Io { offset: self.source.offset(), source },
            SourceError::Damage(damage) => self.damaged(damage),
            SourceError::Trailing(offset) => ReadError::TrailingBytes { offset },
        }
    }
}

/// In the first frame, a fault that no damaged byte explains better means another kind of file.
fn not_a_take(kind: FileKind, error: ReadError) -> ReadError {
    match error {
        ReadError::Damaged {
            damage:
                damage @ (Damage::NoFrame
                | Damage::FrameSettings { .. }
                | Damage::Syntax { .. }
                | Damage::NotCanonical
                | Damage::UnknownRecord { .. }
                | Damage::TooLarge { .. }
                | Damage::Misplaced { .. }
                | Damage::EmptyFrame
                | Damage::CrossesFrame),
            ..
        } => ReadError::NotATake { kind, damage },
        other => other,
    }
}
