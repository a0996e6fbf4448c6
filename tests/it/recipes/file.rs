//! Owns the recipes of takes whose header, frames or indexes are wrong, and of those that end too early.

use retake_chain::log::{COMPRESSION_LEVEL, MAX_FRAMES_PER_INDEX};
use retake_chain::{Value, to_canonical_vec};

use super::session::{Session, command, returned};
use crate::support::{Forge, compressed_with};

pub fn empty() -> Vec<u8> {
    Vec::new()
}

/// A take behind four other bytes.
pub fn wrong_magic() -> Vec<u8> {
    let mut forge = Forge::default();
    forge.bytes = b"TAKE".into();
    forge.header(1, 0);
    behind(forge)
}

pub fn short_header() -> Vec<u8> {
    command().sealed()[..20].into()
}

/// A take that lacks its first frame.
pub fn no_header() -> Vec<u8> {
    behind(Forge::default())
}

/// The command's session behind another header.
fn behind(mut header: Forge) -> Vec<u8> {
    let session = command();
    header.component(&session.component, 1 << 20);
    session.write(&mut header).sealed()
}

pub fn header_syntax() -> Vec<u8> {
    let mut header = Forge::default();
    let version = Value::List(vec![1u8.into(), 0u8.into()]);
    header.record(&("retake", Value::record([("version", version), ("later", true.into())]))).end_frame();
    behind(header)
}

fn of_version(major: u16, minor: u16) -> Vec<u8> {
    let mut forge = Forge::default();
    forge.header(major, minor);
    behind(forge)
}

pub fn newer_major() -> Vec<u8> {
    of_version(2, 0)
}

pub fn older_major() -> Vec<u8> {
    of_version(0, 9)
}

pub fn newer_minor() -> Vec<u8> {
    of_version(1, 1)
}

pub fn frame_magic() -> Vec<u8> {
    command().forge().end_frame().frame(b"no frame").sealed()
}

pub fn frame_settings() -> Vec<u8> {
    let mut forge = command().forge();
    let content = forge.take_open();
    forge.frame(&compressed_with(&content, COMPRESSION_LEVEL, false)).sealed()
}

/// The first block of the events' frame is of the kind that zstd reserves.
pub fn frame_data() -> Vec<u8> {
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58];
    command()
        .forge()
        .end_frame_changed(|frame| *frame = [&window[..], &[0x07, 0, 0], &[0; 4]].concat())
        .sealed()
}

/// An event of more than 1 MiB, with others behind it in its frame.
pub fn frame_too_long() -> Vec<u8> {
    let zeros = to_canonical_vec(&Value::from(vec![0; 1 << 20])).expect("plain bytes");
    let session = command().with_data(2, &returned(&zeros));
    let mut forge = session.begun();
    for said in &session.events {
        said.write(&mut forge);
    }
    forge.sealed()
}

pub fn frame_checksum() -> Vec<u8> {
    command().forge().end_frame_changed(|frame| *frame.last_mut().expect("a frame") ^= 0x01).sealed()
}

pub fn index_syntax() -> Vec<u8> {
    let mut forge = command().forge();
    forge.end_frame();
    let Value::Record(mut body) = forge.index_body(forge.frames()) else { panic!("an index is a map") };
    body.push(("later".into(), Value::None));
    forge.record(&("index", Value::Record(body))).end_index().sealed()
}

pub fn index_mismatch() -> Vec<u8> {
    command().forge().end_frame().index_changed(|frames| frames[1].frame.crc32c ^= 1).sealed()
}

pub fn frame_cuts_record() -> Vec<u8> {
    let mut forge = command().forge();
    let content = forge.take_open();
    let (first, second) = content.split_at(content.len() / 2);
    forge.raw(first).end_frame().raw(second).end_frame().sealed()
}

pub fn frame_empty() -> Vec<u8> {
    command().forge().end_frame().end_frame().sealed()
}

/// The component in more pieces than an index may name frames.
pub fn index_missing() -> Vec<u8> {
    let session = command();
    let piece = session.component.len() / (MAX_FRAMES_PER_INDEX + 10);
    let mut forge = Forge::new();
    session.write(forge.component(&session.component, piece)).sealed()
}

/// A take whose last 10 bytes of events are not there.
pub fn torn() -> Vec<u8> {
    let mut forge = command().forge();
    forge.end_frame();
    forge.bytes[..forge.bytes.len() - 10].into()
}

pub fn unsealed() -> Vec<u8> {
    let mut forge = command().forge();
    forge.end_frame();
    forge.bytes
}

/// A session that is whole, for faults around it.
pub fn whole() -> Session {
    command()
}
