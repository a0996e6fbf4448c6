//! Owns the check across the chains of a take: a message that one chain says was sent is the message that
//! another says was received.

use std::collections::HashMap;

use retake_chain::{
    ActorMessage, ChainEventPayload, ChainNumber, ContentRef, HostFunctionCall, Outcome, TheaterId,
    TheaterRuntimeEventData, Value, WasmErrorKind, WasmEventData, is_message, response_in,
};

use crate::message_fault::{MAX_IN_FLIGHT, MessageFault};

/// What is known of a message of which one of two ends was read.
#[derive(Debug)]
enum Half {
    Sent {
        to: String,
        content: ContentRef,
    },
    /// The sending call did not return, so the message may or may not have been sent.
    PerhapsSent {
        to: String,
        sent: Taken,
    },
    Received {
        by: ChainNumber,
        taken: Taken,
        response: Option<ContentRef>,
    },
    Dropped {
        by: ChainNumber,
    },
}

/// What a call that takes messages was called with.
#[derive(Debug, PartialEq)]
struct Taken {
    as_request: bool,
    content: ContentRef,
}

/// The sender, and its number for the message.
type MessageKey = (TheaterId, u64);

/// Checks the events of all chains, in the order of the take.
#[derive(Debug, Default)]
pub(crate) struct MessageChecker {
    /// By chain number.
    chains: Vec<ActorMessages>,
    in_flight: HashMap<MessageKey, Half>,
}

#[derive(Debug)]
struct ActorMessages {
    id: TheaterId,
    /// Messages that it sent or tried to send.
    sent: u64,
    /// The message that the next call must take.
    arriving: Option<MessageKey>,
    /// The request that the call in progress responds to.
    responding: Option<MessageKey>,
    /// A call was given up, so the other end of a message may be missing.
    given_up: bool,
}

impl MessageChecker {
    /// Introduces the next chain.
    pub fn chain(&mut self, id: TheaterId) {
        self.chains.push(ActorMessages { id, sent: 0, arriving: None, responding: None, given_up: false });
    }

    /// Checks the next event of an introduced chain. The grammar allows the event.
    pub fn event(
        &mut self,
        chain: ChainNumber,
        event_type: &str,
        payload: &ChainEventPayload,
    ) -> Result<(), MessageFault> {
        let Some(actor) = self.chains.get_mut(chain.0 as usize) else { return Ok(()) };
        let arriving = actor.arriving.take();
        match payload {
            ChainEventPayload::HostFunction(call) if is_message(event_type) => {
                let key = (actor.id, actor.sent);
                actor.sent += 1;
                self.sent(key, call)?;
            }
            ChainEventPayload::TheaterRuntime(TheaterRuntimeEventData::Message { from, number }) => {
                actor.arriving = Some((*from, *number));
            }
            ChainEventPayload::TheaterRuntime(TheaterRuntimeEventData::MessageDropped { from, number }) => {
                self.dropped((*from, *number), chain)?;
            }
            ChainEventPayload::Wasm(WasmEventData::WasmCall { function_name, params }) => {
                if let Some((from, number)) = arriving {
                    actor.responding = arriving;
                    let taken = taken((from, number), function_name, params);
                    let taken = taken.ok_or(MessageFault::NotTaken { from, number })?;
                    self.received((from, number), chain, taken)?;
                }
            }
            ChainEventPayload::Wasm(WasmEventData::WasmComponentCreationError { .. }) => {}
            ChainEventPayload::Wasm(
                ended @ (WasmEventData::WasmResult { .. } | WasmEventData::WasmError { .. }),
            ) => {
                actor.given_up |= was_given_up(ended);
                if let Some(key) = actor.responding.take()
                    && let Some(Half::Received { response, .. }) = self.in_flight.get_mut(&key)
                {
                    *response = given_response(ended);
                }
            }
            ChainEventPayload::Shutdown => {
                // The actor was ended from outside before it could take the message.
                if let Some(key) = arriving {
                    actor.given_up = true;
                    self.dropped(key, chain)?;
                }
            }
            ChainEventPayload::Session(_)
            | ChainEventPayload::HostFunction(_)
            | ChainEventPayload::TheaterRuntime(
                TheaterRuntimeEventData::Log { .. }
                | TheaterRuntimeEventData::ActorStarted
                | TheaterRuntimeEventData::ShutdownRequested,
            )
            | ChainEventPayload::ReplaySummary(_) => {}
        }
        if self.in_flight.len() > MAX_IN_FLIGHT { Err(MessageFault::TooMany) } else { Ok(()) }
    }

    fn sent(&mut self, key: MessageKey, call: &HostFunctionCall) -> Result<(), MessageFault> {
        let (from, number) = key;
        let [Value::String(to), Value::Bytes(message)] = &call.input[..] else { return Ok(()) };
        let succeeded = match &call.output {
            Outcome::Returned(Some(result)) => {
                result.as_case().map(|(case, payload)| (case == "ok", payload))
            }
            Outcome::Returned(None)
            | Outcome::Exited(_)
            | Outcome::Trapped { .. }
            | Outcome::Failed(_)
            | Outcome::Cancelled => None,
        };
        let is_request = &*call.function == "request";
        match (self.in_flight.remove(&key), succeeded) {
            (None, Some((true, _))) if is_request => {
                Err(MessageFault::OneSided { from, number, was: "responded to", never: "received" })
            }
            (None, Some((true, _))) => {
                self.in_flight.insert(key, Half::Sent { to: to.clone(), content: ContentRef::of(message) });
                Ok(())
            }
            (None, Some((false, _))) => Ok(()),
            (None, None) => {
                let content = ContentRef::of(message);
                self.perhaps_sent(key, to, Taken { as_request: is_request, content });
                Ok(())
            }
            (Some(Half::Received { by, taken, response }), succeeded) => {
                let sent = Taken { as_request: is_request, content: ContentRef::of(message) };
                self.same_message(key, to, &sent, by, &taken)?;
                match succeeded {
                    Some((false, _)) if !is_request => {
                        Err(MessageFault::OneSided { from, number, was: "received", never: "sent" })
                    }
                    Some((true, Some(Value::Bytes(got))))
                        if is_request && response != Some(ContentRef::of(got)) =>
                    {
                        Err(MessageFault::Response { from, number, by })
                    }
                    _ => Ok(()),
                }
            }
            (Some(Half::Dropped { .. }), Some((true, _))) if is_request => {
                Err(MessageFault::OneSided { from, number, was: "responded to", never: "received" })
            }
            (Some(Half::Dropped { by }), _) => self.same_receiver(key, to, by),
            (Some(Half::Sent { .. } | Half::PerhapsSent { .. }), _) => Ok(()),
        }
    }

    /// Remembers what the receiver must say, if it says anything. Nobody waits for such messages, so their
    /// number has no limit. When no more fit, those of this sender are not compared.
    fn perhaps_sent(&mut self, key: MessageKey, to: &str, sent: Taken) {
        if self.in_flight.len() < MAX_IN_FLIGHT / 2 {
            self.in_flight.insert(key, Half::PerhapsSent { to: to.into(), sent });
        } else if let Some(actor) = self.chains.iter_mut().find(|actor| actor.id == key.0) {
            actor.given_up = true;
        }
    }

    fn received(&mut self, key: MessageKey, by: ChainNumber, taken: Taken) -> Result<(), MessageFault> {
        match self.in_flight.remove(&key) {
            Some(Half::Sent { to, content }) => {
                self.same_message(key, &to, &Taken { as_request: false, content }, by, &taken)
            }
            Some(Half::PerhapsSent { to, sent }) => self.same_message(key, &to, &sent, by, &taken),
            Some(Half::Received { .. } | Half::Dropped { .. }) | None => {
                self.in_flight.insert(key, Half::Received { by, taken, response: None });
                Ok(())
            }
        }
    }

    fn dropped(&mut self, key: MessageKey, by: ChainNumber) -> Result<(), MessageFault> {
        match self.in_flight.remove(&key) {
            Some(Half::Sent { to, .. } | Half::PerhapsSent { to, .. }) => self.same_receiver(key, &to, by),
            Some(Half::Received { .. } | Half::Dropped { .. }) | None => {
                self.in_flight.insert(key, Half::Dropped { by });
                Ok(())
            }
        }
    }

    fn same_message(
        &self,
        key: MessageKey,
        to: &str,
        sent: &Taken,
        by: ChainNumber,
        taken: &Taken,
    ) -> Result<(), MessageFault> {
        self.same_receiver(key, to, by)?;
        let (from, number) = key;
        if sent == taken { Ok(()) } else { Err(MessageFault::Content { from, number }) }
    }

    fn same_receiver(
        &self,
        (from, number): MessageKey,
        to: &str,
        by: ChainNumber,
    ) -> Result<(), MessageFault> {
        if self.names(to, by) {
            Ok(())
        } else {
            Err(MessageFault::Receiver { from, number, to: to.into(), by })
        }
    }

    /// Whether a sender's name for an actor names this chain.
    fn names(&self, name: &str, chain: ChainNumber) -> bool {
        match name.strip_prefix('#') {
            Some(number) => number.parse() == Ok(chain.0),
            None => self.chains.get(chain.0 as usize).is_some_and(|actor| actor.id.to_string() == name),
        }
    }

    /// Checks that each message of a complete session has both ends. One end may be missing where a call was
    /// given up.
    pub fn finish(&self) -> Result<(), MessageFault> {
        let gave_up = |id| self.chains.iter().any(|actor| actor.given_up && actor.id == id);
        for (&(from, number), half) in &self.in_flight {
            let (was, never, excused) = match half {
                Half::Sent { to, .. } => {
                    // An embedder's host may send to actors that are not in the take.
                    let mut chains = (0..).map(ChainNumber).zip(&self.chains);
                    let receiver = chains.find(|(chain, _)| self.names(to, *chain));
                    ("sent", "received", receiver.is_none_or(|(_, actor)| actor.given_up))
                }
                Half::PerhapsSent { .. } => continue,
                Half::Received { .. } => ("received", "sent", gave_up(from)),
                Half::Dropped { .. } => ("dropped", "sent", gave_up(from)),
            };
            if !excused {
                return Err(MessageFault::OneSided { from, number, was, never });
            }
        }
        Ok(())
    }
}

/// What the call after a message takes; `None` if it is not a call that takes this message.
fn taken((from, number): MessageKey, function_name: &str, params: &[Value]) -> Option<Taken> {
    let message = ActorMessage::taken_by(from, number, function_name, params)?;
    Some(Taken { as_request: message.is_request, content: ContentRef::of(&message.content) })
}

/// Whether a call ended because it was given up.
pub(crate) fn was_given_up(ended: &WasmEventData) -> bool {
    matches!(ended, WasmEventData::WasmError { kind: WasmErrorKind::Cancelled, .. })
}

/// The response that a call gave, if it gave one.
fn given_response(ended: &WasmEventData) -> Option<ContentRef> {
    let WasmEventData::WasmResult { response: Outcome::Returned(Some(returned)), .. } = ended else {
        return None;
    };
    response_in(Some(returned)).ok().map(|response| ContentRef::of(response))
}
