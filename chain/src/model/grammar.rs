//! Owns the grammar of a chain: which kind of event may follow which. It is one table, and everything that
//! writes, checks, repairs or re-runs a chain asks it.
//!
//! ```text
//! chain       = genesis  ( between )*  shutdown
//! between     = runtime | creation error | summary | call
//! call        = [message]  wasm-call  ( host call | runtime )*  [ observation  ( runtime )* ]  end
//! end         = wasm-result | wasm-error, of the function that was called
//! ```
//!
//! An actor that is ended from outside right after a message has `shutdown` in place of the call that would
//! take it.

use crate::model::event_type::is_http_incoming_function;
use crate::model::payload::{ChainEventPayload, HostFunctionCall, TheaterRuntimeEventData, WasmEventData};
use crate::model::value::Value;

/// Who decides what an event says, and so what a re-run does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The guest has a part in it: a re-run computes it again.
    Guest,
    /// It follows from recorded calls of the guest: a re-run copies it, and a reader computes it from those
    /// calls.
    Calls,
    /// The host alone: a re-run copies it.
    Host,
}

/// Declares [`EventKind`]: a row has a kind and who decides what such an event says.
macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident: $origin:ident,)*) => {
        /// What part an event has in its chain. Every payload has one: a payload without a kind does not
        /// compile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $kind,)*
        }

        impl EventKind {
            /// All of them.
            pub const ALL: [EventKind; [$(stringify!($kind)),*].len()] = [$(EventKind::$kind,)*];

            /// Who decides what such an event says.
            pub fn origin(self) -> Origin {
                match self {
                    $(EventKind::$kind => Origin::$origin,)*
                }
            }
        }
    };
}

event_kinds! {
    /// `retake/session`.
    Genesis: Host,
    /// `wasm-call`.
    Call: Guest,
    /// A call of the actor to its host.
    HostCall: Guest,
    /// The host's note of an HTTP exchange.
    Observation: Calls,
    /// The `wasm-result` or `wasm-error` that ends a call.
    End: Guest,
    /// A component of which no instance could be made. It does not end a call.
    CreationError: Host,
    /// Something the runtime did, in a call or between two.
    Runtime: Host,
    /// A message that the next call takes.
    Message: Host,
    /// What a replay found.
    Summary: Host,
    /// `shutdown`.
    Shutdown: Guest,
}

impl ChainEventPayload {
    /// What part the event has in its chain.
    pub fn kind(&self) -> EventKind {
        match self {
            ChainEventPayload::Session(_) => EventKind::Genesis,
            ChainEventPayload::HostFunction(call) if call.is_observation() => EventKind::Observation,
            ChainEventPayload::HostFunction(_) => EventKind::HostCall,
            ChainEventPayload::Wasm(WasmEventData::WasmCall { .. }) => EventKind::Call,
            ChainEventPayload::Wasm(WasmEventData::WasmResult { .. } | WasmEventData::WasmError { .. }) => {
                EventKind::End
            }
            ChainEventPayload::Wasm(WasmEventData::WasmComponentCreationError { .. }) => {
                EventKind::CreationError
            }
            ChainEventPayload::TheaterRuntime(
                TheaterRuntimeEventData::Log { .. }
                | TheaterRuntimeEventData::ActorStarted
                | TheaterRuntimeEventData::ShutdownRequested
                | TheaterRuntimeEventData::MessageDropped { .. },
            ) => EventKind::Runtime,
            ChainEventPayload::TheaterRuntime(TheaterRuntimeEventData::Message { .. }) => EventKind::Message,
            ChainEventPayload::Shutdown => EventKind::Shutdown,
            ChainEventPayload::ReplaySummary(_) => EventKind::Summary,
        }
    }
}

impl HostFunctionCall {
    /// Whether this is the host's own note of an HTTP exchange: it carries a request, where a call of the
    /// actor to such an interface carries handles.
    pub fn is_observation(&self) -> bool {
        matches!(self.input[..], [Value::Record(_)])
            && is_http_incoming_function(&self.interface, &self.function)
    }
}

/// An event that may not stand where it does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages say")]
pub enum GrammarFault {
    /// The first event is not a genesis.
    #[error("a chain starts with `retake/session`, not with this")]
    NoGenesis,
    /// A genesis within a chain.
    #[error("a genesis can only be the first event of a chain")]
    SecondGenesis,
    /// A call in a call.
    #[error("`{call}` is called before the call of `{open}` ended; a chain has one call at a time")]
    CallInCall { open: String, call: String },
    /// A host call that no call of the actor made.
    #[error(
        "`{call}` is called outside a call of the actor; a host call comes after a `wasm-call` and before its end"
    )]
    HostCallOutsideCall { call: String },
    /// An end without a call.
    #[error("a call of `{function}` ends, but no call is in progress")]
    EndOutsideCall { function: String },
    /// The end of another function than was called.
    #[error("a call of `{ended}` ends, but the call in progress is of `{open}`")]
    EndOfAnotherCall { open: String, ended: String },
    /// An event that belongs between calls.
    #[error("it is inside the call of `{open}`; such an event stands between calls")]
    InsideCall { open: String },
    /// An observation that is not where it belongs.
    #[error(
        "an observation of an HTTP exchange comes once, after the last host call of a call of its function"
    )]
    ObservationMisplaced,
    /// A message without a call.
    #[error("the message before it must be followed by the call that takes it, and this is not a call")]
    MessageNotTaken,
    /// An event after the end.
    #[error("it comes after `shutdown`, which ends a chain")]
    AfterShutdown,
}

/// What a chain is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    /// No event yet.
    Start,
    /// No event yet, in a chain that may do without a genesis.
    Unbound,
    /// A chain that has no genesis. No take holds it; only its end counts.
    Free,
    /// No call is in progress.
    Between,
    /// A message came, and its call must come.
    MessageDue,
    /// A call is in progress.
    InCall,
    /// A call is in progress, and its exchange was observed.
    Observed,
    /// `shutdown` came.
    Ended,
}

/// What the table says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transition {
    /// It may come, and this follows.
    To(State),
    NoGenesis,
    SecondGenesis,
    CallInCall,
    OutsideCall,
    EndOutside,
    InsideCall,
    Observation,
    NotTaken,
    After,
}

/// The grammar, a row for each state, a column for each of [`EventKind::ALL`].
#[rustfmt::skip]
const TABLE: [(State, [Transition; EventKind::ALL.len()]); 8] = {
    use State::{Between, Ended, Free, InCall, MessageDue, Observed, Start, Unbound};
    use Transition::{
        After, CallInCall, EndOutside, InsideCall, NoGenesis, NotTaken, Observation, OutsideCall, SecondGenesis, To,
    };
    [
        //            genesis         call          host call      observation    end           creation error  runtime         message         summary         shutdown
        (Start,      [To(Between),    NoGenesis,    NoGenesis,     NoGenesis,     NoGenesis,    NoGenesis,      NoGenesis,      NoGenesis,      NoGenesis,      NoGenesis]),
        (Unbound,    [To(Between),    To(Free),     To(Free),      To(Free),      To(Free),     To(Free),       To(Free),       To(Free),       To(Free),       To(Ended)]),
        (Free,       [SecondGenesis,  To(Free),     To(Free),      To(Free),      To(Free),     To(Free),       To(Free),       To(Free),       To(Free),       To(Ended)]),
        (Between,    [SecondGenesis,  To(InCall),   OutsideCall,   Observation,   EndOutside,   To(Between),    To(Between),    To(MessageDue), To(Between),    To(Ended)]),
        (MessageDue, [SecondGenesis,  To(InCall),   NotTaken,      NotTaken,      NotTaken,     NotTaken,       NotTaken,       NotTaken,       NotTaken,       To(Ended)]),
        (InCall,     [SecondGenesis,  CallInCall,   To(InCall),    To(Observed),  To(Between),  InsideCall,     To(InCall),     InsideCall,     InsideCall,     InsideCall]),
        (Observed,   [SecondGenesis,  CallInCall,   Observation,   Observation,   To(Between),  InsideCall,     To(Observed),   InsideCall,     InsideCall,     InsideCall]),
        (Ended,      [After,          After,        After,         After,         After,        After,          After,          After,          After,          After]),
    ]
};

fn step(state: State, kind: EventKind) -> Transition {
    TABLE[state as usize].1[kind as usize]
}

/// Follows one chain, and says of each event whether it may come next.
///
/// # Examples
///
/// ```
/// use retake_chain::{ChainEventPayload, Grammar, GrammarFault};
///
/// let mut grammar = Grammar::new();
/// assert_eq!(grammar.admit(&ChainEventPayload::Shutdown), Err(GrammarFault::NoGenesis));
/// ```
#[derive(Clone, Debug)]
pub struct Grammar {
    state: State,
    /// The function of the call in progress.
    open: Option<String>,
}

/// What a chain is after an event that the grammar allows.
#[derive(Debug)]
pub(crate) struct Admitted {
    state: State,
    /// The function that is called, if one is.
    called: Option<String>,
    ended: bool,
}

impl Default for Grammar {
    fn default() -> Self {
        Grammar::new()
    }
}

impl Grammar {
    /// The grammar of a chain in a take, before its first event.
    pub fn new() -> Self {
        Grammar { state: State::Start, open: None }
    }

    /// The grammar of a chain after one of its events, where no call is in progress.
    pub fn between_calls() -> Self {
        Grammar { state: State::Between, open: None }
    }

    /// The grammar of any chain, before its first event. A chain that does not start with a genesis is in no
    /// take, and may hold events in any order until `shutdown`.
    pub fn unbound() -> Self {
        Grammar { state: State::Unbound, open: None }
    }

    /// The function of the call in progress, if one is.
    pub fn open_call(&self) -> Option<&str> {
        self.open.as_deref()
    }

    /// Whether the chain ended with `shutdown`.
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether a host call may come next. It changes nothing.
    pub fn takes_host_call(&self) -> bool {
        step(self.state, EventKind::HostCall) == Transition::To(self.state)
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// [`GrammarFault`] for an event that may not come next; nothing changes then.
    pub fn admit(&mut self, payload: &ChainEventPayload) -> Result<EventKind, GrammarFault> {
        let kind = payload.kind();
        let admitted = self.look(kind, payload)?;
        self.take(admitted);
        Ok(kind)
    }

    /// Whether an event may come next, without taking it.
    pub(crate) fn check(&self, payload: &ChainEventPayload) -> Result<Admitted, GrammarFault> {
        self.look(payload.kind(), payload)
    }

    /// Takes an event that was checked.
    pub(crate) fn take(&mut self, Admitted { state, called, ended }: Admitted) {
        self.state = state;
        if ended || called.is_some() {
            self.open = called;
        }
    }

    fn look(&self, kind: EventKind, payload: &ChainEventPayload) -> Result<Admitted, GrammarFault> {
        let open = || self.open.clone().unwrap_or_default();
        let state = match step(self.state, kind) {
            Transition::To(state) => state,
            Transition::NoGenesis => return Err(GrammarFault::NoGenesis),
            Transition::SecondGenesis => return Err(GrammarFault::SecondGenesis),
            Transition::CallInCall => {
                return Err(GrammarFault::CallInCall { open: open(), call: subject(payload) });
            }
            Transition::OutsideCall => {
                return Err(GrammarFault::HostCallOutsideCall { call: subject(payload) });
            }
            Transition::EndOutside => {
                return Err(GrammarFault::EndOutsideCall { function: subject(payload) });
            }
            Transition::InsideCall => return Err(GrammarFault::InsideCall { open: open() }),
            Transition::Observation => return Err(GrammarFault::ObservationMisplaced),
            Transition::NotTaken => return Err(GrammarFault::MessageNotTaken),
            Transition::After => return Err(GrammarFault::AfterShutdown),
        };
        let bound = state != State::Free;
        match (kind, payload) {
            (EventKind::Call, ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, .. })) => {
                Ok(Admitted { state, called: Some(function_name.clone()), ended: false })
            }
            (EventKind::End, ChainEventPayload::Wasm(ended)) => {
                match (ended.function_name(), self.open_call()) {
                    (Some(ended), Some(open)) if bound && ended != open => {
                        Err(GrammarFault::EndOfAnotherCall { open: open.into(), ended: ended.into() })
                    }
                    _ => Ok(Admitted { state, called: None, ended: true }),
                }
            }
            (EventKind::Observation, ChainEventPayload::HostFunction(observed))
                if bound && self.open_call() != Some(&*observed.event_type()) =>
            {
                Err(GrammarFault::ObservationMisplaced)
            }
            _ => Ok(Admitted { state, called: None, ended: false }),
        }
    }
}

/// The function that an event is about.
fn subject(payload: &ChainEventPayload) -> String {
    match payload {
        ChainEventPayload::HostFunction(call) => call.event_type().to_string(),
        ChainEventPayload::Wasm(wasm) => wasm.function_name().unwrap_or_default().into(),
        ChainEventPayload::Session(_)
        | ChainEventPayload::TheaterRuntime(_)
        | ChainEventPayload::Shutdown
        | ChainEventPayload::ReplaySummary(_) => String::new(),
    }
}

impl WasmEventData {
    /// The export that this is about; none for a component of which no instance could be made.
    pub fn function_name(&self) -> Option<&str> {
        match self {
            WasmEventData::WasmCall { function_name, .. }
            | WasmEventData::WasmResult { function_name, .. }
            | WasmEventData::WasmError { function_name, .. } => Some(function_name),
            WasmEventData::WasmComponentCreationError { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_and_column_stands_where_it_is_looked_for() {
        for (row, (state, _)) in TABLE.iter().enumerate() {
            assert_eq!(*state as usize, row);
        }
        for (column, kind) in EventKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, column);
        }
    }

    /// How the page of the format names a state.
    fn name(state: State) -> Option<&'static str> {
        match state {
            State::Start => Some("nothing"),
            State::Between => Some("between"),
            State::MessageDue => Some("message"),
            State::InCall => Some("call"),
            State::Observed => Some("observed"),
            State::Ended => Some("ended"),
            State::Unbound | State::Free => None,
        }
    }

    fn cell(step: Transition) -> &'static str {
        match step {
            Transition::To(state) => name(state).unwrap_or("no state of a take"),
            Transition::NoGenesis => "`no-genesis`",
            Transition::SecondGenesis => "`second-genesis`",
            Transition::CallInCall => "`call-in-call`",
            Transition::OutsideCall => "`host-call-outside-call`",
            Transition::EndOutside => "`end-outside-call`",
            Transition::InsideCall => "`event-inside-call`",
            Transition::Observation => "`observation-misplaced`",
            Transition::NotTaken => "`message-not-taken`",
            Transition::After => "`after-shutdown`",
        }
    }

    #[test]
    fn the_page_of_the_format_has_the_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/format.md");
        let page = std::fs::read_to_string(page).expect("the page");
        // The page has one column for the two kinds that it calls notes.
        let columns = [
            EventKind::Genesis,
            EventKind::Call,
            EventKind::HostCall,
            EventKind::Observation,
            EventKind::End,
            EventKind::CreationError,
            EventKind::Runtime,
            EventKind::Message,
            EventKind::Shutdown,
        ];
        for (state, _) in TABLE {
            assert_eq!(step(state, EventKind::CreationError), step(state, EventKind::Summary), "{state:?}");
            let Some(name) = name(state) else { continue };
            let cells: Vec<&str> = columns.iter().map(|kind| cell(step(state, *kind))).collect();
            let row = format!("| {name} | {} |", cells.join(" | "));
            assert!(page.lines().any(|line| line == row), "the page lacks: {row}");
        }
    }

    #[test]
    fn a_call_is_open_exactly_in_the_states_of_a_call() {
        let in_call = |state| matches!(state, State::InCall | State::Observed);
        for (state, row) in TABLE {
            if matches!(state, State::Unbound | State::Free) {
                continue;
            }
            for (kind, step) in EventKind::ALL.into_iter().zip(row) {
                let Transition::To(next) = step else { continue };
                let expected = match kind {
                    EventKind::Call => true,
                    EventKind::End => false,
                    _ => in_call(state),
                };
                assert_eq!(in_call(next), expected, "{kind:?} in {state:?}");
            }
        }
    }
}
