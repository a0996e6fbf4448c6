//! Owns [`Answers`]: the stand-in that checks each of the actor's calls against the recording and gives the recorded
//! answer.
//!
//! Order is strict: nothing is skipped or searched for. The event of the re-run is appended to a chain of the re-run's
//! own, and its hash compared with the recorded one, before the guest gets its answer. As both hashes are of one content,
//! this is what checks the recorded ones too.

mod answering;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt;
use retake_actor::FunctionName;
use retake_chain::{
    CANCELLED, ChainEvent, ChainEventData, ChainEventPayload, ChainNumber, EventHash, EventKind,
    HostFunctionCall, Outcome, StateChain, Value, WasmEventData,
};
use retake_verifier::{
    self as verifier, Described, Divergence, DivergenceKind, ExportCall, IntegrityError, IntegrityFault,
    check_hash, compare,
};

use wasmtime::UpdateDeadline;

use crate::earliest::Earliest;
use crate::error::ReplayError;
use crate::stack::StackDepth;
use crate::window::{Cursor, Position, Recorded};

/// Why a re-run stops before the end of its chain.
pub(crate) enum Stop {
    /// It did something that the take does not say, at the event with this number in the take.
    Diverged(u64, Box<Divergence>),
    /// The event with this number in the take is not what its hash says.
    Altered(u64, IntegrityError),
    /// The recording ends here, without a seal behind it.
    RecordingEnds,
    /// Another chain diverged at an earlier event.
    Superseded,
    /// Something failed that is not the actor's doing.
    Failed(ReplayError),
}

/// The re-run of one chain: where it is in the recording, and what it has recomputed.
pub(crate) struct Answers {
    chain: Arc<StateChain>,
    chain_number: ChainNumber,
    cursor: Cursor,
    /// Number in the take of the earliest event of any chain at which a re-run stopped; later ones are not re-run.
    earliest: Arc<Earliest>,
    /// How many calls of the chain came before those that are re-run here.
    calls_before: u64,
    /// The event that was checked last.
    last: Option<Place>,
    /// The call that the shim has announced and that has not come, where there is a shim.
    announced: Option<(FunctionName, Vec<Value>)>,
    /// Where the stack was when the guest was entered.
    stack: StackDepth,
    /// The export call in progress.
    call: Option<ExportCall>,
    pub calls: u64,
    /// Of those, how many were given up when they were recorded.
    pub given_up: u64,
    pub events: u64,
    /// Set when the re-run must end; the guest is then stopped with an error that says no more.
    pub stop: Option<Stop>,
    /// Functions that the build imports in another version than was recorded: recorded name, the build's name.
    pub renamed: BTreeSet<(String, String)>,
}

/// An event of the recording, and where it is.
struct Place {
    event: ChainEvent,
    /// Index in the chain.
    index: u64,
    position: Position,
}

impl Answers {
    pub fn new(
        chain: Arc<StateChain>,
        chain_number: ChainNumber,
        cursor: Cursor,
        earliest: Arc<Earliest>,
        calls_before: u64,
    ) -> Self {
        Answers {
            chain,
            chain_number,
            cursor,
            earliest,
            calls_before,
            last: None,
            announced: None,
            stack: StackDepth::here(),
            call: None,
            calls: 0,
            given_up: 0,
            events: 0,
            stop: None,
            renamed: BTreeSet::new(),
        }
    }

    pub fn head(&self) -> Option<EventHash> {
        self.chain.head_hash()
    }

    /// The next event of the recording.
    pub fn recorded(&mut self) -> Option<Recorded<'_>> {
        self.cursor.peek()
    }

    /// Begins an export call: what follows belongs to it.
    pub fn begin_call(&mut self, function: &str, params: &[Value]) {
        self.call = Some(ExportCall {
            index: self.calls_before + self.calls,
            function: function.to_string(),
            params: params.to_vec(),
        });
    }

    pub fn end_call(&mut self, given_up: bool) {
        self.given_up += u64::from(given_up);
        self.call = None;
        self.calls += 1;
    }

    /// Whether the call in progress was given up at this point of the recording.
    pub fn cancelled_here(&mut self) -> bool {
        self.cursor.peek().is_some_and(|recorded| match recorded.payload {
            ChainEventPayload::Wasm(WasmEventData::WasmError { message, .. }) => message == CANCELLED,
            ChainEventPayload::HostFunction(call) => {
                recorded.is_observation() && call.output == Outcome::Cancelled
            }
            _ => false,
        })
    }

    /// Takes over an event in which the guest has no part, and what the runtime did after it.
    pub fn copy(&mut self) -> Result<(), Stop> {
        self.copy_one()?;
        self.copy_runtime()
    }

    /// Takes over what the runtime did before the next event of another kind. The guest can be no further than that.
    fn copy_runtime(&mut self) -> Result<(), Stop> {
        while self.cursor.peek().is_some_and(|recorded| recorded.payload.kind() == EventKind::Runtime) {
            self.copy_one()?;
        }
        Ok(())
    }

    fn copy_one(&mut self) -> Result<(), Stop> {
        let Some(place) = self.next_place() else { return Err(Stop::RecordingEnds) };
        let copied = self.chain.append_recorded(&place.event).now_or_never();
        self.check(place, copied)
    }

    /// The same as [`emit`](Self::emit) within a call; takes over what the runtime did after it.
    pub fn emit_in_call(&mut self, data: ChainEventData) -> Result<(), Stop> {
        self.emit(data)?;
        self.copy_runtime()
    }

    /// Appends what the re-run did, which must be what the recording says next.
    pub fn emit(&mut self, data: ChainEventData) -> Result<(), Stop> {
        let Some(place) = self.next_place() else { return Err(Stop::RecordingEnds) };
        if self.earliest.is_before(place.position.number) {
            return Err(Stop::Superseded);
        }
        let actual = self.chain.add_typed_event(data).now_or_never();
        self.check(place, actual)
    }

    fn check(
        &mut self,
        place: Place,
        actual: Option<Result<ChainEvent, retake_chain::ChainError>>,
    ) -> Result<(), Stop> {
        // The re-run's chain has no subscriber, so an append has nobody to wait for.
        let actual = match actual {
            Some(Ok(actual)) => actual,
            Some(Err(error)) => return Err(failed(&error.to_string())),
            None => return Err(failed("the chain of the re-run is stalled")),
        };
        // That the contents agree too is what proves the recorded hash.
        if !same_content(&place.event, &actual) || place.event.hash != actual.hash {
            let kind = compare(&place.event, &actual).unwrap_or(DivergenceKind::DifferentHash);
            return Err(self.diverged_at(&place, kind, Some(&actual)));
        }
        self.cursor.advance();
        self.events += 1;
        self.last = Some(place);
        Ok(())
    }

    fn next_place(&mut self) -> Option<Place> {
        let Recorded { event, index, position, .. } = self.cursor.peek()?;
        Some(Place { event: event.clone(), index, position })
    }

    /// The guest's code is about to run, from this depth of the stack on.
    pub fn enter_guest(&mut self) {
        self.stack = StackDepth::here();
    }

    /// Asked while the guest runs, after the epoch has changed: goes on, unless an earlier event is known to differ.
    pub fn interrupted(&mut self) -> wasmtime::Result<UpdateDeadline> {
        match self.cursor.here() {
            Some(next) if self.earliest.is_before(next.number) => {
                self.stop = Some(Stop::Superseded);
                Ok(UpdateDeadline::Interrupt)
            }
            _ => Ok(UpdateDeadline::Continue(1)),
        }
    }

    /// A call that the shim announced and did not come to make ended in the shim, as the export call did.
    pub fn close_call(&mut self, outcome: &Outcome) -> Result<(), Stop> {
        let Some((call, input)) = self.announced.take() else { return Ok(()) };
        self.emit_in_call(ChainEventData {
            event_type: call.event_type,
            data: ChainEventPayload::HostFunction(HostFunctionCall {
                interface: call.interface,
                function: call.function,
                input,
                output: outcome.clone(),
            }),
        })
    }

    /// A divergence at the next event of the recording.
    pub fn diverged(&mut self, kind: DivergenceKind, actual: Option<&ChainEvent>) -> Stop {
        match self.next_place() {
            Some(place) => self.diverged_at(&place, kind, actual),
            None => Stop::RecordingEnds,
        }
    }

    /// The value in the event that was checked last does not fit the build.
    pub fn unfit(&mut self, reason: String) -> Stop {
        match self.last.take() {
            Some(place) => self.diverged_at(&place, DivergenceKind::UnfitAnswer { reason }, None),
            None => Stop::RecordingEnds,
        }
    }

    fn diverged_at(&self, place: &Place, kind: DivergenceKind, actual: Option<&ChainEvent>) -> Stop {
        self.earliest.note(place.position.number);
        if let Err(fault) = check_hash(&place.event) {
            return Stop::Altered(place.position.number, self.fault_at(place, fault));
        }
        let divergence = Divergence {
            chain: self.chain.actor_id(),
            chain_number: self.chain_number.0,
            event_index: place.index,
            kind,
            call: self.call.clone(),
            expected: Some(Described::of(&place.event)),
            actual: actual.map(Described::of),
        };
        Stop::Diverged(place.position.number, Box::new(divergence))
    }

    fn fault_at(&self, place: &Place, fault: IntegrityFault) -> IntegrityError {
        let place = verifier::Place {
            event: place.position.number,
            offset: place.position.offset,
            chain: self.chain_number,
            id: Some(self.chain.actor_id()),
            index: place.index,
            event_type: place.event.event_type.to_string(),
        };
        place.with(fault)
    }

    /// Checks the hashes of what is not re-run; returns the number of the first event whose hash is wrong, and the fault.
    pub fn check_rest(&mut self) -> Option<(u64, IntegrityError)> {
        while let Some(place) = self.next_place() {
            if let Err(fault) = check_hash(&place.event) {
                self.earliest.note(place.position.number);
                return Some((place.position.number, self.fault_at(&place, fault)));
            }
            self.cursor.advance();
        }
        None
    }
}

fn same_content(recorded: &ChainEvent, actual: &ChainEvent) -> bool {
    recorded.data == actual.data
        && recorded.event_type == actual.event_type
        && recorded.parent_hash == actual.parent_hash
}

fn failed(reason: &str) -> Stop {
    Stop::Failed(ReplayError::Engine { reason: reason.to_string() })
}
