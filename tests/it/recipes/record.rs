//! Owns the recipes of takes in which a record is wrong: its form, its place, or what it counts.

use retake_chain::log::{MAX_CHAINS, MAX_EVENT_TYPE};
use retake_chain::{ChainEvent, ChainEventData, SessionStart, TheaterId, Value};
use uuid::Uuid;

use super::event::genesis_of;
use super::session::{ID, OTHER, Said, Session, command, genesis, id, returned};
use crate::support::{Forge, event_record};

/// The command's session up to its first host call, which is linked, and not written.
fn before_a_call() -> (Forge, ChainEvent) {
    before_a_call_of_type(&command().events[2].event_type)
}

fn before_a_call_of_type(event_type: &str) -> (Forge, ChainEvent) {
    let session = command();
    let data = session.events[2].data.clone();
    let forge = Session { events: session.events[..2].into(), ..session }.forge();
    let parent = forge.head(0);
    (forge, ChainEvent::link(parent, event_type.into(), data.into()))
}

/// The rest of the session.
fn after_a_call(forge: &mut Forge, call: &ChainEvent) -> Vec<u8> {
    forge.count_event(0, call);
    for said in &command().events[3..] {
        said.write(forge);
    }
    forge.sealed()
}

/// A hash of 31 bytes.
pub fn record_syntax() -> Vec<u8> {
    let (mut forge, call) = before_a_call();
    let hash = Value::from(call.hash.as_bytes()[1..].to_vec());
    let data = Value::from(call.data.clone());
    forge.record(&("event", 0, hash, call.parent_hash, call.event_type.to_string(), data));
    after_a_call(&mut forge, &call)
}

/// The number of the chain in two bytes instead of one.
pub fn record_not_canonical() -> Vec<u8> {
    let (mut forge, call) = before_a_call();
    let record = retake_chain::to_canonical_vec(&event_record(0, &call)).expect("plain fields");
    let number = b"\x96\xa5event".len();
    forge.raw(&record[..number]).raw(&[0xcc]).raw(&record[number..]);
    after_a_call(&mut forge, &call)
}

/// An event whose type is too long by one byte.
pub fn record_too_large() -> Vec<u8> {
    let (mut forge, call) = before_a_call_of_type(&format!("{}/now", "a".repeat(MAX_EVENT_TYPE - 3)));
    forge.record(&event_record(0, &call));
    after_a_call(&mut forge, &call)
}

pub fn record_unknown() -> Vec<u8> {
    let (mut forge, call) = before_a_call();
    forge.record(&("note", "of a later format")).record(&event_record(0, &call));
    after_a_call(&mut forge, &call)
}

/// The id of an actor in upper case.
pub fn actor_id() -> Vec<u8> {
    let id = id("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa");
    let session = command().altered(0, |payload| genesis_of(payload).actor_id = id);
    introduced_as(&session, 0, &id.to_string().to_uppercase())
}

pub fn chain_out_of_turn() -> Vec<u8> {
    introduced_as(&command(), 1, ID)
}

/// A session of one chain, which is introduced with this number and id.
fn introduced_as(session: &Session, number: u64, text: &str) -> Vec<u8> {
    let mut forge = Forge::new();
    forge.component(&session.component, 1 << 20).adopt(id(text)).record(&("chain", number, text));
    session.write_events(&mut forge).sealed()
}

/// A second header.
pub fn record_misplaced() -> Vec<u8> {
    let session = command();
    session.write(Forge::new().header(1, 0).component(&session.component, 1 << 20)).sealed()
}

/// A component in two pieces, the second of which begins a byte too late.
pub fn embedded_piece() -> Vec<u8> {
    let session = command();
    let (total, half) = (session.component.len(), session.component.len() / 2);
    let mut forge = half_a_component(&session);
    forge.piece(half + 1, total, &session.component[half + 1..]).end_frame();
    session.write(&mut forge).sealed()
}

/// A component of two pieces, the second of which is not there.
pub fn embedded_cut() -> Vec<u8> {
    let session = command();
    session.write(&mut half_a_component(&session)).sealed()
}

fn half_a_component(session: &Session) -> Forge {
    let (total, half) = (session.component.len(), session.component.len() / 2);
    let mut forge = Forge::new();
    forge.piece(0, total, &session.component[..half]).end_frame();
    forge
}

pub fn chain_doubled() -> Vec<u8> {
    let session = command();
    let again = session.events.iter().map(|said| Said { chain: 1, ..said.clone() });
    let events = session.events.iter().cloned().chain(again).collect();
    Session { chains: vec![id(ID), id(ID)], events, ..session.clone() }.sealed()
}

/// An event of chain 1 in a take with chain 0 alone.
pub fn unknown_chain() -> Vec<u8> {
    let (mut forge, call) = before_a_call();
    forge.record(&event_record(1, &call));
    after_a_call(&mut forge, &call)
}

/// One chain more than there may be, each with its genesis and its end.
pub fn too_many_chains() -> Vec<u8> {
    let mut session = command();
    let first = genesis(&session.component);
    for number in 1..=MAX_CHAINS {
        let id = TheaterId::from(Uuid::from_u128(number as u128));
        session.chains.push(id);
        let genesis = SessionStart { actor_id: id, ..first.clone() };
        let events = [ChainEventData::session(genesis), ChainEventData::shutdown()];
        session.events.extend(events.map(|event| Said { chain: number, ..Said::new(event) }));
    }
    session.sealed()
}

/// A second chain, of which nothing more is told.
pub fn empty_chain() -> Vec<u8> {
    let mut session = command();
    session.chains.push(id(OTHER));
    session.sealed()
}

/// A list of as many values as an event may hold, in an event that holds others too.
pub fn too_many_values() -> Vec<u8> {
    let list = [&b"\xdd\x00\x40\x00\x00"[..], &[0xc0; 1 << 22]].concat();
    command().with_data(2, &returned(&list)).sealed()
}
