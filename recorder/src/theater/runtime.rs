//! Owns `theater:simple/runtime`: log lines, the chain so far, and the actor's request to end.

use retake_actor::{ActorStore, HasActor};
use retake_chain::{EventWindow, Printable};
use wasmtime::component::{ComponentType, Linker, Lower};
use wasmtime::{Result, StoreContextMut};

use crate::stdio::Stdio;

/// The interface.
pub(crate) const RUNTIME: &str = "theater:simple/runtime";
/// The function that returns the chain.
pub(crate) const GET_CHAIN: &str = "get-chain";

/// An extension of an actor that asked to end when its call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownRequested;

#[derive(ComponentType, Lower)]
#[component(record)]
struct MetaChain {
    events: Vec<MetaEvent>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct MetaEvent {
    hash: u64,
    event: Event,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Event {
    #[component(name = "event-type")]
    event_type: String,
    parent: Option<u64>,
    data: Vec<u8>,
}

/// Provides the interface.
pub(super) fn add_to_linker<T: HasActor>(linker: &mut Linker<T>) -> Result<()> {
    let mut runtime = linker.instance(RUNTIME)?;
    runtime.func_wrap("log", |mut store: StoreContextMut<'_, T>, (message,): (String,)| {
        let id = store.data_mut().actor().store.get_id().to_string();
        Stdio::Err.end_open_line();
        eprintln!("[{}] {}", &id[..8], Printable(&message));
        Ok(())
    })?;
    runtime.func_wrap(GET_CHAIN, |mut store: StoreContextMut<'_, T>, (): ()| {
        Ok((chain_of(&store.data_mut().actor().store),))
    })?;
    runtime.func_wrap("shutdown", |mut store: StoreContextMut<'_, T>, (_data,): (Option<Vec<u8>>,)| {
        store.data_mut().actor().store.set_extension(ShutdownRequested);
        Ok((Ok::<(), String>(()),))
    })
}

/// The events as Theater shows them, with numbers in place of hashes. Earlier answers of this function are
/// left out, as each would hold all the ones before it.
fn chain_of(actor: &ActorStore) -> MetaChain {
    let EventWindow { events, lost } = actor.get_all_events();
    let events = (lost..).zip(events).map(|(index, event)| MetaEvent {
        hash: index,
        event: Event {
            event_type: event.event_type.to_string(),
            parent: index.checked_sub(1),
            data: if is_get_chain(&event.event_type) { Vec::new() } else { event.data.to_vec() },
        },
    });
    MetaChain { events: events.collect() }
}

fn is_get_chain(event_type: &str) -> bool {
    event_type.rsplit_once('/') == Some((RUNTIME, GET_CHAIN))
}
