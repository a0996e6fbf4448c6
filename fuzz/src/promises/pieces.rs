//! Owns the packing of a take out of pieces. Frames, checksums, hashes, links, indexes and seals are made
//! right whatever the pieces say, so that a fuzzer gets behind them. The packing follows docs/format.md, not
//! the writer.
//!
//! Pieces are divided by the bytes `c1 ff`, of which MessagePack never uses the first. The first byte of a
//! piece says what it is:
//!
//! | piece | then | makes |
//! |---|---|---|
//! | `a` | bytes | a piece of the embedded component |
//! | `c` | an id of 16 bytes | a chain |
//! | `e` | a chain's number, a type, a zero byte, data | an event, linked to the one before it in its chain |
//! | `l` | a chain's number, a length of three bytes | an event with an argument so long |
//! | `r` | bytes | these bytes in the open frame |
//! | `f` | | the end of the frame |
//! | `i` | | an index |
//! | `s`, `p` | | a seal, complete or repaired |
//! | `S` | bytes | the frame of a seal with these bytes in it |
//! | `x` | bytes | these bytes, uncompressed |
//! | `t` | a length of two bytes | a file that lacks so many bytes at its end |

use std::sync::Arc;

use retake_chain::log::{FORMAT_VERSION, FrameEntry, FrameRef, SealedChain};
use retake_chain::{
    ChainEvent, ChainEventData, Seal, SealKind, TheaterId, Value, WasmEventData, to_canonical_vec,
};
use serde::Serialize;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::take::read_log;

/// What stands between two pieces.
pub const DIVIDER: [u8; 2] = [0xc1, 0xff];

/// Bytes that the long events of one take may have together.
const LONG_EVENTS: usize = 4 << 20;

/// Packs these pieces into a take and reads it. Accepted is what is sealed and intact.
pub fn read_records(pieces: &[u8]) -> bool {
    read_log(&pack(pieces))
}

/// The take that the pieces make.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    let pieces = divide(bytes);
    let component = pieces.iter().filter(|piece| piece.starts_with(b"a")).map(|piece| piece.len() - 1).sum();
    let mut packer = Packer::new(component);
    for piece in pieces {
        packer.piece(piece);
    }
    packer.end_frame();
    let length = packer.file.len() - packer.cut.min(packer.file.len());
    packer.file.truncate(length);
    packer.file
}

fn divide(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some(end) = bytes.windows(DIVIDER.len()).position(|window| window == DIVIDER) {
        pieces.push(&bytes[..end]);
        bytes = &bytes[end + DIVIDER.len()..];
    }
    pieces.push(bytes);
    pieces
}

#[derive(Serialize)]
struct Header {
    version: (u16, u16),
}

#[derive(Serialize)]
struct Index {
    frames: Vec<FrameEntry>,
    events: u64,
    previous: Option<u64>,
}

struct Packer {
    file: Vec<u8>,
    compressor: Compressor<'static>,
    /// The open frame before compression; without a byte there is none.
    open: Vec<u8>,
    chains: Vec<SealedChain>,
    events: u64,
    /// Events before the open frame.
    first_event: u64,
    frames: Vec<FrameEntry>,
    last_index: Option<FrameRef>,
    /// Bytes of the embedded component so far, and of all of it.
    component: (usize, usize),
    room: usize,
    cut: usize,
}

impl Packer {
    fn new(component: usize) -> Packer {
        let mut compressor = Compressor::new(1).expect("zstd has memory");
        compressor.set_parameter(CParameter::ChecksumFlag(true)).expect("zstd knows checksums");
        let mut packer = Packer {
            file: Vec::new(),
            compressor,
            open: Vec::new(),
            chains: Vec::new(),
            events: 0,
            first_event: 0,
            frames: Vec::new(),
            last_index: None,
            component: (0, component),
            room: LONG_EVENTS,
            cut: 0,
        };
        packer.lone("retake", &Header { version: FORMAT_VERSION.into() });
        packer
    }

    fn piece(&mut self, piece: &[u8]) {
        let Some((kind, rest)) = piece.split_first() else { return };
        match kind {
            b'a' => self.actor(rest),
            b'c' => self.chain(rest),
            b'e' => self.event(rest),
            b'l' => self.long_event(rest),
            b'r' => self.open.extend_from_slice(rest),
            b'f' => self.end_frame(),
            b'i' => drop(self.index()),
            b's' => self.seal(SealKind::Complete),
            b'p' => self.seal(SealKind::Repaired {
                reason: "torn".into(),
                cut_events: 1,
                original_bytes: self.file.len() as u64,
            }),
            b'S' => self.seal_frame(rest),
            b'x' => {
                self.end_frame();
                self.file.extend_from_slice(rest);
            }
            b't' => self.cut = number(rest, 2),
            _ => {}
        }
    }

    fn actor(&mut self, bytes: &[u8]) {
        self.end_frame();
        let (offset, total) = self.component;
        self.component.0 += bytes.len();
        self.record([
            Value::from("actor"),
            Value::from(offset as u64),
            Value::from(total as u64),
            Value::from(bytes.to_vec()),
        ]);
        self.end_frame();
    }

    fn chain(&mut self, id: &[u8]) {
        let digits: String = (0..16).map(|at| format!("{:02x}", id.get(at).unwrap_or(&0))).collect();
        let id = TheaterId::parse(&digits).expect("32 digits are an id");
        self.record([
            Value::from("chain"),
            Value::from(self.chains.len() as u64),
            Value::from(id.to_string()),
        ]);
        self.chains.push(SealedChain { id, count: 0, head: None });
    }

    fn event(&mut self, rest: &[u8]) {
        let Some((chain, rest)) = rest.split_first() else { return };
        let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        let data = rest.get(end + 1..).unwrap_or_default();
        self.link(*chain, Arc::from(String::from_utf8_lossy(&rest[..end])), data.to_vec());
    }

    fn long_event(&mut self, rest: &[u8]) {
        let Some((chain, rest)) = rest.split_first() else { return };
        let length = number(rest, 3).min(self.room);
        self.room -= length;
        let params = vec![Value::from(vec![7; length])];
        let call = ChainEventData::wasm(WasmEventData::WasmCall { function_name: "run".into(), params });
        self.link(*chain, call.event_type.clone(), call.data.encode().to_vec());
    }

    fn link(&mut self, chain: u8, event_type: Arc<str>, data: Vec<u8>) {
        let known = self.chains.get_mut(usize::from(chain));
        let parent = known.as_ref().and_then(|known| known.head);
        let event = ChainEvent::link(parent, event_type, data.into());
        if let Some(known) = known {
            (known.count, known.head) = (known.count + 1, Some(event.hash));
        }
        self.events += 1;
        self.record([
            Value::from("event"),
            Value::from(chain),
            Value::from(event.hash.as_bytes().to_vec()),
            parent.map_or(Value::None, |parent| Value::from(parent.as_bytes().to_vec())),
            Value::from(&*event.event_type),
            Value::Bytes(event.data),
        ]);
    }

    fn record<const FIELDS: usize>(&mut self, fields: [Value; FIELDS]) {
        let record = to_canonical_vec(&Value::List(fields.into())).expect("a record is flat");
        self.open.extend(record);
    }

    fn end_frame(&mut self) {
        if !self.open.is_empty() {
            self.frame();
        }
    }

    fn frame(&mut self) -> FrameRef {
        let bytes = self.compressor.compress(&self.open).expect("there is room for all of it");
        let frame = FrameRef {
            offset: self.file.len() as u64,
            length: bytes.len() as u64,
            crc32c: crc32c::crc32c(&bytes),
        };
        self.file.extend(bytes);
        self.open.clear();
        self.frames.push(FrameEntry { frame, first_event: self.first_event });
        self.first_event = self.events;
        frame
    }

    fn lone(&mut self, tag: &str, body: &impl Serialize) -> FrameRef {
        self.end_frame();
        self.open = to_canonical_vec(&(tag, body)).expect("it is flat");
        self.frame()
    }

    fn index(&mut self) -> FrameRef {
        self.end_frame();
        let frames = std::mem::take(&mut self.frames);
        let previous = self.last_index.map(|index| index.offset);
        let index = self.lone("index", &Index { frames, events: self.events, previous });
        self.last_index = Some(index);
        index
    }

    fn seal(&mut self, kind: SealKind) {
        self.end_frame();
        let index = match self.last_index {
            Some(index) if self.frames.len() == 1 => index,
            _ => self.index(),
        };
        let seal = Seal { kind, events: self.events, chains: self.chains.clone(), index };
        let content = to_canonical_vec(&("seal", seal)).expect("it is flat");
        self.seal_frame(&content);
    }

    fn seal_frame(&mut self, content: &[u8]) {
        self.end_frame();
        self.file.extend(b"\x28\xb5\x2f\xfd\xe4");
        self.file.extend((content.len() as u64).to_le_bytes());
        let blocks = content.chunks(1 << 17);
        let count = blocks.len();
        for (block, number) in blocks.zip(1..) {
            let head = (block.len() as u32) << 3 | u32::from(number == count);
            self.file.extend(&head.to_le_bytes()[..3]);
            self.file.extend(block);
        }
        // Whatever the frame, its checksum is over what is in it.
        let checked = self.compressor.compress(content).expect("there is room for all of it");
        self.file.extend(&checked[checked.len() - 4..]);
    }
}

/// A big-endian number of so many bytes; what is missing of them is zero.
fn number(bytes: &[u8], length: usize) -> usize {
    (0..length).fold(0, |number, at| number << 8 | usize::from(*bytes.get(at).unwrap_or(&0)))
}
