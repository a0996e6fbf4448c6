//! Owns the forger of takes: it writes any bytes as records and frames, and keeps hashes, links, indexes and
//! the seal right around them, so that only what a test asks for is wrong. The writer of the crate refuses to
//! write such files.

use std::io::Write;

use retake_chain::log::{
    COMPRESSION_LEVEL, FRAME_RAW_BYTES, FrameEntry, FrameRef, Seal, SealKind, SealedChain, WINDOW_LOG,
};
use retake_chain::{ChainEvent, EventHash, TheaterId, Value, to_canonical_vec};
use serde::Serialize;

/// A take in the making.
#[derive(Clone, Default)]
pub struct Forge {
    /// The file so far.
    pub bytes: Vec<u8>,
    /// Records of the open frame.
    open: Vec<u8>,
    /// Events before the open frame.
    first_event: u64,
    events: u64,
    chains: Vec<SealedChain>,
    /// Frames since the last index, that one included.
    frames: Vec<FrameEntry>,
    index: Option<FrameRef>,
}

impl Forge {
    /// A take with its header.
    pub fn new() -> Forge {
        let mut forge = Forge::default();
        forge.header(1, 0);
        forge
    }

    /// Writes the header of some version.
    pub fn header(&mut self, major: u16, minor: u16) -> &mut Forge {
        let version = Value::List(vec![major.into(), minor.into()]);
        self.record(&("retake", Value::record([("version", version)]))).end_frame()
    }

    /// Puts any bytes into the open frame.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Forge {
        self.open.extend_from_slice(bytes);
        self
    }

    /// Puts a record into the open frame.
    pub fn record(&mut self, record: &impl Serialize) -> &mut Forge {
        self.raw(&to_canonical_vec(record).expect("plain fields"))
    }

    /// Introduces the next chain.
    pub fn chain(&mut self, id: TheaterId) -> &mut Forge {
        let number = self.chains.len();
        self.adopt(id).record(&("chain", number, id))
    }

    /// Counts a chain that the caller introduces.
    pub fn adopt(&mut self, id: TheaterId) -> &mut Forge {
        self.chains.push(SealedChain { id, count: 0, head: None });
        self
    }

    /// Links an event to its chain and writes it.
    pub fn event(&mut self, chain: usize, event_type: &str, data: &[u8]) -> &mut Forge {
        let event = self.link(chain, event_type, data);
        self.event_as_it_is(chain, &event)
    }

    /// Writes an event with the hash and parent that it has.
    pub fn event_as_it_is(&mut self, chain: usize, event: &ChainEvent) -> &mut Forge {
        self.record(&event_record(chain, event)).count_event(chain, event)
    }

    /// Counts an event that the caller writes.
    pub fn count_event(&mut self, chain: usize, event: &ChainEvent) -> &mut Forge {
        self.events += 1;
        self.chains[chain].count += 1;
        self.chains[chain].head = Some(event.hash);
        self
    }

    /// Embeds a component in pieces of so many bytes, each in a frame.
    pub fn component(&mut self, component: &[u8], piece: usize) -> &mut Forge {
        for (number, bytes) in component.chunks(piece).enumerate() {
            self.piece(number * piece, component.len(), bytes).end_frame();
        }
        self
    }

    /// Puts a piece of a component into the open frame.
    pub fn piece(&mut self, offset: usize, total: usize, bytes: &[u8]) -> &mut Forge {
        self.record(&("actor", offset, total, Value::from(bytes.to_vec())))
    }

    /// Compresses the open frame.
    pub fn end_frame(&mut self) -> &mut Forge {
        self.end_frame_changed(|_| {})
    }

    /// Compresses the open frame, and changes what comes out. Indexes name the changed bytes.
    pub fn end_frame_changed(&mut self, change: impl FnOnce(&mut Vec<u8>)) -> &mut Forge {
        let mut frame = compressed(&self.take_open());
        change(&mut frame);
        self.frame(&frame)
    }

    /// Adds a frame of these bytes.
    pub fn frame(&mut self, frame: &[u8]) -> &mut Forge {
        let (offset, length) = (self.bytes.len() as u64, frame.len() as u64);
        let crc32c = crc32c::crc32c(frame);
        let frame_ref = FrameRef { offset, length, crc32c };
        self.frames.push(FrameEntry { frame: frame_ref, first_event: self.first_event });
        self.first_event = self.events;
        self.bytes.extend_from_slice(frame);
        self
    }

    /// Writes an index.
    pub fn index(&mut self) -> &mut Forge {
        self.index_changed(|_| {})
    }

    /// Writes an index of other frames than there are.
    pub fn index_changed(&mut self, change: impl FnOnce(&mut Vec<FrameEntry>)) -> &mut Forge {
        let mut frames = self.frames.clone();
        change(&mut frames);
        let body = self.index_body(&frames);
        self.record(&("index", body)).end_index()
    }

    /// What an index of these frames says.
    pub fn index_body(&self, frames: &[FrameEntry]) -> Value {
        let entry = |&FrameEntry { frame, first_event }: &FrameEntry| {
            let crc = u64::from(frame.crc32c);
            Value::List([frame.offset, frame.length, crc, first_event].map(Value::from).to_vec())
        };
        Value::record([
            ("frames", Value::List(frames.iter().map(entry).collect())),
            ("events", self.events.into()),
            ("previous", self.index.map_or(Value::None, |index| index.offset.into())),
        ])
    }

    /// Ends the open frame, which is an index.
    pub fn end_index(&mut self) -> &mut Forge {
        self.end_index_changed(|_| {})
    }

    /// The same, with another frame than that of its content.
    pub fn end_index_changed(&mut self, change: impl FnOnce(&mut Vec<u8>)) -> &mut Forge {
        self.end_frame_changed(change);
        self.frames.drain(..self.frames.len() - 1);
        self.index = Some(self.frames[0].frame);
        self
    }

    /// The event that would be the next of its chain.
    pub fn link(&self, chain: usize, event_type: &str, data: &[u8]) -> ChainEvent {
        ChainEvent::link(self.head(chain), event_type.into(), data.to_vec().into())
    }

    /// The hash of a chain's last event.
    pub fn head(&self, chain: usize) -> Option<EventHash> {
        self.chains[chain].head
    }

    /// Takes what the open frame holds.
    pub fn take_open(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.open)
    }

    /// Ends the open frame if nothing more may begin in it.
    pub fn end_full_frame(&mut self) -> &mut Forge {
        if self.open.len() as u64 >= FRAME_RAW_BYTES { self.end_frame() } else { self }
    }

    /// Frames since the last index, that one included.
    pub fn frames(&self) -> &[FrameEntry] {
        &self.frames
    }

    /// The seal that belongs here.
    pub fn seal_body(&self) -> Seal {
        let index = self.index.expect("an index comes before a seal");
        Seal { kind: SealKind::Complete, events: self.events, chains: self.chains.clone(), index }
    }

    /// The take, with an index where one is missing, and sealed.
    pub fn sealed(&mut self) -> Vec<u8> {
        self.sealed_changed(|_| {})
    }

    /// The take, sealed with another seal than belongs there.
    pub fn sealed_changed(&mut self, change: impl FnOnce(&mut Seal)) -> Vec<u8> {
        self.indexed();
        let mut seal = self.seal_body();
        change(&mut seal);
        let content = to_canonical_vec(&("seal", seal)).expect("plain fields");
        [&self.bytes[..], &seal_frame(&content)].concat()
    }

    /// Ends the open frame, and writes an index if the last frame is none.
    pub fn indexed(&mut self) -> &mut Forge {
        if !self.open.is_empty() {
            self.end_frame();
        }
        let is_last = self.frames.len() == 1 && self.index == self.frames.first().map(|entry| entry.frame);
        if is_last { self } else { self.index() }
    }
}

/// An event as a record.
pub fn event_record(chain: usize, event: &ChainEvent) -> impl Serialize {
    let data = Value::from(event.data.clone());
    ("event", chain, event.hash, event.parent_hash, event.event_type.to_string(), data)
}

/// Data in a zstd frame such as takes have.
pub fn compressed(content: &[u8]) -> Vec<u8> {
    compressed_with(content, COMPRESSION_LEVEL, true)
}

/// The same with other settings.
pub fn compressed_with(content: &[u8], level: i32, checksum: bool) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), level).expect("a compressor");
    let set = encoder.include_checksum(checksum).and_then(|()| encoder.window_log(WINDOW_LOG));
    set.expect("settings of every version");
    encoder.write_all(content).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

/// The frame of a seal in its one encoding.
pub fn seal_frame(content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u64).to_le_bytes();
    let mut frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0xe4][..], &size].concat();
    let blocks = content.len().div_ceil(1 << 17);
    for (number, block) in (1..).zip(content.chunks(1 << 17)) {
        let head = (block.len() as u32) << 3 | u32::from(number == blocks);
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    // Whatever a frame's encoding is, its checksum is over the content.
    let other = compressed(content);
    frame.extend_from_slice(&other[other.len() - 4..]);
    frame
}
