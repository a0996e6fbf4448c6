//! Owns the check across the chains of a take: what one actor's chain says it sent is what another's says it received.

use std::collections::HashMap;

use retake_chain::{
    ActorMessage, ChainEventPayload, ChainNumber, ContentRef, HostFunctionCall, Outcome, TheaterId,
    TheaterRuntimeEventData, Value, WasmErrorKind, WasmEventData, is_message, response_in,
};

/// Messages under way that are remembered. A session bounds its mailboxes far below that.
const MAX_UNDER_WAY: usize = 1 << 16;

/// A message that two chains tell differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    /// The content that was received is not what was sent.
    #[error("message {number} of actor {from} was received with another content than it was sent with")]
    Content {
        /// The sender.
        from: TheaterId,
        /// The message's number.
        number: u64,
    },
    /// It was received by another actor than it was sent to.
    #[error("message {number} of actor {from} was sent to `{to}`, and received by chain {by}")]
    Receiver {
        /// The sender.
        from: TheaterId,
        /// The message's number.
        number: u64,
        /// Whom it was sent to.
        to: String,
        /// Who received it.
        by: ChainNumber,
    },
    /// The call behind it does not take it.
    #[error("message {number} of actor {from} was received, but the call behind it does not take it")]
    NotTaken {
        /// The sender.
        from: TheaterId,
        /// The message's number.
        number: u64,
    },
    /// The response that the sender got is not the one that was given.
    #[error(
        "the response to message {number} of actor {from} is another where it was given than where it was got"
    )]
    Response {
        /// The sender.
        from: TheaterId,
        /// The message's number.
        number: u64,
    },
    /// Only one of two chains knows of it.
    #[error("message {number} of actor {from} was {was}, but never {never}")]
    OneSided {
        /// The sender.
        from: TheaterId,
        /// The message's number.
        number: u64,
        /// What one chain says.
        was: &'static str,
        /// What no chain says.
        never: &'static str,
    },
    /// More messages are under way than a session allows.
    #[error("more than {MAX_UNDER_WAY} messages are under way, which no session allows")]
    TooMany,
}

/// What is known of a message after one of its two ends was seen.
#[derive(Debug)]
enum Half {
    Sent {
        to: String,
        content: ContentRef,
    },
    /// The call ended before it came back, so whether it was sent is not known.
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

/// What an export was called with.
#[derive(Debug, PartialEq)]
struct Taken {
    as_request: bool,
    content: ContentRef,
}

type Key = (TheaterId, u64);

/// Takes the events of all chains in the order of the take.
#[derive(Debug, Default)]
pub(crate) struct MessageChecker {
    /// By number.
    chains: Vec<Actor>,
    under_way: HashMap<Key, Half>,
}

#[derive(Debug)]
struct Actor {
    id: TheaterId,
    /// Messages sent or tried to be sent.
    sent: u64,
    /// The message that the next call is to take.
    arriving: Option<Key>,
    /// The request that the call in progress responds to.
    responding: Option<Key>,
    /// A call was given up, and with it perhaps the other end of a message.
    given_up: bool,
}

impl MessageChecker {
    /// Takes the next chain.
    pub fn chain(&mut self, id: TheaterId) {
        self.chains.push(Actor { id, sent: 0, arriving: None, responding: None, given_up: false });
    }

    /// Takes the next event, which the grammar allows, of a chain that was introduced.
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
                    && let Some(Half::Received { response, .. }) = self.under_way.get_mut(&key)
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
        if self.under_way.len() > MAX_UNDER_WAY { Err(MessageFault::TooMany) } else { Ok(()) }
    }

    fn sent(&mut self, key: Key, call: &HostFunctionCall) -> Result<(), MessageFault> {
        let (from, number) = key;
        let [Value::String(to), Value::Bytes(message)] = &call.input[..] else { return Ok(()) };
        let succeeded = match &call.output {
            Outcome::Returned(Some(result)) => {
                result.as_case().map(|(case, payload)| (case == "ok", payload))
            }
            _ => None,
        };
        let is_request = &*call.function == "request";
        match (self.under_way.remove(&key), succeeded) {
            (None, Some((true, _))) if is_request => {
                Err(MessageFault::OneSided { from, number, was: "responded to", never: "received" })
            }
            (None, Some((true, _))) => {
                self.under_way.insert(key, Half::Sent { to: to.clone(), content: ContentRef::of(message) });
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
                        Err(MessageFault::Response { from, number })
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

    /// Remembers what the other end must say, if it says anything. Nobody waits for it, so there is no limit to such messages:
    /// where no more can be remembered, the sender's are not compared.
    fn perhaps_sent(&mut self, key: Key, to: &str, sent: Taken) {
        if self.under_way.len() < MAX_UNDER_WAY / 2 {
            self.under_way.insert(key, Half::PerhapsSent { to: to.into(), sent });
        } else if let Some(actor) = self.chains.iter_mut().find(|actor| actor.id == key.0) {
            actor.given_up = true;
        }
    }

    fn received(&mut self, key: Key, by: ChainNumber, taken: Taken) -> Result<(), MessageFault> {
        match self.under_way.remove(&key) {
            Some(Half::Sent { to, content }) => {
                self.same_message(key, &to, &Taken { as_request: false, content }, by, &taken)
            }
            Some(Half::PerhapsSent { to, sent }) => self.same_message(key, &to, &sent, by, &taken),
            _ => {
                self.under_way.insert(key, Half::Received { by, taken, response: None });
                Ok(())
            }
        }
    }

    fn dropped(&mut self, key: Key, by: ChainNumber) -> Result<(), MessageFault> {
        match self.under_way.remove(&key) {
            Some(Half::Sent { to, .. } | Half::PerhapsSent { to, .. }) => self.same_receiver(key, &to, by),
            _ => {
                self.under_way.insert(key, Half::Dropped { by });
                Ok(())
            }
        }
    }

    fn same_message(
        &self,
        key: Key,
        to: &str,
        sent: &Taken,
        by: ChainNumber,
        taken: &Taken,
    ) -> Result<(), MessageFault> {
        self.same_receiver(key, to, by)?;
        let (from, number) = key;
        if sent == taken { Ok(()) } else { Err(MessageFault::Content { from, number }) }
    }

    fn same_receiver(&self, (from, number): Key, to: &str, by: ChainNumber) -> Result<(), MessageFault> {
        if self.names(to, by) {
            Ok(())
        } else {
            Err(MessageFault::Receiver { from, number, to: to.into(), by })
        }
    }

    /// Whether a sender's name for an actor means that chain.
    fn names(&self, name: &str, chain: ChainNumber) -> bool {
        match name.strip_prefix('#') {
            Some(number) => number.parse() == Ok(chain.0),
            None => self.chains.get(chain.0 as usize).is_some_and(|actor| actor.id.to_string() == name),
        }
    }

    /// Checks that no message of a session that ended has one end only. Where a call was given up its other end may lack.
    pub fn finish(&self) -> Result<(), MessageFault> {
        let gave_up = |id| self.chains.iter().any(|actor| actor.given_up && actor.id == id);
        for (&(from, number), half) in &self.under_way {
            let (was, never, excused) = match half {
                Half::Sent { to, .. } => {
                    // A host of somebody else's may send to others than the take's actors.
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

/// The message with this key, if the call that follows it takes it.
fn taken((from, number): Key, function_name: &str, params: &[Value]) -> Option<Taken> {
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
