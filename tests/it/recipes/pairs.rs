//! Owns the takes with two faults: each can be had alone, and of both together the first of the table is the
//! one to be told where they are at one place, and the first of the file where they are not.

use retake_chain::{ChainEvent, ContentRef, EventHash, FormatVersion, Seal, SealKind};

use super::event::genesis_of;
use super::message;
use super::session::{OTHER, command, couriers, id, returned};
use crate::support::Forge;

/// Two faults that one take can have.
pub struct Pair {
    /// The one to be told of both.
    pub first: &'static str,
    pub second: &'static str,
    /// A take with the first, and with the second.
    pub recipe: fn(bool, bool) -> Vec<u8>,
}

const fn pair(first: &'static str, second: &'static str, recipe: fn(bool, bool) -> Vec<u8>) -> Pair {
    Pair { first, second, recipe }
}

/// Faults at one place: the order is that of the table.
pub const AT_ONE_PLACE: &[Pair] = &[
    pair("hash", "link", |hash, link| call_with(Wrong { hash, link, ..NOTHING })),
    pair("hash", "payload-syntax", |hash, data| call_with(Wrong { hash, data, ..NOTHING })),
    pair("hash", "frame-checksum", hash_and_checksum),
    pair("hash", "after-shutdown", |hash, ended| call_with(Wrong { hash, ended, ..NOTHING })),
    pair("after-shutdown", "link", |ended, link| call_with(Wrong { ended, link, ..NOTHING })),
    pair("after-shutdown", "payload-syntax", |ended, data| call_with(Wrong { ended, data, ..NOTHING })),
    pair("link", "payload-syntax", |link, data| call_with(Wrong { link, data, ..NOTHING })),
    pair("payload-trailing", "no-genesis", payload_and_genesis),
    pair("payload-not-canonical", "duplicate-key", keys),
    pair("event-type", "wrong-response", type_and_response),
    pair("genesis-actor", "genesis-version", |actor, version| genesis_with(actor, version, false)),
    pair("genesis-version", "genesis-component", |version, component| {
        genesis_with(false, version, component)
    }),
    pair("message-receiver", "message-content", receiver_and_content),
    pair("frame-checksum", "newer-major", checksum_and_version),
    pair("frame-checksum", "index-mismatch", checksum_and_index),
    pair("trailing-bytes", "seal-encoding", trailing_and_encoding),
    pair("seal-encoding", "seal-index", |encoding, index| {
        encoded(encoding, |seal| seal.index.crc32c ^= u32::from(index))
    }),
    pair("seal-index", "event-count", |index, events| {
        sealed(|seal| {
            seal.index.offset += u64::from(index);
            seal.events += u64::from(events);
        })
    }),
    pair("event-count", "chain-count", |events, chains| {
        sealed(|seal| {
            seal.events += u64::from(events);
            seal.chains.truncate(usize::from(!chains));
        })
    }),
    pair("seal-actor", "count", |actor, count| {
        sealed(|seal| {
            if actor {
                seal.chains[0].id = id(OTHER);
            }
            seal.chains[0].count += u64::from(count);
        })
    }),
    pair("count", "head", |count, head| {
        sealed(|seal| {
            seal.chains[0].count += u64::from(count);
            if head {
                seal.chains[0].head = None;
            }
        })
    }),
    pair("head", "no-shutdown", head_and_shutdown),
    pair("ends-inside-call", "message-one-sided", call_and_message),
    pair("repaired", "no-call", repaired_and_no_call),
];

/// Faults at two places: the first of the file is the one to be told, though the table has it behind the
/// other.
pub const AT_TWO_PLACES: &[Pair] = &[
    pair("payload-syntax", "hash", payload_before_hash),
    pair("link", "record-unknown", link_before_record),
    pair("frame-checksum", "frame-magic", checksum_before_magic),
    pair("head", "seal-actor", chain_before_chain),
];

/// What is wrong with a call of the host.
struct Wrong {
    hash: bool,
    link: bool,
    data: bool,
    /// It comes after `shutdown`.
    ended: bool,
}

const NOTHING: Wrong = Wrong { hash: false, link: false, data: false, ended: false };

/// The command's session with a call that has these faults, and a forger who makes right what is behind it.
fn call_with(wrong: Wrong) -> Vec<u8> {
    let session = command();
    let at = if wrong.ended { 6 } else { 3 };
    let session = session.clone().with_more(at, session.events[2].clone());
    let mut forge = session.begun();
    for (place, said) in session.events.iter().enumerate() {
        let event = forge.link(0, &said.event_type, &said.data);
        forge.event_as_it_is(0, &if place == at { faulty(event, &wrong) } else { event });
    }
    forge.sealed()
}

/// A frame that holds an altered event, and whose checksum is wrong: the event comes before the checksum.
fn hash_and_checksum(hash: bool, checksum: bool) -> Vec<u8> {
    let session = command();
    let mut forge = session.begun();
    for (place, said) in session.events.iter().enumerate() {
        let event = forge.link(0, &said.event_type, &said.data);
        forge.event_as_it_is(0, &faulty(event, &Wrong { hash: hash && place == 3, ..NOTHING }));
    }
    forge.end_frame_changed(|frame| *frame.last_mut().expect("a frame") ^= u8::from(checksum)).sealed()
}

fn faulty(event: ChainEvent, wrong: &Wrong) -> ChainEvent {
    let parent = if wrong.link { Some(EventHash([7; 32])) } else { event.parent_hash };
    let data = if wrong.data { returned(b"\xc1").into() } else { event.data };
    let event = ChainEvent::link(parent, event.event_type, data);
    ChainEvent { hash: if wrong.hash { EventHash([8; 32]) } else { event.hash }, ..event }
}

/// A session without its genesis, whose first event has trailing bytes.
fn payload_and_genesis(payload: bool, genesis: bool) -> Vec<u8> {
    let session = if genesis { command().without(0..1) } else { command() };
    let trailing = [&session.events[0].data[..], b"\xc0"].concat();
    if payload { session.with_data(0, &trailing).sealed() } else { session.sealed() }
}

/// A map with a key twice, and with a number that is too long.
fn keys(long: bool, twice: bool) -> Vec<u8> {
    let number = if long { &b"\xcc\x05"[..] } else { b"\x05" };
    let second = if twice { b"\xa1a\x05" } else { b"\xa1b\x05" };
    command().with_data(2, &returned(&[b"\x82\xa1a", number, second].concat())).sealed()
}

fn type_and_response(event_type: bool, response: bool) -> Vec<u8> {
    let mut session = command();
    if response {
        session.events[4].data = super::event::trapped_result(&session);
    }
    if event_type {
        session.events[4].event_type = "wasm-error".into();
    }
    session.sealed()
}

fn genesis_with(actor: bool, version: bool, component: bool) -> Vec<u8> {
    let change = |payload: &mut _| {
        let genesis = genesis_of(payload);
        if actor {
            genesis.actor_id = id(OTHER);
        }
        if version {
            genesis.format = FormatVersion::new(2, 0);
        }
        if component {
            genesis.actor.digest = ContentRef::of(b"another");
        }
    };
    command().altered(0, change).sealed()
}

fn receiver_and_content(receiver: bool, content: bool) -> Vec<u8> {
    let session = if receiver { message::to_another(couriers()) } else { couriers() };
    if content { message::with_another_content(session).sealed() } else { session.sealed() }
}

/// The header's frame with a wrong checksum, and of a newer version.
fn checksum_and_version(checksum: bool, version: bool) -> Vec<u8> {
    let mut forge = Forge::default();
    forge.header(if version { 2 } else { 1 }, 0);
    let mut header = std::mem::take(&mut forge).bytes;
    *header.last_mut().expect("a frame") ^= u8::from(checksum);
    let session = command();
    session.write(forge.frame(&header).component(&session.component, 1 << 20)).sealed()
}

/// An index with a wrong checksum, that names another frame than there is.
fn checksum_and_index(checksum: bool, index: bool) -> Vec<u8> {
    let mut forge = command().forge();
    forge.end_frame();
    let mut frames = forge.frames().to_vec();
    frames[1].frame.crc32c ^= u32::from(index);
    let body = forge.index_body(&frames);
    forge.record(&("index", body)).end_index_changed(|frame| {
        *frame.last_mut().expect("a frame") ^= u8::from(checksum);
    });
    forge.sealed()
}

/// The command's session, sealed in another way than belongs there.
fn sealed(change: impl FnOnce(&mut Seal)) -> Vec<u8> {
    command().forge().sealed_changed(change)
}

/// The same, and perhaps not in the one encoding of a seal.
fn encoded(otherwise: bool, change: impl FnOnce(&mut Seal)) -> Vec<u8> {
    let mut take = sealed(change);
    *take.last_mut().expect("a seal") ^= u8::from(otherwise);
    take
}

fn trailing_and_encoding(trailing: bool, encoding: bool) -> Vec<u8> {
    let mut take = encoded(encoding, |_| {});
    take.extend(trailing.then_some(b'\n'));
    take
}

/// Two chains: the first does not end, and the seal has another head for the second.
fn head_and_shutdown(head: bool, shutdown: bool) -> Vec<u8> {
    let session = couriers();
    let first = session.find(0, "shutdown");
    let session = if shutdown { session.without(first..first + 1) } else { session };
    session.forge().sealed_changed(|seal| {
        if head {
            seal.chains[1].head = None;
        }
    })
}

fn call_and_message(call: bool, message: bool) -> Vec<u8> {
    let session = if message { message::never_received(couriers()) } else { couriers() };
    let last = session.events.iter().rposition(|said| said.event_type == "wasm-result").expect("a call ends");
    if !call {
        return session.sealed();
    }
    let (mut at, chain) = (0, session.events[last].chain);
    let mut session = session;
    session.events.retain(|said| {
        at += 1;
        at <= last || said.chain != chain
    });
    session.sealed()
}

fn repaired_and_no_call(repaired: bool, no_call: bool) -> Vec<u8> {
    let session = if no_call { command().without(1..5) } else { command() };
    session.forge().sealed_changed(|seal| {
        if repaired {
            seal.kind = SealKind::Repaired { reason: "torn".into(), cut_events: 0, original_bytes: 0 };
        }
    })
}

fn payload_before_hash(payload: bool, hash: bool) -> Vec<u8> {
    let session = command();
    let session = if payload { session.with_data(2, &returned(b"\xc1")) } else { session };
    let mut forge = session.begun();
    for (place, said) in session.events.iter().enumerate() {
        let event = forge.link(0, &said.event_type, &said.data);
        forge.event_as_it_is(0, &faulty(event, &Wrong { hash: hash && place == 3, ..NOTHING }));
    }
    forge.sealed()
}

fn link_before_record(link: bool, record: bool) -> Vec<u8> {
    let session = command();
    let mut forge = session.begun();
    for (place, said) in session.events.iter().enumerate() {
        if record && place == 4 {
            forge.record(&("note", "of a later format"));
        }
        let event = forge.link(0, &said.event_type, &said.data);
        forge.event_as_it_is(0, &faulty(event, &Wrong { link: link && place == 3, ..NOTHING }));
    }
    forge.sealed()
}

fn checksum_before_magic(checksum: bool, magic: bool) -> Vec<u8> {
    let mut forge = command().forge();
    forge.end_frame_changed(|frame| *frame.last_mut().expect("a frame") ^= u8::from(checksum));
    if magic {
        forge.frame(b"no frame");
    }
    forge.sealed()
}

fn chain_before_chain(first: bool, second: bool) -> Vec<u8> {
    couriers().forge().sealed_changed(|seal| {
        if first {
            seal.chains[0].head = None;
        }
        if second {
            seal.chains[1].id = id(OTHER);
        }
    })
}
