//! Owns the recipes of takes whose end is wrong: the seal, or what it finds of the chains.

use retake_chain::{EventHash, SealKind, Value, to_canonical_vec};

use super::event::shutdown;
use super::file::whole;
use super::session::{OTHER, id};
use crate::support::{Forge, seal_frame};

/// The command's session up to its seal.
fn unsealed() -> Forge {
    let mut forge = whole().forge();
    forge.indexed();
    forge
}

/// The command's session with another seal than belongs there.
fn sealed(change: impl FnOnce(&mut retake_chain::Seal)) -> Vec<u8> {
    unsealed().sealed_changed(change)
}

/// The command's session with a seal's frame that is changed.
fn seal_changed(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let before = unsealed().bytes.len();
    let mut take = whole().sealed();
    change(&mut take[before..]);
    take
}

pub fn seal_too_large() -> Vec<u8> {
    // The content's size follows the descriptor.
    seal_changed(|seal| seal[5..13].copy_from_slice(&(1u64 << 40).to_le_bytes()))
}

pub fn trailing_bytes() -> Vec<u8> {
    [&whole().sealed()[..], b"\n"].concat()
}

/// The one block is said to be of another kind; its size is the same.
pub fn seal_encoding() -> Vec<u8> {
    seal_changed(|seal| seal[13] |= 0b010)
}

/// A seal with one more field.
pub fn seal_syntax() -> Vec<u8> {
    let forge = unsealed();
    let seal = to_canonical_vec(&("seal", forge.seal_body())).expect("plain fields");
    let head = b"\x92\xa4seal\x84".len();
    assert_eq!(seal[head - 1], 0x84, "a seal is a map of four");
    let later = to_canonical_vec(&Value::from("later")).expect("text");
    let content = [&seal[..head - 1], b"\x85", &seal[head..], &later, b"\xc0"].concat();
    [&forge.bytes[..], &seal_frame(&content)].concat()
}

pub fn seal_index() -> Vec<u8> {
    sealed(|seal| seal.index.crc32c ^= 1)
}

pub fn event_count() -> Vec<u8> {
    sealed(|seal| seal.events += 1)
}

pub fn chain_count() -> Vec<u8> {
    sealed(|seal| seal.chains.clear())
}

pub fn seal_actor() -> Vec<u8> {
    sealed(|seal| seal.chains[0].id = id(OTHER))
}

pub fn count() -> Vec<u8> {
    sealed(|seal| seal.chains[0].count -= 1)
}

pub fn head() -> Vec<u8> {
    sealed(|seal| seal.chains[0].head = Some(EventHash([7; 32])))
}

/// A chain that breaks off in a call.
pub fn ends_inside_call() -> Vec<u8> {
    whole().without(4..6).sealed()
}

pub fn no_shutdown() -> Vec<u8> {
    whole().without(5..6).sealed()
}

pub fn repaired() -> Vec<u8> {
    let reason = "its tail was lost".to_string();
    sealed(|seal| seal.kind = SealKind::Repaired { reason, cut_events: 3, original_bytes: 1000 })
}

/// An actor that nobody called.
pub fn no_call() -> Vec<u8> {
    whole().without(1..5).with(1, shutdown()).sealed()
}
