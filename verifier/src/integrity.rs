//! Owns the checks that a take's own bytes allow: hashes, links, genesis, canonical payloads, counts, heads.
//! Reading is the log's; whether the events are what the actor does is for a replay to say.

use std::collections::HashSet;

use retake_chain::log::{FORMAT_VERSION, SealedChain};
use retake_chain::{
    ChainEvent, ChainEventPayload, ChainNumber, ContentHasher, ContentRef, DecodeError, EventKind, Grammar,
    GrammarFault, Record, Seal, SealKind, TakeState, TheaterId,
};

use crate::integrity_error::{IntegrityError, IntegrityFault, Place};
use crate::messages::MessageChecker;
use crate::observation::Observations;
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
    observations: Observations,
}

#[derive(Debug)]
struct ChainState {
    report: ChainReport,
    grammar: Grammar,
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

    /// What was found of a chain so far.
    pub fn chain(&self, number: ChainNumber) -> Option<&ChainReport> {
        self.chains.get(number.0 as usize).map(|chain| &chain.report)
    }

    /// Checks the next record.
    ///
    /// # Errors
    /// [`IntegrityError`] for the first record that cannot be right.
    pub fn record(&mut self, record: &Record) -> Result<(), IntegrityError> {
        self.record_with(record, Alone::of(record)).map(drop)
    }

    /// The same, of a record that was looked at alone before; returns what an event says.
    ///
    /// # Errors
    /// As [`IntegrityChecker::record`].
    pub fn record_with(
        &mut self,
        record: &Record,
        alone: Alone,
    ) -> Result<Option<ChainEventPayload>, IntegrityError> {
        match record {
            Record::Actor { offset, total, bytes } => {
                self.embedded_piece(*offset, *total, bytes).map(|()| None)
            }
            Record::Chain { number, id } => self.begin_chain(*number, *id).map(|()| None),
            Record::Event { chain, event, offset, .. } => match self.event(*chain, event, alone) {
                Ok(payload) => Ok(Some(payload)),
                Err(fault) => {
                    // Of an event that was altered anything may be wrong; that it was altered is the fault.
                    let fault = check_hash(event).err().unwrap_or(fault);
                    Err(self.place(*chain, event, *offset).with(fault))
                }
            },
        }
    }

    /// Where the next event is.
    fn place(&self, chain: ChainNumber, event: &ChainEvent, offset: u64) -> Place {
        let state = self.chains.get(chain.0 as usize);
        Place {
            event: self.events,
            offset,
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

    fn begin_chain(&mut self, number: ChainNumber, id: TheaterId) -> Result<(), IntegrityError> {
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
        self.observations.chain();
        let report = ChainReport { id, events: 0, calls: 0, head: None };
        self.chains.push(ChainState { report, grammar: Grammar::new() });
        Ok(())
    }

    fn event(
        &mut self,
        chain: ChainNumber,
        event: &ChainEvent,
        alone: Alone,
    ) -> Result<ChainEventPayload, IntegrityFault> {
        alone.hash?;
        let state = self.chains.get_mut(chain.0 as usize).ok_or(IntegrityFault::UnknownChain)?;
        if state.grammar.has_ended() {
            return Err(GrammarFault::AfterShutdown.into());
        }
        if event.parent_hash != state.report.head {
            return Err(IntegrityFault::Parent { expected: state.report.head, actual: event.parent_hash });
        }
        let payload = alone.payload.unwrap_or_else(|| event.payload())?;
        let kind = state.grammar.admit(&payload)?;
        if let ChainEventPayload::Session(start) = &payload {
            // What becomes of the rest depends on it.
            check_hash(event)?;
            if start.actor_id != state.report.id {
                return Err(IntegrityFault::GenesisId { chain: state.report.id, found: start.actor_id });
            }
            start.format.check_readable_by(FORMAT_VERSION).map_err(IntegrityFault::GenesisVersion)?;
            check_actor(&self.embedded, &mut self.actor, start.actor.digest)?;
        }
        state.report.calls += u64::from(kind == EventKind::Call);
        self.messages.event(chain, &event.event_type, &payload)?;
        self.observations.event(chain.0 as usize, kind, &payload)?;
        state.report.events += 1;
        state.report.head = Some(event.hash);
        self.events += 1;
        Ok(payload)
    }

    /// Checks the end: counts and heads against the seal, if there is one. `bytes` go into the report.
    ///
    /// # Errors
    /// [`IntegrityError`] if the end cannot be right.
    pub fn finish(self, state: TakeState, seal: Option<&Seal>, bytes: u64) -> Result<Report, IntegrityError> {
        if let Some(seal) = seal {
            self.check_sealed(seal)?;
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
        if seal.events != self.events {
            return Err(IntegrityError::SealedEvents { sealed: seal.events, found: self.events });
        }
        if seal.chains.len() != self.chains.len() {
            let (sealed, found) = (seal.chains.len(), self.chains.len());
            return Err(IntegrityError::SealedChains { sealed, found });
        }
        let chains = || (0..).map(ChainNumber).zip(&self.chains);
        for ((number, chain), sealed) in chains().zip(&seal.chains) {
            chain.check_sealed(number, sealed)?;
        }
        if seal.kind != SealKind::Complete {
            return Ok(());
        }
        for (number, chain) in chains() {
            chain.check_ended(number)?;
        }
        Ok(self.messages.finish()?)
    }
}

impl ChainState {
    fn check_sealed(&self, chain: ChainNumber, sealed: &SealedChain) -> Result<(), IntegrityError> {
        let ChainReport { id, events, head, .. } = self.report;
        if sealed.id != id {
            return Err(IntegrityError::SealedActor { chain, sealed: sealed.id, found: id });
        }
        if sealed.count != events {
            return Err(IntegrityError::SealedCount { chain, sealed: sealed.count, found: events });
        }
        if sealed.head != head {
            return Err(IntegrityError::SealedHead { chain, sealed: sealed.head, found: head });
        }
        Ok(())
    }

    /// Checks that a chain of a complete take has its end.
    fn check_ended(&self, chain: ChainNumber) -> Result<(), IntegrityError> {
        let ChainReport { id, events, .. } = self.report;
        match () {
            () if events == 0 => Err(IntegrityError::EmptyChain { chain, id }),
            () if self.grammar.open_call().is_some() => {
                Err(IntegrityError::EndsInsideCall { chain, id, events })
            }
            () if !self.grammar.has_ended() => Err(IntegrityError::NoShutdown { chain, id, events }),
            () => Ok(()),
        }
    }
}

/// What a record tells without those before it. It is the greater part of a check, and can be done for many records at once.
#[derive(Debug)]
pub struct Alone {
    hash: Result<(), IntegrityFault>,
    /// What an event says.
    payload: Option<Result<ChainEventPayload, DecodeError>>,
}

impl Alone {
    /// Hashes and decodes an event; of another record there is nothing to look at.
    pub fn of(record: &Record) -> Self {
        match record {
            Record::Event { event, .. } => Alone { hash: check_hash(event), ..Alone::unhashed(record) },
            _ => Alone { hash: Ok(()), payload: None },
        }
    }

    /// The same without the hash, which is then left to [`check_hash`]; that of a genesis is checked nevertheless.
    pub fn unhashed(record: &Record) -> Self {
        let payload = match record {
            Record::Event { event, .. } => Some(event.payload()),
            _ => None,
        };
        Alone { hash: Ok(()), payload }
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
