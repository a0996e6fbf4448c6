//! Owns the table of the takes in `fixtures/takes`: one per fault, how it is made, and what `verify` says of
//! it.
//!
//! Each has that fault and no other before it: around it a careful forger made all hashes, links, checksums,
//! indexes and the seal right, so that nothing but the check of that fault can find it.

mod end;
mod event;
mod file;
mod message;
pub mod observation;
pub mod pairs;
mod record;
pub mod session;

use std::path::{Path, PathBuf};

/// A take with one fault.
pub struct Row {
    /// The fault's name; the file's is the same with `.take` behind it.
    pub fault: &'static str,
    pub recipe: fn() -> Vec<u8>,
    /// The byte that `verify` tells.
    pub offset: Option<u64>,
    /// The event that it tells: the one at fault, or that would have come next.
    pub event: u64,
    /// How it ends.
    pub exit: u8,
    /// Why there is no file of it. The tests make it themselves.
    pub not_kept: Option<&'static str>,
}

const fn row(fault: &'static str, recipe: fn() -> Vec<u8>, offset: Option<u64>, event: u64, exit: u8) -> Row {
    Row { fault, recipe, offset, event, exit, not_kept: None }
}

impl Row {
    const fn not_kept(self, reason: &'static str) -> Row {
        Row { not_kept: Some(reason), ..self }
    }
}

/// The folder of the takes.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/takes")
}

/// Where the events of the command's session begin, and its index, and its seal.
const EVENTS: Option<u64> = Some(305);
const INDEX: Option<u64> = Some(1131);
const SEAL: Option<u64> = Some(1211);
/// Where the events of the couriers begin.
const LETTERS: Option<u64> = Some(9988);

/// Where the events of the exchange begin.
const EXCHANGE: Option<u64> = Some(12_610);

/// All faults that a file can have, in the order of the table of faults.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row("empty", file::empty, None, 0, 4),
    row("wrong-magic", file::wrong_magic, None, 0, 4),
    row("short-header", file::short_header, Some(0), 0, 3),
    row("no-header", file::no_header, None, 0, 4),
    row("frame-magic", file::frame_magic, INDEX, 6, 3),
    row("frame-settings", file::frame_settings, EVENTS, 0, 3),
    row("frame-data", file::frame_data, EVENTS, 0, 3),
    row("frame-too-long", file::frame_too_long, EVENTS, 3, 3),
    row("record-syntax", record::record_syntax, EVENTS, 2, 3),
    row("record-not-canonical", record::record_not_canonical, EVENTS, 2, 3),
    row("record-too-large", record::record_too_large, EVENTS, 2, 3),
    row("record-unknown", record::record_unknown, EVENTS, 2, 3),
    row("actor-id", record::actor_id, EVENTS, 0, 3),
    row("record-misplaced", record::record_misplaced, Some(33), 0, 3),
    row("embedded-piece", record::embedded_piece, Some(202), 0, 3),
    row("too-many-chains", record::too_many_chains, Some(72_910), 0, 3)
        .not_kept("its seal, which is not compressed, has 5 MiB"),
    row("chain-out-of-turn", record::chain_out_of_turn, EVENTS, 0, 3),
    row("embedded-cut", record::embedded_cut, Some(202), 0, 3),
    row("chain-doubled", record::chain_doubled, None, 0, 3),
    row("unknown-chain", record::unknown_chain, EVENTS, 2, 3),
    row("hash", event::hash, EVENTS, 2, 3),
    row("after-shutdown", event::after_shutdown, EVENTS, 6, 3),
    row("link", event::link, EVENTS, 2, 3),
    row("too-many-values", record::too_many_values, EVENTS, 2, 3),
    row("payload-cut", event::payload_cut, EVENTS, 2, 3),
    row("payload-syntax", event::payload_syntax, EVENTS, 2, 3),
    row("payload-too-deep", event::payload_too_deep, EVENTS, 2, 3),
    row("payload-not-canonical", event::payload_not_canonical, EVENTS, 2, 3),
    row("duplicate-key", event::duplicate_key, EVENTS, 2, 3),
    row("payload-trailing", event::payload_trailing, EVENTS, 2, 3),
    row("unknown-kind", event::unknown_kind, EVENTS, 2, 3),
    row("payload-shape", event::payload_shape, EVENTS, 1, 3),
    row("event-type", event::event_type, EVENTS, 1, 3),
    row("wrong-response", event::wrong_response, EVENTS, 4, 3),
    row("no-genesis", event::no_genesis, EVENTS, 0, 3),
    row("second-genesis", event::second_genesis, EVENTS, 1, 3),
    row("genesis-actor", event::genesis_actor, EVENTS, 0, 3),
    row("genesis-version", event::genesis_version, EVENTS, 0, 3),
    row("genesis-component", event::genesis_component, EVENTS, 0, 3),
    row("call-in-call", event::call_in_call, EVENTS, 2, 3),
    row("host-call-outside-call", event::host_call_outside_call, EVENTS, 1, 3),
    row("end-outside-call", event::end_outside_call, EVENTS, 5, 3),
    row("end-of-another-call", event::end_of_another_call, EVENTS, 4, 3),
    row("event-inside-call", event::event_inside_call, EVENTS, 4, 3),
    row("observation-misplaced", event::observation_misplaced, EVENTS, 4, 3),
    row("message-not-taken", message::not_taken, LETTERS, 4, 3),
    row("message-receiver", message::receiver, LETTERS, 17, 3),
    row("message-content", message::content, LETTERS, 17, 3),
    row("message-response", message::response, LETTERS, 12, 3),
    row("too-many-messages", message::too_many, Some(2_193_161), 65_538, 3)
        .not_kept("each of its 65,537 messages has a hash of its own, 2 MiB that no compressor makes smaller"),
    row("observation-form", observation::form, EXCHANGE, 15, 3),
    row("observation", observation::differs, EXCHANGE, 15, 3),
    row("observation-missing", observation::missing, EXCHANGE, 15, 3),
    row("frame-checksum", file::frame_checksum, EVENTS, 6, 3),
    row("header-syntax", file::header_syntax, Some(0), 0, 3),
    row("newer-major", file::newer_major, None, 0, 4),
    row("older-major", file::older_major, None, 0, 4),
    row("newer-minor", file::newer_minor, None, 0, 4),
    row("index-syntax", file::index_syntax, INDEX, 6, 3),
    row("index-mismatch", file::index_mismatch, INDEX, 6, 3),
    row("frame-cuts-record", file::frame_cuts_record, EVENTS, 1, 3),
    row("frame-empty", file::frame_empty, INDEX, 6, 3),
    row("index-missing", file::index_missing, Some(7045), 0, 3),
    row("seal-too-large", end::seal_too_large, SEAL, 6, 3),
    row("torn", file::torn, EVENTS, 0, 3),
    row("unsealed", file::unsealed, INDEX, 6, 3),
    row("trailing-bytes", end::trailing_bytes, Some(1379), 6, 3),
    row("seal-encoding", end::seal_encoding, SEAL, 6, 3),
    row("seal-syntax", end::seal_syntax, SEAL, 6, 3),
    row("seal-index", end::seal_index, SEAL, 6, 3),
    row("event-count", end::event_count, None, 6, 3),
    row("chain-count", end::chain_count, None, 6, 3),
    row("seal-actor", end::seal_actor, None, 6, 3),
    row("count", end::count, None, 6, 3),
    row("head", end::head, None, 6, 3),
    row("empty-chain", record::empty_chain, None, 6, 3),
    row("ends-inside-call", end::ends_inside_call, None, 4, 3),
    row("no-shutdown", end::no_shutdown, None, 5, 3),
    row("message-one-sided", message::one_sided, None, 21, 3),
    row("repaired", end::repaired, None, 6, 3),
    row("no-call", end::no_call, None, 2, 5),
];

/// The path of a fixture actor.
fn actor(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/actors").join(name)
}
