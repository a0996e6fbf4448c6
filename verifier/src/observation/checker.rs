//! Owns the check of all observations of a take, event after event.

use retake_chain::{
    ChainEventPayload, EventKind, InstanceMode, SessionKind, SessionStart, Value, WasmEventData,
    is_http_incoming,
};

use super::exchange::{Current, Exchange};
use super::fault::ObservationFault;

/// Memory for the exchanges in progress of all chains. A chain whose exchange needs more is not compared.
const BUDGET: usize = 64 << 20;

/// Checks the events of all chains, in the order of the take.
#[derive(Debug)]
pub(crate) struct ObservationChecker {
    /// By chain number.
    chains: Vec<ObservedChain>,
    /// The rest of [`BUDGET`].
    budget: usize,
}

#[derive(Debug, Default)]
struct ObservedChain {
    is_http: bool,
    keeps_instance: bool,
    exchange: Option<Box<Exchange>>,
}

impl Default for ObservationChecker {
    fn default() -> Self {
        ObservationChecker { chains: Vec::new(), budget: BUDGET }
    }
}

impl ObservationChecker {
    /// Introduces the next chain.
    pub fn chain(&mut self) {
        self.chains.push(ObservedChain::default());
    }

    /// Checks the next event of an introduced chain. The grammar allows the event.
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
                    exchange.host_call(call, &mut self.budget);
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
                    exchange.end(&mut self.budget);
                }
                chain.leave_instance(&mut self.budget);
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

impl ObservedChain {
    fn begin(&mut self, start: &SessionStart) {
        self.is_http = start.kind == SessionKind::Http;
        self.keeps_instance = start.instance_mode == InstanceMode::Session;
    }

    fn call(&mut self, function: &str, params: &[Value]) {
        let is_exchange = is_http_incoming(function);
        // An earlier call of the same instance may make resources that an exchange uses.
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

    /// Forgets the resources of an instance that ends with the call.
    fn leave_instance(&mut self, budget: &mut usize) {
        if !self.keeps_instance
            && let Some(exchange) = self.exchange.take()
        {
            exchange.give_back(budget);
        }
    }
}
