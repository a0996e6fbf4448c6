//! Owns the shape of zstd frames: a scanner that knows where one ends, and the one encoding of the seal.
//! Compressing and decompressing is zstd's, by way of `sink.rs` and `source.rs`.
//!
//! ```text
//! frame  = magic 28 b5 2f fd | descriptor | window or content size | blocks | checksum (4)
//! block  = header (3, little-endian: bit 0 last, bits 1-2 kind, rest size) | body
//! seal   = magic | e4 | content size (8) | raw blocks of 128 KiB, the last shorter | low 32 bits of XXH64
//! ```

use xxhash_rust::xxh64::xxh64;

use super::error::Damage;
use super::format::{MAX_SEAL, WINDOW_LOG_MAX};

/// First bytes of every zstd frame.
pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Descriptor of the seal's frame: eight bytes of content size, single segment, checksum. A compressor writes
/// it for contents beyond 4 GiB alone, so no other frame of a take has it.
pub(super) const SEAL_DESCRIPTOR: u8 = 0b1110_0100;

const CHECKSUM_FLAG: u8 = 0b0000_0100;
/// Bits that are unused or reserved, and the two of a dictionary, which no take uses.
const FORBIDDEN_FLAGS: u8 = 0b0001_1011;
const SINGLE_SEGMENT: u8 = 0b0010_0000;

/// Bytes of a seal's frame before its content.
const SEAL_HEAD: usize = 13;
const BLOCK_HEAD: usize = 3;
const CHECKSUM: usize = 4;
const BLOCK_MAX: usize = 1 << 17;

/// Refuses frame descriptors that no take has.
pub(super) fn check_descriptor(descriptor: u8) -> Result<(), Damage> {
    if descriptor & CHECKSUM_FLAG == 0 || descriptor & FORBIDDEN_FLAGS != 0 {
        return Err(Damage::FrameSettings { descriptor });
    }
    Ok(())
}

/// Whether a frame begins as the writer's do: with a checksum and a window that is not too large, and nothing
/// else.
pub(super) fn is_plain(frame: &[u8]) -> bool {
    match frame.get(MAGIC.len()..MAGIC.len() + 2) {
        // RFC 8878, 3.1.1.1.2: an exponent in five bits, and eighths in three.
        Some(&[CHECKSUM_FLAG, window]) => {
            let (exponent, eighths) = (u64::from(window >> 3), u64::from(window & 7));
            let base = 1u64 << (10 + exponent);
            base + base / 8 * eighths <= 1 << WINDOW_LOG_MAX
        }
        _ => false,
    }
}

/// Walks the bytes of one frame, to know at its end, or at the end of the file, where in the frame that is.
#[derive(Debug, Clone)]
pub(super) struct FrameScanner {
    part: FramePart,
    /// Bytes of the part that are still to come.
    missing: usize,
    block_head: u32,
    blocks: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FramePart {
    FrameHead,
    BlockHead,
    BlockBody { last: bool },
    Checksum,
    Done,
}

impl FrameScanner {
    /// A scanner for a frame with this descriptor, which [`check_descriptor`] has accepted.
    pub(super) fn new(descriptor: u8) -> Self {
        let single = descriptor & SINGLE_SEGMENT != 0;
        let content_size = match descriptor >> 6 {
            0 => usize::from(single),
            1 => 2,
            2 => 4,
            _ => 8,
        };
        let missing = MAGIC.len() + 1 + usize::from(!single) + content_size;
        Self { part: FramePart::FrameHead, missing, block_head: 0, blocks: 0 }
    }

    /// Bytes to the end of the part that the frame is in: its head, a block's head or body, or its checksum.
    pub(super) fn missing(&self) -> usize {
        self.missing
    }

    /// Walks over the next bytes, and returns how many of them are the frame's.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> usize {
        let given = bytes.len();
        while !bytes.is_empty() && self.part != FramePart::Done {
            let step = self.missing.min(bytes.len());
            if self.part == FramePart::BlockHead {
                for &byte in &bytes[..step] {
                    self.block_head = self.block_head >> 8 | u32::from(byte) << 16;
                }
            }
            bytes = &bytes[step..];
            self.missing -= step;
            while self.missing == 0 && self.part != FramePart::Done {
                self.next_part();
            }
        }
        given - bytes.len()
    }

    /// The most that the blocks so far can hold.
    pub(super) fn most_content(&self) -> usize {
        usize::try_from(self.blocks).unwrap_or(usize::MAX).saturating_mul(BLOCK_MAX)
    }

    fn next_part(&mut self) {
        (self.part, self.missing) = match self.part {
            FramePart::FrameHead | FramePart::BlockBody { last: false } => (FramePart::BlockHead, BLOCK_HEAD),
            FramePart::BlockHead => {
                let (last, body) = block_body(self.block_head);
                self.blocks += 1;
                (FramePart::BlockBody { last }, body)
            }
            FramePart::BlockBody { last: true } => (FramePart::Checksum, CHECKSUM),
            FramePart::Checksum | FramePart::Done => (FramePart::Done, 0),
        };
    }

    /// Whether the frame is at its end.
    pub(super) fn is_done(&self) -> bool {
        self.part == FramePart::Done
    }

    /// How many bytes more end the block, or the checksum, that the bytes so far end in, if all of them are
    /// zero; a last block with its checksum. `None` outside of both.
    pub(super) fn zeros_to_block_end(&self) -> Option<usize> {
        match self.part {
            FramePart::BlockHead if self.missing < BLOCK_HEAD => {
                let (last, body) = block_body(self.block_head >> (8 * self.missing));
                Some(self.missing + body + if last { CHECKSUM } else { 0 })
            }
            FramePart::BlockBody { last } => Some(self.missing + if last { CHECKSUM } else { 0 }),
            FramePart::Checksum => Some(self.missing),
            FramePart::BlockHead | FramePart::FrameHead | FramePart::Done => None,
        }
    }

    /// Whether the bytes so far end right after a block that is not the last: where a flush ends.
    pub(super) fn is_after_block(&self) -> bool {
        self.part == FramePart::BlockHead && self.missing == BLOCK_HEAD && self.blocks > 0
    }
}

/// Whether a block with this header is its frame's last, and how many bytes its body has.
fn block_body(head: u32) -> (bool, usize) {
    let (last, kind, size) = (head & 1 == 1, head >> 1 & 3, (head >> 3) as usize);
    // A run-length block has one byte, whatever its size says.
    (last, if kind == 1 { 1 } else { size })
}

/// The frame of a seal with this content, in its one encoding.
pub(super) fn encode_seal(content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(seal_length(content.len()));
    frame.extend_from_slice(&MAGIC);
    frame.push(SEAL_DESCRIPTOR);
    frame.extend_from_slice(&(content.len() as u64).to_le_bytes());
    let blocks = content.len().div_ceil(BLOCK_MAX);
    for (i, block) in content.chunks(BLOCK_MAX).enumerate() {
        let head = (block.len() as u32) << 3 | u32::from(i + 1 == blocks);
        frame.extend_from_slice(&head.to_le_bytes()[..BLOCK_HEAD]);
        frame.extend_from_slice(block);
    }
    frame.extend_from_slice(&(xxh64(content, 0) as u32).to_le_bytes());
    frame
}

fn seal_length(content: usize) -> usize {
    SEAL_HEAD + content + content.div_ceil(BLOCK_MAX) * BLOCK_HEAD + CHECKSUM
}

/// Most bytes of a seal's frame.
pub(super) const MAX_SEAL_FRAME: usize =
    SEAL_HEAD + MAX_SEAL + (MAX_SEAL / BLOCK_MAX) * BLOCK_HEAD + CHECKSUM;

/// What the last bytes of a file are, if they begin like a seal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SealFrame {
    /// The seal's content.
    Whole(Vec<u8>),
    /// The file ends before the seal does.
    Short,
    /// The seal has this many bytes, and more follow.
    Trailing(usize),
}

/// Takes a seal's frame apart, and compares it with what [`encode_seal`] makes of the content.
pub(super) fn decode_seal(frame: &[u8]) -> Result<SealFrame, Damage> {
    let Some(size) = frame.get(5..SEAL_HEAD).and_then(|size| size.try_into().ok()) else {
        return Ok(SealFrame::Short);
    };
    let size = u64::from_le_bytes(size);
    let content_len = match usize::try_from(size) {
        Ok(len) if (1..=MAX_SEAL).contains(&len) => len,
        _ => return Err(Damage::SealTooLarge { len: size }),
    };
    let length = seal_length(content_len);
    if frame.len() < length {
        return Ok(SealFrame::Short);
    }
    if frame.len() > length {
        return Ok(SealFrame::Trailing(length));
    }
    let blocks = &frame[SEAL_HEAD..length - CHECKSUM];
    let content: Vec<u8> = blocks
        .chunks(BLOCK_HEAD + BLOCK_MAX)
        .flat_map(|block| block.iter().skip(BLOCK_HEAD))
        .copied()
        .collect();
    if encode_seal(&content) == frame { Ok(SealFrame::Whole(content)) } else { Err(Damage::SealEncoding) }
}

/// The same for a frame that `zeros` zeros follow, up to the end of the file. The seal may end in some of
/// them; if it does not, they took the place of its end, and it is short.
pub(super) fn decode_seal_before_zeros(mut frame: Vec<u8>, zeros: u64) -> Result<SealFrame, Damage> {
    let known = frame.len();
    let filled = usize::try_from(zeros).map_or(usize::MAX, |zeros| known.saturating_add(zeros));
    frame.resize(filled.min(known.max(MAX_SEAL_FRAME + 1)), 0);
    let is_whole = |length: usize| matches!(decode_seal(&frame[..length]), Ok(SealFrame::Whole(_)));
    match decode_seal(&frame) {
        Ok(SealFrame::Trailing(length)) if length > known && !is_whole(length) => Ok(SealFrame::Short),
        Err(damage) if zeros > 0 && (known < SEAL_HEAD || damage == Damage::SealEncoding) => {
            Ok(SealFrame::Short)
        }
        decoded => decoded,
    }
}
