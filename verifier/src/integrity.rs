//! Owns the integrity check of a take, record after record: hashes, links, genesis, canonical payloads,
//! counts, heads. The log reads the records. Whether the actor does what the events say is for a replay to
//! find.

use std::collections::HashSet;

use retake_chain::log::{FORMAT_VERSION, SealedChain};
use retake_chain::{
    ChainEvent, ChainEventPayload, ChainNumber, EventHasher, EventKind, Grammar, GrammarFault, Record, Seal,
    SealKind, TakeState, TheaterId,
};

use crate::embedded::EmbeddedComponent;
use crate::integrity_error::{EventFault, EventLocation, IntegrityError};
use crate::messages::MessageChecker;
use crate::observation::ObservationChecker;
use crate::record_check::{RecordCheck, Said};
use crate::report::{ChainReport, Report};

/// Checks the records of one take, one at a time, up to the first fault. Its memory does not grow with the
/// take; each chain costs about a hundred bytes.
#[derive(Debug, Default)]
pub struct IntegrityChecker {
    chains: Vec<ChainCheck>,
    ids: HashSet<TheaterId>,
    events: u64,
    component: EmbeddedComponent,
    messages: MessageChecker,
    observations: ObservationChecker,
}

#[derive(Debug)]
struct ChainCheck {
    report: ChainReport,
    grammar: Grammar,
}

impl IntegrityChecker {
    /// A checker before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of events checked so far, all without a fault.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Number of export calls that start in these events.
    pub fn calls(&self) -> u64 {
        self.chains.iter().map(|chain| chain.report.calls).sum()
    }

    /// Number of chains introduced so far.
    pub fn chains(&self) -> usize {
        self.chains.len()
    }

    /// The report on a chain so far.
    pub fn chain(&self, number: ChainNumber) -> Option<&ChainReport> {
        self.chains.get(number.0 as usize).map(|chain| &chain.report)
    }

    /// Checks the next record.
    ///
    /// # Errors
    /// [`IntegrityError`] if the record has a fault.
    pub fn record(&mut self, record: &Record) -> Result<(), IntegrityError> {
        self.record_with(record, RecordCheck::of(record, &mut EventHasher::default())).map(drop)
    }

    /// The same for a record whose own check is done. Returns what an event says, if that check kept it.
    ///
    /// # Errors
    /// As [`IntegrityChecker::record`].
    pub fn record_with(
        &mut self,
        record: &Record,
        checked: RecordCheck,
    ) -> Result<Option<ChainEventPayload>, IntegrityError> {
        match record {
            Record::Actor { offset, total, bytes } => {
                self.component.piece(*offset, *total, bytes).map(|()| None)
            }
            Record::Chain { number, id } => self.begin_chain(*number, *id).map(|()| None),
            Record::Event { chain, event, offset, .. } => match self.event(*chain, event, checked) {
                Ok(payload) => Ok(payload),
                Err(fault) => {
                    // An altered event may have any other fault as a result; the alteration is the one to
                    // report.
                    let fault = event.check_hash().err().map_or(fault, EventFault::from);
                    Err(self.location(*chain, event, *offset).with(fault))
                }
            },
        }
    }

    /// Where the next event is.
    fn location(&self, chain: ChainNumber, event: &ChainEvent, offset: u64) -> EventLocation {
        let state = self.chains.get(chain.0 as usize);
        EventLocation {
            event: self.events,
            offset,
            chain,
            id: state.map(|state| state.report.id),
            index: state.map_or(0, |state| state.report.events),
            event_type: event.event_type.to_string(),
        }
    }

    fn begin_chain(&mut self, number: ChainNumber, id: TheaterId) -> Result<(), IntegrityError> {
        let expected = ChainNumber(self.chains.len() as u32);
        if number != expected {
            return Err(IntegrityError::ChainOutOfTurn { expected, found: number });
        }
        self.component.check_not_cut()?;
        if !self.ids.insert(id) {
            return Err(IntegrityError::DuplicateChain { chain: number, id });
        }
        self.messages.chain(id);
        self.observations.chain();
        let report = ChainReport { id, events: 0, calls: 0, head: None };
        self.chains.push(ChainCheck { report, grammar: Grammar::new() });
        Ok(())
    }

    fn event(
        &mut self,
        chain: ChainNumber,
        event: &ChainEvent,
        checked: RecordCheck,
    ) -> Result<Option<ChainEventPayload>, EventFault> {
        checked.hash?;
        let state = self.chains.get_mut(chain.0 as usize).ok_or(EventFault::UnknownChain)?;
        if state.grammar.has_ended() {
            return Err(GrammarFault::AfterShutdown.into());
        }
        event.check_link(state.report.head)?;
        let payload = match checked.said.transpose()? {
            Some(Said::Payload(payload)) => Some(payload),
            Some(Said::HostCall) if state.grammar.takes_host_call() => None,
            // The fault of the grammar names the call.
            Some(Said::HostCall) | None => Some(event.payload()?),
        };
        if let Some(payload) = &payload {
            let kind = state.grammar.admit(payload)?;
            if let ChainEventPayload::Session(start) = payload {
                // All later checks of the chain depend on its genesis.
                event.check_hash()?;
                if start.actor_id != state.report.id {
                    return Err(EventFault::GenesisActor { chain: state.report.id, found: start.actor_id });
                }
                start.format.check_readable_by(FORMAT_VERSION).map_err(EventFault::GenesisVersion)?;
                self.component.check_named(start.actor.digest)?;
            }
            state.report.calls += u64::from(kind == EventKind::Call);
            self.messages.event(chain, &event.event_type, payload)?;
            self.observations.event(chain.0 as usize, kind, payload)?;
        }
        state.report.events += 1;
        state.report.head = Some(event.hash);
        self.events += 1;
        Ok(payload)
    }

    /// Checks the end of the take: the counts and heads in the seal, if there is one. `bytes` go into the
    /// report.
    ///
    /// # Errors
    /// [`IntegrityError`] if the end has a fault.
    pub fn finish(self, state: TakeState, seal: Option<&Seal>, bytes: u64) -> Result<Report, IntegrityError> {
        if let Some(seal) = seal {
            self.check_sealed(seal)?;
        }
        Ok(Report {
            state,
            seal: seal.map(|seal| seal.kind.clone()),
            events: self.events,
            bytes,
            embedded: self.component.is_embedded(),
            actor: self.component.named(),
            chains: self.chains.into_iter().map(|chain| chain.report).collect(),
        })
    }

    fn check_sealed(&self, seal: &Seal) -> Result<(), IntegrityError> {
        self.component.check_not_cut()?;
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

impl ChainCheck {
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
