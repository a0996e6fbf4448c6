//! Owns the check of what the host noted of HTTP exchanges: the observation of a call follows from the host calls that the actor
//! made in it, so it is computed from those and compared. No clock, no re-run: `verify` and `replay` both come here.
//!
//! What the calls do not tell is not compared: a part that the actor never asked for, a body that was forwarded or not
//! read to its end, headers of unknown content. Nothing is guessed.

mod compare;
mod exchange;
mod value;

use retake_chain::{
    ChainEventPayload, EventKind, InstanceMode, SessionKind, SessionStart, Value, WasmEventData,
    is_http_incoming,
};

use self::exchange::{Current, Exchange};

/// Memory for all that is known of exchanges in progress; beyond it a chain's exchange is not compared.
const BUDGET: usize = 64 << 20;

/// An observation that is not what the calls of the actor make of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages say")]
pub enum ObservationFault {
    /// It has not the form of an observation.
    #[error("the observation of the exchange lacks a field, or has another in its place: {what}")]
    Form { what: &'static str },
    /// A part of the request or response differs.
    #[error("the observation says that the {part} is {observed}; by the calls of the actor it is {computed}")]
    Differs { part: &'static str, observed: String, computed: String },
    /// A response was observed that the actor did not give.
    #[error("the observation has a response, but the actor {did}")]
    NoResponse { did: &'static str },
    /// A body that was finished is said to have broken off.
    #[error(
        "the observation before it says that the response broke off, but the actor finished it and returned"
    )]
    Finished,
    /// A call that was not given up is said to have been.
    #[error("the observation before it says that the call was given up, but the call came to its end")]
    NotGivenUp,
    /// There is none.
    #[error("the call of `{function}` ends without the observation of its exchange; it was removed")]
    Missing { function: String },
}

/// Takes the events of all chains.
#[derive(Debug)]
pub(crate) struct Observations {
    /// By number.
    chains: Vec<Chain>,
    /// What is left of [`BUDGET`].
    left: usize,
}

#[derive(Debug, Default)]
struct Chain {
    is_http: bool,
    keeps_instance: bool,
    exchange: Option<Box<Exchange>>,
}

impl Default for Observations {
    fn default() -> Self {
        Observations { chains: Vec::new(), left: BUDGET }
    }
}

impl Observations {
    /// Takes the next chain.
    pub fn chain(&mut self) {
        self.chains.push(Chain::default());
    }

    /// Takes the next event, which the grammar allows, of a chain that was introduced.
    pub fn event(
        &mut self,
        chain: usize,
        kind: EventKind,
        payload: &ChainEventPayload,
    ) -> Result<(), ObservationFault> {
        let Some(chain) = self.chains.get_mut(chain) else { return Ok(()) };
        match (kind, payload) {
            (EventKind::Genesis, ChainEventPayload::Session(start)) => chain.begin(start),
            (EventKind::Call, ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, params })) => {
                chain.call(function_name, params);
            }
            (EventKind::HostCall, ChainEventPayload::HostFunction(call)) => {
                if let Some(exchange) = &mut chain.exchange {
                    exchange.host_call(call, &mut self.left);
                }
            }
            (EventKind::Observation, ChainEventPayload::HostFunction(call)) => {
                if let Some(exchange) = &mut chain.exchange {
                    exchange.observed(call)?;
                }
            }
            (EventKind::End, ChainEventPayload::Wasm(ended)) => {
                if let Some(exchange) = &mut chain.exchange {
                    exchange.ended(ended)?;
                    exchange.end(&mut self.left);
                }
                chain.leave_instance(&mut self.left);
            }
            (
                EventKind::Genesis
                | EventKind::Call
                | EventKind::HostCall
                | EventKind::Observation
                | EventKind::End
                | EventKind::CreationError
                | EventKind::Runtime
                | EventKind::Message
                | EventKind::Summary
                | EventKind::Shutdown,
                _,
            ) => {}
        }
        Ok(())
    }
}

impl Chain {
    fn begin(&mut self, start: &SessionStart) {
        self.is_http = start.kind == SessionKind::Http;
        self.keeps_instance = start.instance_mode == InstanceMode::Session;
    }

    fn call(&mut self, function: &str, params: &[Value]) {
        let is_exchange = is_http_incoming(function);
        // A call before may make what an exchange of the same instance uses.
        let may_matter = self.keeps_instance && (self.is_http || self.exchange.is_some());
        if !is_exchange && !may_matter {
            return;
        }
        self.exchange.get_or_insert_default().current = match params {
            [Value::Handle(request), Value::Handle(outparam)] if is_exchange => {
                Some(Current { request: *request, outparam: *outparam, ..Current::default() })
            }
            _ => None,
        };
    }

    /// What is known of an instance is of no use in the next one.
    fn leave_instance(&mut self, left: &mut usize) {
        if !self.keeps_instance
            && let Some(exchange) = self.exchange.take()
        {
            exchange.give_back(left);
        }
    }
}
