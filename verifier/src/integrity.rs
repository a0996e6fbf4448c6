//! Owns the checks that a take's own bytes allow: hashes, links, genesis, canonical payloads, counts, heads.
//! Reading is the log's; whether the events are what the actor does is for a replay to say.

use std::collections::HashSet;

use retake_chain::log::FORMAT_VERSION;
use retake_chain::{
    ChainEvent, ChainEventPayload, ChainNumber, ContentHasher, ContentRef, EventHash, Record, SHUTDOWN, Seal,
    SealKind, TakeState, TheaterId, WASM_CALL, WASM_ERROR, WASM_RESULT,
};

use crate::integrity_error::{IntegrityError, IntegrityFault, Place};
use crate::messages::MessageChecker;
use crate::report::{ChainReport, Report};

/// Takes the records of one take, one at a time, and stops at the first that cannot be right. Its memory does
/// not grow with the take; each chain costs about a hundred bytes.
#[derive(Debug, Default)]
pub struct IntegrityChecker {
    chains: Vec<ChainState>,
    ids: HashSet<TheaterId>,
    events: u64,
    embedded: Option<Embedded>,
    actor: Option<ContentRef>,
    messages: MessageChecker,
}

#[derive(Debug)]
struct ChainState {
    report: ChainReport,
    in_call: bool,
    ended: bool,
}

#[derive(Debug)]
enum Embedded {
    Arriving { hasher: ContentHasher, seen: u64, total: u64 },
    Whole(ContentRef),
}

impl IntegrityChecker {
    /// A checker that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Events that were checked and hold.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Export calls that begin in the events checked.
    pub fn calls(&self) -> u64 {
        self.chains.iter().map(|chain| chain.report.calls).sum()
    }

    /// Chains introduced so far.
    pub fn chains(&self) -> usize {
        self.chains.len()
    }

    /// Checks the next record.
    ///
    /// # Errors
    /// [`IntegrityError`] for the first record that cannot be right.
    pub fn record(&mut self, record: &Record) -> Result<(), IntegrityError> {
        if let Record::Event { chain, event, .. } = record
            && let Err(fault) = check_hash(event)
        {
            return Err(self.place(*chain, event).with(fault));
        }
        self.record_unhashed(record).map(drop)
    }

    /// Checks all of the next record but the hash of an event after the genesis, which is left to [`check_hash`]; returns
    /// what an event says.
    ///
    /// # Errors
    /// As [`IntegrityChecker::record`].
    pub fn record_unhashed(&mut self, record: &Record) -> Result<Option<ChainEventPayload>, IntegrityError> {
        match record {
            Record::Actor { offset, total, bytes } => {
                self.embedded_piece(*offset, *total, bytes).map(|()| None)
            }
            Record::Chain { number, id } => self.chain(*number, *id).map(|()| None),
            Record::Event { number, chain, event, .. } => match self.event(*number, *chain, event) {
                Ok(payload) => Ok(Some(payload)),
                // Of an event that was altered anything may be wrong; that it was altered is the fault.
                Err(fault) => Err(self.place(*chain, event).with(check_hash(event).err().unwrap_or(fault))),
            },
        }
    }

    /// Where the next event is.
    fn place(&self, chain: ChainNumber, event: &ChainEvent) -> Place {
        let state = self.chains.get(chain.0 as usize);
        Place {
            event: self.events,
            chain,
            id: state.map(|state| state.report.id),
            index: state.map_or(0, |state| state.report.events),
            event_type: event.event_type.to_string(),
        }
    }

    fn embedded_piece(&mut self, offset: u64, piece_total: u64, bytes: &[u8]) -> Result<(), IntegrityError> {
        let fresh = Embedded::Arriving { hasher: ContentHasher::new(), seen: 0, total: piece_total };
        let Embedded::Arriving { mut hasher, seen, total } = self.embedded.take().unwrap_or(fresh) else {
            return Err(IntegrityError::EmbeddedIncomplete { seen: offset, total: piece_total });
        };
        let next = offset.saturating_add(bytes.len() as u64);
        if offset != seen || piece_total != total || next > total {
            return Err(IntegrityError::EmbeddedIncomplete { seen, total });
        }
        hasher.update(bytes);
        self.embedded = Some(if next == total {
            Embedded::Whole(hasher.finish())
        } else {
            Embedded::Arriving { hasher, seen: next, total }
        });
        Ok(())
    }

    fn chain(&mut self, number: ChainNumber, id: TheaterId) -> Result<(), IntegrityError> {
        let expected = ChainNumber(self.chains.len() as u32);
        if number != expected {
            return Err(IntegrityError::ChainOutOfTurn { expected, found: number });
        }
        if let Some(Embedded::Arriving { seen, total, .. }) = self.embedded {
            return Err(IntegrityError::EmbeddedIncomplete { seen, total });
        }
        if !self.ids.insert(id) {
            return Err(IntegrityError::DoubleChain { chain: number, id });
        }
        self.messages.chain(id);
        let report = ChainReport { id, events: 0, calls: 0, head: None };
        self.chains.push(ChainState { report, in_call: false, ended: false });
        Ok(())
    }

    fn event(
        &mut self,
        number: u64,
        chain: ChainNumber,
        event: &ChainEvent,
    ) -> Result<ChainEventPayload, IntegrityFault> {
        let state = self.chains.get_mut(chain.0 as usize).ok_or(IntegrityFault::UnknownChain)?;
        if number != self.events {
            return Err(IntegrityFault::Number { found: number });
        }
        if state.ended {
            return Err(IntegrityFault::AfterShutdown);
        }
        if event.parent_hash != state.report.head {
            return Err(IntegrityFault::Parent { expected: state.report.head, actual: event.parent_hash });
        }
        let payload = event.payload()?;
        match (&payload, state.report.events) {
            (ChainEventPayload::Session(start), 0) => {
                // What becomes of the rest depends on it.
                check_hash(event)?;
                if start.actor_id != state.report.id {
                    return Err(IntegrityFault::GenesisId { chain: state.report.id, found: start.actor_id });
                }
                start.format.check_readable_by(FORMAT_VERSION).map_err(IntegrityFault::GenesisVersion)?;
                check_actor(&self.embedded, &mut self.actor, start.actor.digest)?;
            }
            (_, 0) => return Err(IntegrityFault::NoGenesis),
            (ChainEventPayload::Session(_), _) => return Err(IntegrityFault::SecondGenesis),
            _ => {}
        }
        match &*event.event_type {
            WASM_CALL => {
                state.in_call = true;
                state.report.calls += 1;
            }
            WASM_RESULT | WASM_ERROR => state.in_call = false,
            SHUTDOWN => state.ended = true,
            _ => {}
        }
        self.messages.event(chain, &payload)?;
        state.report.events += 1;
        state.report.head = Some(event.hash);
        self.events += 1;
        Ok(payload)
    }

    /// Checks the end: for a sealed take, counts and heads against the seal. `bytes` go into the report.
    ///
    /// # Errors
    /// [`IntegrityError`] if the end cannot be right.
    pub fn finish(self, state: TakeState, seal: Option<&Seal>, bytes: u64) -> Result<Report, IntegrityError> {
        if state == TakeState::Sealed {
            self.check_sealed(seal.ok_or(IntegrityError::NoSeal)?)?;
        }
        Ok(Report {
            state,
            seal: seal.map(|seal| seal.kind.clone()),
            events: self.events,
            bytes,
            embedded: matches!(self.embedded, Some(Embedded::Whole(_))),
            actor: self.actor,
            chains: self.chains.into_iter().map(|chain| chain.report).collect(),
        })
    }

    fn check_sealed(&self, seal: &Seal) -> Result<(), IntegrityError> {
        if let Some(Embedded::Arriving { seen, total, .. }) = self.embedded {
            return Err(IntegrityError::EmbeddedIncomplete { seen, total });
        }
        same("the number of events is", &seal.events, &self.events)?;
        same("the number of chains is", &seal.chains.len(), &self.chains.len())?;
        for (number, (sealed, chain)) in seal.chains.iter().zip(&self.chains).enumerate() {
            let report = &chain.report;
            same(&format!("the actor of chain {number} is"), &sealed.id, &report.id)?;
            same(&format!("the number of events of chain {number} is"), &sealed.count, &report.events)?;
            let head = |head: Option<EventHash>| head.map_or("none".to_owned(), |head| head.to_string());
            same(&format!("the head of chain {number} is"), &head(sealed.head), &head(report.head))?;
            let chain_number = ChainNumber(number as u32);
            if report.events == 0 {
                return Err(IntegrityError::EmptyChain { chain: chain_number, id: report.id });
            }
            if chain.in_call && seal.kind == SealKind::Complete {
                let (id, events) = (report.id, report.events);
                return Err(IntegrityError::EndsInsideCall { chain: chain_number, id, events });
            }
            if !chain.ended && seal.kind == SealKind::Complete {
                let (id, events) = (report.id, report.events);
                return Err(IntegrityError::NoShutdown { chain: chain_number, id, events });
            }
        }
        if seal.kind == SealKind::Complete {
            self.messages.finish()?;
        }
        Ok(())
    }
}

/// Checks that the hash of an event is that of its content.
///
/// # Errors
/// [`IntegrityFault::Hash`] with both.
pub fn check_hash(event: &ChainEvent) -> Result<(), IntegrityFault> {
    let actual = event.recompute_hash();
    if actual == event.hash { Ok(()) } else { Err(IntegrityFault::Hash { expected: event.hash, actual }) }
}

/// All chains of a take are of one component, and an embedded one is that.
fn check_actor(
    embedded: &Option<Embedded>,
    actor: &mut Option<ContentRef>,
    found: ContentRef,
) -> Result<(), IntegrityFault> {
    let other = match (embedded, *actor) {
        (Some(Embedded::Whole(digest)), _) => Some(("the embedded one", *digest)),
        (_, Some(digest)) => Some(("that of another chain", digest)),
        _ => None,
    };
    if let Some((whose, expected)) = other
        && expected != found
    {
        return Err(IntegrityFault::GenesisActor { whose, expected, found });
    }
    *actor = Some(found);
    Ok(())
}

fn same<T: PartialEq + ToString>(what: &str, sealed: &T, found: &T) -> Result<(), IntegrityError> {
    if sealed == found {
        return Ok(());
    }
    Err(IntegrityError::SealMismatch {
        what: what.into(),
        sealed: sealed.to_string(),
        found: found.to_string(),
    })
}
