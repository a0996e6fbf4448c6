//! Owns the order of records in a `.take`: header, embedded component, chains and events, indexes, seal.
//! Compression and storage are `sink.rs`'s; who calls flush and sync, and when, is the recorder's.

use std::mem;

use crate::codec::encoding::to_canonical_vec;
use crate::codec::pack;
use crate::model::event::ChainEvent;
use crate::model::hash::EventHash;
use crate::model::ids::TheaterId;

use super::error::WriteError;
use super::event_records::{EventRecords, Run, encode};
use super::format::{
    ACTOR_CHUNK, ChainNumber, FRAME_RAW_BYTES, FrameEntry, FrameRef, Header, IndexBody, MAX_ACTOR,
    MAX_CHAINS, MAX_FRAMES_PER_INDEX, Seal, SealKind, SealedChain, TAG_ACTOR, TAG_CHAIN, TAG_HEADER,
    TAG_INDEX, TAG_SEAL,
};
use super::frame::encode_seal;
use super::parse::parse_record;
use super::sink::{FrameSink, Storage};
use crate::model::limits::{MAX_EVENT, MAX_EVENT_TYPE};
use crate::model::version::FORMAT_VERSION;

/// Writes one `.take`. Its memory does not grow with the take; only each chain costs a few dozen bytes.
///
/// A writer that is dropped without [`LogWriter::seal`] leaves a take that is unsealed, and lacks what came
/// after the last flush.
pub struct LogWriter<S> {
    sink: FrameSink<S>,
    chains: Vec<SealedChain>,
    events: u64,
    raw_bytes: u64,
    /// Events before the open frame.
    frame_first_event: u64,
    /// Frames since the last index, that one included.
    frames: Vec<FrameEntry>,
    last_index: Option<FrameRef>,
    /// Where in the embedded component the next piece belongs, and the component's size.
    actor: Option<(u64, u64)>,
    scratch: Vec<u8>,
}

/// What a sealed take holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealSummary {
    /// Events of all chains.
    pub events: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes before compression, the indexes and the seal left out.
    pub raw_bytes: u64,
    /// The chains by number, with their counts and heads.
    pub chains: Vec<SealedChain>,
}

impl<S: Storage> LogWriter<S> {
    /// Begins a take: writes its header to the storage.
    ///
    /// # Errors
    /// [`WriteError::Io`] if the storage fails.
    pub fn create(storage: S) -> Result<Self, WriteError> {
        let mut writer = Self {
            sink: FrameSink::new(storage)?,
            chains: Vec::new(),
            events: 0,
            raw_bytes: 0,
            frame_first_event: 0,
            frames: Vec::with_capacity(MAX_FRAMES_PER_INDEX),
            last_index: None,
            actor: None,
            scratch: Vec::new(),
        };
        writer.write_lone(TAG_HEADER, &Header { version: FORMAT_VERSION })?;
        writer.sink.flush()?;
        Ok(writer)
    }

    /// The same writer, whatever its storage is.
    pub fn boxed<'s>(self) -> LogWriter<Box<dyn Storage + Send + 's>>
    where
        S: Send + 's,
    {
        let LogWriter {
            sink,
            chains,
            events,
            raw_bytes,
            frame_first_event,
            frames,
            last_index,
            actor,
            scratch,
        } = self;
        let sink = sink.boxed();
        LogWriter { sink, chains, events, raw_bytes, frame_first_event, frames, last_index, actor, scratch }
    }

    /// Embeds the component, so that the take replays anywhere.
    ///
    /// # Errors
    /// [`WriteError::ActorTooLate`] after the first chain or another component, [`WriteError::ActorSize`], or
    /// a failed write.
    pub fn embed_actor(&mut self, component: &[u8]) -> Result<(), WriteError> {
        if self.actor.is_some() {
            return Err(WriteError::ActorTooLate);
        }
        let total = component.len() as u64;
        // An empty one has no piece that could be refused.
        check_actor_size(total)?;
        for (i, chunk) in component.chunks(ACTOR_CHUNK).enumerate() {
            self.embed_piece((i * ACTOR_CHUNK) as u64, total, chunk)?;
        }
        Ok(())
    }

    /// Embeds the next piece of a component of `total` bytes, as a reader hands pieces out.
    ///
    /// # Errors
    /// [`WriteError::ActorTooLate`] after the first chain, [`WriteError::ActorSize`],
    /// [`WriteError::ActorPiece`] if it does not continue the piece before it or is too long, or a failed
    /// write.
    pub fn embed_piece(&mut self, offset: u64, total: u64, piece: &[u8]) -> Result<(), WriteError> {
        if !self.chains.is_empty() {
            return Err(WriteError::ActorTooLate);
        }
        check_actor_size(total)?;
        let (expected, whole) = self.actor.unwrap_or((0, total));
        let (len, next) = (piece.len(), offset.saturating_add(piece.len() as u64));
        if offset != expected || total != whole || !(1..=ACTOR_CHUNK).contains(&len) || next > total {
            return Err(WriteError::ActorPiece { offset, len, expected, total: whole });
        }
        self.begin_record(TAG_ACTOR, 4);
        pack::unsigned(&mut self.scratch, offset);
        pack::unsigned(&mut self.scratch, total);
        pack::binary_header(&mut self.scratch, len);
        self.write_record(piece)?;
        self.actor = Some((next, total));
        self.end_frame()
    }

    /// Introduces the next chain.
    ///
    /// # Errors
    /// [`WriteError::TooManyChains`], [`WriteError::ActorNotWhole`], or a failed write.
    pub fn add_chain(&mut self, id: TheaterId) -> Result<ChainNumber, WriteError> {
        self.actor_is_whole()?;
        if self.chains.len() >= MAX_CHAINS {
            return Err(WriteError::TooManyChains);
        }
        let number = ChainNumber(self.chains.len() as u32);
        self.begin_record(TAG_CHAIN, 3);
        pack::unsigned(&mut self.scratch, number.0.into());
        pack::string(&mut self.scratch, &id.to_string());
        self.write_record(&[])?;
        self.chains.push(SealedChain { id, count: 0, head: None });
        self.close_full_frame()?;
        Ok(number)
    }

    /// Writes the next event of a chain. The hash is taken as it is.
    ///
    /// # Errors
    /// [`WriteError::BrokenChain`] if the event does not name the chain's head as its parent; an unknown
    /// chain; a limit; or a failed write.
    pub fn append(&mut self, chain: ChainNumber, event: &ChainEvent) -> Result<(), WriteError> {
        self.scratch.clear();
        encode(&mut self.scratch, chain, event.into());
        let record = mem::take(&mut self.scratch);
        let written = self.append_run(&Run::of(chain, event.into(), 0), &record);
        self.scratch = record;
        written
    }

    /// Writes events that are encoded already.
    ///
    /// # Errors
    /// As [`LogWriter::append`], for the first that cannot be written. Those before it are written.
    pub fn append_all(&mut self, records: &EventRecords) -> Result<(), WriteError> {
        records.iter().try_for_each(|(run, bytes)| self.append_run(run, bytes))
    }

    /// Writes the records of a run, if it may come next in its chain.
    fn append_run(&mut self, run: &Run, bytes: &[u8]) -> Result<(), WriteError> {
        let Run { chain, events, parent_hash, hash, event_type, data, .. } = *run;
        let known = self.chains.get(chain.0 as usize).ok_or(WriteError::UnknownChain { chain })?;
        let (index, known_head) = (known.count, known.head);
        if parent_hash != known_head {
            return Err(WriteError::BrokenChain { chain, index, head: known_head, found: parent_hash });
        }
        if data > MAX_EVENT {
            return Err(WriteError::EventTooLarge { chain, index, len: data });
        }
        if event_type > MAX_EVENT_TYPE {
            return Err(WriteError::TypeTooLong { chain, index, len: event_type });
        }
        self.write_events(bytes, events)?;
        let known = &mut self.chains[chain.0 as usize];
        known.count += events;
        known.head = Some(hash);
        Ok(())
    }

    /// Writes the records of `events` events, and ends the frame after the event that fills it.
    fn write_events(&mut self, mut bytes: &[u8], mut events: u64) -> Result<(), WriteError> {
        while events > 0 {
            let filled = self.sink.open_raw().unwrap_or(0) + bytes.len() as u64;
            let (len, count) = match events {
                2.. if filled >= FRAME_RAW_BYTES => (record_len(bytes), 1),
                _ => (bytes.len(), events),
            };
            self.write(&bytes[..len])?;
            self.events += count;
            self.close_full_frame()?;
            (bytes, events) = (&bytes[len..], events - count);
        }
        Ok(())
    }

    /// Gives everything so far to the storage. It can then be read, even if the frame is still open.
    ///
    /// # Errors
    /// A failed write.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.sink.flush()
    }

    /// As [`LogWriter::flush`], and makes it survive a loss of power.
    ///
    /// # Errors
    /// A failed write.
    pub fn sync(&mut self) -> Result<(), WriteError> {
        self.sink.sync()
    }

    /// Ends the open frame, for a recorder that does not want one to stay open for long.
    ///
    /// # Errors
    /// A failed write.
    pub fn end_frame(&mut self) -> Result<(), WriteError> {
        if let Some(frame) = self.sink.end_frame()? {
            self.frames.push(FrameEntry { frame, first_event: self.frame_first_event });
            self.frame_first_event = self.events;
            if self.frames.len() >= MAX_FRAMES_PER_INDEX {
                self.write_index()?;
            }
        }
        Ok(())
    }

    /// Seals the take as complete, and syncs it.
    ///
    /// # Errors
    /// A failed write.
    pub fn seal(self) -> Result<(S, SealSummary), WriteError> {
        self.seal_as(SealKind::Complete)
    }

    /// Seals the take as what it is, and syncs it.
    ///
    /// # Errors
    /// [`WriteError::ActorNotWhole`], or a failed write.
    pub fn seal_as(mut self, kind: SealKind) -> Result<(S, SealSummary), WriteError> {
        self.actor_is_whole()?;
        self.end_frame()?;
        let index = match self.last_index {
            Some(index) if self.frames.len() == 1 => index,
            _ => self.write_index()?,
        };
        let seal = Seal { kind, events: self.events, chains: self.chains, index };
        let content = to_canonical_vec(&(TAG_SEAL, &seal)).expect("a seal has plain fields only");
        self.sink.write_encoded(&encode_seal(&content))?;
        let (events, bytes, raw_bytes) = (self.events, self.sink.length(), self.raw_bytes);
        let storage = self.sink.close()?;
        Ok((storage, SealSummary { events, bytes, raw_bytes, chains: seal.chains }))
    }

    /// Events written so far, over all chains.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Compressed bytes so far, as far as the compressor has let go of them.
    pub fn bytes(&self) -> u64 {
        self.sink.length()
    }

    /// Bytes written so far, before compression.
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// Hash of a chain's last event.
    pub fn head(&self, chain: ChainNumber) -> Option<EventHash> {
        self.chains.get(chain.0 as usize)?.head
    }

    fn actor_is_whole(&self) -> Result<(), WriteError> {
        match self.actor {
            Some((seen, total)) if seen < total => Err(WriteError::ActorNotWhole { seen, total }),
            _ => Ok(()),
        }
    }

    fn begin_record(&mut self, tag: &str, fields: usize) {
        self.scratch.clear();
        pack::array_header(&mut self.scratch, fields);
        pack::string(&mut self.scratch, tag);
    }

    /// Writes the record in the scratch, with `tail` as the content of its last field.
    fn write_record(&mut self, tail: &[u8]) -> Result<(), WriteError> {
        let head = mem::take(&mut self.scratch);
        let written = self.write(&head).and_then(|()| self.write(tail));
        self.scratch = head;
        written
    }

    /// Writes records, or a part of one.
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.raw_bytes += bytes.len() as u64;
        if bytes.is_empty() { Ok(()) } else { self.sink.write(bytes) }
    }

    fn close_full_frame(&mut self) -> Result<(), WriteError> {
        match self.sink.open_raw() {
            Some(raw) if raw >= FRAME_RAW_BYTES => self.end_frame(),
            _ => Ok(()),
        }
    }

    /// Writes a record that is alone in its frame, and that the next index names.
    fn write_lone<T: serde::Serialize>(&mut self, tag: &str, body: &T) -> Result<FrameRef, WriteError> {
        let bytes = to_canonical_vec(&(tag, body)).expect("headers and indexes have plain fields only");
        self.sink.write(&bytes)?;
        let frame = self.sink.end_frame()?.expect("the frame was begun two lines above");
        self.frames.push(FrameEntry { frame, first_event: self.events });
        self.frame_first_event = self.events;
        Ok(frame)
    }

    fn write_index(&mut self) -> Result<FrameRef, WriteError> {
        let frames = mem::replace(&mut self.frames, Vec::with_capacity(MAX_FRAMES_PER_INDEX));
        let body =
            IndexBody { frames, events: self.events, previous: self.last_index.map(|index| index.offset) };
        let index = self.write_lone(TAG_INDEX, &body)?;
        self.last_index = Some(index);
        Ok(index)
    }
}

/// How many bytes the first of the encoded records has.
fn record_len(records: &[u8]) -> usize {
    parse_record(records).map_or(records.len(), |(_, len)| len)
}

fn check_actor_size(total: u64) -> Result<(), WriteError> {
    if (1..=MAX_ACTOR).contains(&total) { Ok(()) } else { Err(WriteError::ActorSize { len: total }) }
}
