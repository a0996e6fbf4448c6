//! Owns takes as the tests see them: the events of each chain, read from a file, changed, and made into a
//! file again with every hash and the seal rebuilt, as a careful forger would.

use std::collections::BTreeSet;
use std::path::Path;

use retake_chain::log::{LogReader, LogWriter, Record, SealKind, TakeState};
use retake_chain::{ChainEvent, ChainEventPayload, TheaterId, WASM_CALL, WASM_ERROR, WASM_RESULT};

/// All events of a take. An embedded component is left out.
#[derive(Clone, Debug)]
pub struct Take {
    pub state: TakeState,
    pub chains: Vec<Chain>,
    /// The chain of each event, in the order of the file.
    order: Vec<usize>,
}

/// The events of one actor.
#[derive(Clone, Debug)]
pub struct Chain {
    pub id: TheaterId,
    pub events: Vec<ChainEvent>,
}

impl Take {
    /// Reads a take as far as it is whole; it must not be damaged.
    pub fn read(bytes: &[u8]) -> Take {
        let mut reader = LogReader::open(bytes).expect("a take");
        let mut chains: Vec<Chain> = Vec::new();
        let mut order = Vec::new();
        while let Some(record) = reader.next_record().expect("a take that is not damaged") {
            match record {
                Record::Actor { .. } => {}
                Record::Chain { id, .. } => chains.push(Chain { id, events: Vec::new() }),
                Record::Event { chain, event, .. } => {
                    order.push(chain.0 as usize);
                    chains[chain.0 as usize].events.push(event);
                }
            }
        }
        Take { state: reader.state(), chains, order }
    }

    /// The chain of a take that has one.
    pub fn only_chain(&mut self) -> &mut Chain {
        assert_eq!(self.chains.len(), 1);
        &mut self.chains[0]
    }

    /// Export calls that have ended.
    pub fn whole_calls(&self) -> usize {
        self.chains.iter().map(Chain::whole_calls).sum()
    }

    /// The host functions that were called, without the versions of their interfaces: `wasi:io/poll/poll`.
    pub fn functions(&self) -> BTreeSet<String> {
        let types = self.chains.iter().flat_map(Chain::types);
        let parts = types.filter_map(|found| found.rsplit_once('/'));
        let unversioned = parts.map(|(interface, function)| {
            format!("{}/{function}", interface.split('@').next().unwrap_or_default())
        });
        unversioned.collect()
    }

    /// A sealed file with these events in this order, every hash and link made anew.
    pub fn rebuilt(&self) -> Vec<u8> {
        self.rebuilt_as(SealKind::Complete)
    }

    /// A sealed file with the events of one chain after the other, and the hashes that they name, right or
    /// wrong.
    pub fn with_its_hashes(&self) -> Vec<u8> {
        let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
        for chain in &self.chains {
            let number = writer.add_chain(chain.id).expect("few chains");
            chain
                .events
                .iter()
                .for_each(|event| writer.append(number, event).expect("the hashes are linked"));
        }
        writer.seal().expect("memory takes every write").0
    }

    /// The same, with a seal of this kind.
    pub fn rebuilt_as(&self, kind: SealKind) -> Vec<u8> {
        let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
        let numbers: Vec<_> =
            self.chains.iter().map(|chain| writer.add_chain(chain.id).expect("few chains")).collect();
        let mut chains: Vec<_> = self.chains.iter().map(|chain| (chain.events.iter(), None)).collect();
        // What a test has added to a chain comes at the end.
        let added =
            (0..chains.len()).flat_map(|chain| std::iter::repeat_n(chain, self.chains[chain].events.len()));
        for chain in self.order.iter().copied().chain(added) {
            let (events, parent) = &mut chains[chain];
            let Some(event) = events.next() else { continue };
            let event = ChainEvent::link(*parent, event.event_type.clone(), event.data.clone());
            *parent = Some(event.hash);
            writer.append(numbers[chain], &event).expect("events of a take fit a take");
        }
        writer.seal_as(kind).expect("memory takes every write").0
    }
}

impl Chain {
    /// Types of the events, in order.
    pub fn types(&self) -> Vec<&str> {
        self.events.iter().map(|event| &*event.event_type).collect()
    }

    /// Export calls that begin.
    pub fn calls(&self) -> usize {
        self.types().iter().filter(|&&found| found == WASM_CALL).count()
    }

    /// Export calls that have ended.
    pub fn whole_calls(&self) -> usize {
        self.types().iter().filter(|&&found| found == WASM_RESULT || found == WASM_ERROR).count()
    }

    /// The index of the first event whose type ends so.
    #[track_caller]
    pub fn find(&self, end: &str) -> usize {
        let found = self.events.iter().position(|event| event.event_type.ends_with(end));
        found.unwrap_or_else(|| panic!("no event ends with {end}: {:?}", self.types()))
    }

    /// Changes what an event says; its hash is left as it was.
    pub fn alter(&mut self, index: usize, change: impl FnOnce(&mut ChainEventPayload)) {
        let event = &mut self.events[index];
        let mut payload = event.payload().expect("a payload that decodes");
        change(&mut payload);
        let data = payload.encode();
        assert_ne!(data, event.data, "the change changes nothing");
        event.data = data;
        event.event_type = payload.event_type();
    }
}

/// Every function of WASI 0.2, as [`Take::functions`] names them.
pub fn wasi_functions() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wasi-0.2.txt");
    let list = std::fs::read_to_string(path).expect("the list");
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let interfaces = lines.map(|line| line.split_once(": ").expect("an interface and its functions"));
    let named = |(interface, functions): (&str, &str)| {
        functions.split(' ').map(|function| format!("wasi:{interface}/{function}")).collect::<Vec<_>>()
    };
    interfaces.flat_map(named).collect()
}
