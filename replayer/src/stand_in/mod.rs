//! Owns [`Answers`]: the stand-in that checks each of the actor's calls against the recording and gives the
//! recorded answer.
//!
//! Order is strict: nothing is skipped or searched for. The event of the re-run is appended to a chain of the
//! re-run's own, and its hash compared with the recorded one, before the guest gets its answer. Both hashes
//! cover the same content, so the comparison also checks the recorded hashes.

mod answering;
mod interruption;

pub(crate) use interruption::Interrupted;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use retake_actor::{FunctionName, RaisedIn};
use retake_chain::{
    ChainError, ChainEvent, ChainEventData, ChainEventPayload, ChainHead, ChainNumber, EventHash, EventKind,
    EventRef, HostFunctionCall, LinkFault, Outcome, TheaterId, Value, WASM_CALL, WasmErrorKind,
    WasmEventData,
};
use retake_verifier::{
    CalledExport, Divergence, DivergenceKind, EventDescription, EventLocation, IntegrityError,
    adopt_recorded_message, compare,
};

use crate::clocks::{CallClock, TakeClock};
use crate::earliest::Earliest;
use crate::error::ReplayError;
use crate::stack::{StackRule, StackUse};
use crate::time_bound::TimedOut;
use crate::window::{Cursor, Position, RecordedEvent};

/// Why a re-run stops before the end of its chain.
pub(crate) enum RerunStop {
    /// It did something that the take does not say, at the event with this number in the take.
    Diverged(u64, Box<Divergence>),
    /// The event with this number in the take is not what its hash says.
    Altered(u64, IntegrityError),
    /// The recording ends here, without a seal after it.
    RecordingEnds,
    /// It took too long, before the event with this number in the take.
    TimedOut(u64, Box<TimedOut>),
    /// Another chain diverged at an earlier event.
    Superseded,
    /// Something failed that is not the actor's doing.
    Failed(ReplayError),
}

/// The re-run of one chain: where it is in the recording, and what it has recomputed.
pub(crate) struct Answers {
    chain: ChainHead,
    id: TheaterId,
    chain_number: ChainNumber,
    cursor: Cursor,
    /// Number in the take of the earliest event of any chain at which a re-run stopped; later ones are not
    /// re-run.
    earliest: Arc<Earliest>,
    /// How long the call in progress takes.
    clock: CallClock,
    /// How many calls of the chain came before those that are re-run here.
    calls_before: u64,
    /// The call that the shim has announced and that has not come, where there is a shim.
    announced: Option<(FunctionName, Vec<Value>)>,
    /// Of the guest, once it was entered.
    stack: Option<StackUse>,
    stack_rule: StackRule,
    /// Number in the take of the event before which the guest's stack is watched.
    watched: Option<u64>,
    /// The export call in progress.
    call: Option<CalledExport>,
    pub calls: u64,
    /// Of those, how many were given up when they were recorded.
    pub given_up: u64,
    /// Of those, how many were given up before anything that the guest did could be compared.
    pub unchecked: u64,
    pub events: u64,
    /// Whether something that the guest did in the call in progress was compared.
    compared: bool,
    /// Set when the re-run must end; the guest is then stopped with an error that says no more.
    pub stop: Option<RerunStop>,
    /// Functions that the build imports in another version than was recorded: recorded name, the build's
    /// name.
    pub renamed: BTreeSet<(String, String)>,
}

/// An event of the recording, and where it is.
struct LocatedEvent {
    event: ChainEvent,
    /// Index in the chain.
    index: u64,
    position: Position,
}

/// Where in the take a re-run starts.
pub(crate) struct Start {
    /// The actor.
    pub id: TheaterId,
    pub chain_number: ChainNumber,
    /// Of the events that come before.
    pub chain: ChainHead,
    /// How many calls of the chain come before.
    pub calls_before: u64,
}

impl Answers {
    pub fn new(
        start: Start,
        cursor: Cursor,
        stack_rule: StackRule,
        earliest: Arc<Earliest>,
        clock: TakeClock,
    ) -> Self {
        let Start { id, chain_number, chain, calls_before } = start;
        Answers {
            chain,
            id,
            chain_number,
            cursor,
            earliest,
            clock: CallClock::start(clock, Duration::ZERO),
            calls_before,
            announced: None,
            stack: None,
            stack_rule,
            watched: None,
            call: None,
            calls: 0,
            given_up: 0,
            unchecked: 0,
            events: 0,
            compared: false,
            stop: None,
            renamed: BTreeSet::new(),
        }
    }

    pub fn head(&self) -> Option<EventHash> {
        self.chain.head()
    }

    /// The next event of the recording.
    pub fn recorded(&mut self) -> Option<RecordedEvent<'_>> {
        self.cursor.peek()
    }

    /// Begins an export call: what follows belongs to it.
    pub fn begin_call(&mut self, function: &str, params: &[Value]) {
        self.clock.restart(self.cursor.waited());
        self.call = Some(CalledExport {
            index: self.calls_before + self.calls,
            function: function.to_string(),
            params: params.to_vec(),
        });
        self.compared = false;
    }

    pub fn end_call(&mut self, given_up: bool) {
        self.given_up += u64::from(given_up);
        self.unchecked += u64::from(!self.compared);
        self.call = None;
        self.calls += 1;
    }

    /// Whether the call in progress was given up at this point of the recording.
    pub fn cancelled_here(&mut self) -> bool {
        self.cursor.peek().is_some_and(|recorded| match recorded.payload {
            ChainEventPayload::Wasm(WasmEventData::WasmError { kind, .. }) => {
                *kind == WasmErrorKind::Cancelled
            }
            ChainEventPayload::HostFunction(call) => {
                recorded.is_observation() && call.output == Outcome::Cancelled
            }
            _ => false,
        })
    }

    /// Takes over an event in which the guest has no part, and what the runtime did after it.
    pub fn copy(&mut self) -> Result<(), RerunStop> {
        self.copy_one()?;
        self.copy_runtime()
    }

    /// Takes over what the runtime did before the next event of another kind. The guest can be no further
    /// than that.
    fn copy_runtime(&mut self) -> Result<(), RerunStop> {
        while self.cursor.peek().is_some_and(|recorded| recorded.payload.kind() == EventKind::Runtime) {
            self.copy_one()?;
        }
        Ok(())
    }

    fn copy_one(&mut self) -> Result<(), RerunStop> {
        let Some(RecordedEvent { event, .. }) = self.cursor.peek() else {
            return Err(RerunStop::RecordingEnds);
        };
        let found = found_other(event, self.chain.append_recorded(event));
        self.check(found)
    }

    /// The same as [`emit`](Self::emit) within a call; takes over what the runtime did after it.
    pub fn emit_in_call(&mut self, data: ChainEventData) -> Result<(), RerunStop> {
        self.emit(data)?;
        self.copy_runtime()
    }

    /// Appends what the re-run did, which must be what the recording says next.
    pub fn emit(&mut self, mut data: ChainEventData) -> Result<(), RerunStop> {
        let Some(recorded) = self.cursor.peek() else { return Err(RerunStop::RecordingEnds) };
        adopt_recorded_message(recorded.payload, &mut data.data);
        self.emit_as_it_is(&data)
    }

    /// The same with the recorded messages in it.
    fn emit_as_it_is(&mut self, data: &ChainEventData) -> Result<(), RerunStop> {
        let Some(recorded) = self.cursor.peek() else { return Err(RerunStop::RecordingEnds) };
        if self.earliest.is_before(recorded.position.number) {
            return Err(RerunStop::Superseded);
        }
        let found = found_other(recorded.event, self.chain.append_lent(data));
        self.check(found)?;
        self.compared |= is_of_the_guest(&data.data);
        Ok(())
    }

    /// Where an error came from that ended the guest's call: a call that the shim has announced is one of the
    /// host.
    pub fn raised_in(&self) -> RaisedIn {
        RaisedIn::open_call(self.announced.is_some())
    }

    /// Goes on after the next event, unless another was found in its place.
    fn check(&mut self, found_other: Result<Option<ChainEvent>, ChainError>) -> Result<(), RerunStop> {
        match found_other.map_err(|error| RerunStop::Failed(error.into()))? {
            Some(actual) => Err(self.differs(&actual)),
            None => {
                self.cursor.advance();
                self.events += 1;
                Ok(())
            }
        }
    }

    fn next_place(&mut self) -> Option<LocatedEvent> {
        let RecordedEvent { event, index, position, .. } = self.cursor.peek()?;
        Some(LocatedEvent { event: event.clone(), index, position })
    }

    /// Whether the guest may run on. Without an event to check against it could do so without end, and so it
    /// could before an event that nobody will look at.
    pub fn runs_on(&mut self) -> Result<(), RerunStop> {
        match self.cursor.peek().map(|recorded| recorded.position.number) {
            None => Err(RerunStop::RecordingEnds),
            Some(next) if self.earliest.is_before(next) => Err(RerunStop::Superseded),
            Some(_) => Ok(()),
        }
    }

    /// A call that the shim announced and did not come to make ended in the shim, as the export call did.
    pub fn close_call(&mut self, outcome: &Outcome) -> Result<(), RerunStop> {
        let Some((call, input)) = self.announced.take() else { return Ok(()) };
        let FunctionName { event_type, interface, function } = call;
        let ended = HostFunctionCall { interface, function, input, output: outcome.clone() };
        self.emit_in_call(ChainEventData::host_function_as(event_type, ended))
    }

    /// The re-run did this at the next event of the recording, which does not count as the same.
    pub fn did_otherwise(&mut self, data: &ChainEventData) -> RerunStop {
        let actual = data.to_chain_event(self.chain.head());
        self.differs(&actual)
    }

    /// The re-run made this event, which is not the next one of the recording.
    fn differs(&mut self, actual: &ChainEvent) -> RerunStop {
        let Some(place) = self.next_place() else { return RerunStop::RecordingEnds };
        let kind = compare(&place.event, actual).unwrap_or(DivergenceKind::DifferentHash);
        self.diverged_at(&place, kind, Some(actual))
    }

    /// A divergence at the next event of the recording.
    pub fn diverged(&mut self, kind: DivergenceKind, actual: Option<&ChainEvent>) -> RerunStop {
        match self.next_place() {
            Some(place) => self.diverged_at(&place, kind, actual),
            None => RerunStop::RecordingEnds,
        }
    }

    /// The value in the event that was checked last does not fit the build: an answer, or the arguments of
    /// the call that begins with it.
    pub fn unfit(&mut self, reason: String) -> RerunStop {
        let Some((event, index, position)) = self.cursor.last() else { return RerunStop::RecordingEnds };
        let place = LocatedEvent { event: event.clone(), index, position };
        let kind = match &*place.event.event_type {
            WASM_CALL => DivergenceKind::UnfitArguments { reason },
            _ => DivergenceKind::UnfitAnswer { reason },
        };
        self.diverged_at(&place, kind, None)
    }

    fn diverged_at(
        &self,
        place: &LocatedEvent,
        kind: DivergenceKind,
        actual: Option<&ChainEvent>,
    ) -> RerunStop {
        self.earliest.note(place.position.number);
        if let Err(fault) = place.event.check_hash() {
            return RerunStop::Altered(place.position.number, self.fault_at(place, fault));
        }
        let divergence = Divergence {
            chain: self.id,
            chain_number: self.chain_number.0,
            event: place.position.number,
            event_index: place.index,
            kind,
            call: self.call.clone(),
            expected: Some(EventDescription::of(&place.event)),
            actual: actual.map(EventDescription::of),
        };
        RerunStop::Diverged(place.position.number, Box::new(divergence))
    }

    fn fault_at(&self, place: &LocatedEvent, fault: LinkFault) -> IntegrityError {
        let location = EventLocation {
            event: place.position.number,
            offset: place.position.offset,
            chain: self.chain_number,
            id: Some(self.id),
            index: place.index,
            event_type: place.event.event_type.to_string(),
        };
        location.with(fault.into())
    }

    /// Checks the hashes of what is not re-run; returns the number of the first event whose hash is wrong,
    /// and the fault.
    pub fn check_rest(&mut self) -> Option<(u64, IntegrityError)> {
        while let Some(place) = self.next_place() {
            if let Err(fault) = place.event.check_hash() {
                self.earliest.note(place.position.number);
                return Some((place.position.number, self.fault_at(&place, fault)));
            }
            self.cursor.advance();
        }
        None
    }
}

/// Whether an event says what the guest did, and not just what was asked of it or that it was given up.
fn is_of_the_guest(payload: &ChainEventPayload) -> bool {
    match payload {
        ChainEventPayload::HostFunction(_) | ChainEventPayload::Wasm(WasmEventData::WasmResult { .. }) => {
            true
        }
        ChainEventPayload::Wasm(WasmEventData::WasmError { kind, .. }) => *kind != WasmErrorKind::Cancelled,
        ChainEventPayload::Wasm(
            WasmEventData::WasmCall { .. } | WasmEventData::WasmComponentCreationError { .. },
        )
        | ChainEventPayload::Session(_)
        | ChainEventPayload::TheaterRuntime(_)
        | ChainEventPayload::Shutdown
        | ChainEventPayload::ReplaySummary(_) => false,
    }
}

/// The event that the re-run made, if it is not the recorded one. That the contents agree too is what proves
/// the recorded hash.
fn found_other(
    recorded: &ChainEvent,
    actual: Result<EventRef<'_>, ChainError>,
) -> Result<Option<ChainEvent>, ChainError> {
    let actual = actual?;
    let same = recorded.data == *actual.data
        && recorded.event_type == *actual.event_type
        && recorded.parent_hash == actual.parent_hash
        && recorded.hash == actual.hash;
    Ok((!same).then(|| actual.to_event()))
}
