//! Owns the two sessions that the faults are put into: a command made here, and the couriers of `1.0.take`.
//! Both are whole: as they are, they verify and replay.

use retake_chain::log::{LogReader, Record};
use retake_chain::{
    ActorSource, ChainEvent, ChainEventData, ChainEventPayload, ContentRef, HostFunctionCall, Outcome,
    SessionKind, SessionStart, TheaterId, Value, WasmEventData,
};

use super::{actor, folder};
use crate::support::Forge;

/// The actor of the command's chain.
pub const ID: &str = "11111111-1111-4111-8111-111111111111";
/// Another one.
pub const OTHER: &str = "22222222-2222-4222-8222-222222222222";

pub fn id(text: &str) -> TheaterId {
    TheaterId::parse(text).expect("a UUID")
}

/// What a take says: its component, chains and events, without hashes.
#[derive(Clone)]
pub struct Session {
    pub component: Vec<u8>,
    pub chains: Vec<TheaterId>,
    /// In the order of the file.
    pub events: Vec<Said>,
}

/// An event without its hash.
#[derive(Clone)]
pub struct Said {
    pub chain: usize,
    pub event_type: String,
    pub data: Vec<u8>,
}

impl Said {
    pub fn new(event: ChainEventData) -> Said {
        Said::raw(&event.event_type, &event.data.encode())
    }

    pub fn raw(event_type: &str, data: &[u8]) -> Said {
        Said { chain: 0, event_type: event_type.into(), data: data.into() }
    }

    /// Writes the event.
    pub fn write<'a>(&self, forge: &'a mut Forge) -> &'a mut Forge {
        forge.event(self.chain, &self.event_type, &self.data)
    }
}

/// A command that reads a clock twice. Its events are: genesis, call, two of the clock, result, shutdown.
pub fn command() -> Session {
    let component = wat::parse_file(actor("hello.wat")).expect("a fixture");
    let now = |time: u64| {
        let output = Outcome::Returned(Some(time.into()));
        let (interface, function) = ("wasi:clocks/monotonic-clock@0.2.3".into(), "now".into());
        ChainEventData::host_function(HostFunctionCall { interface, function, input: vec![], output })
    };
    let function_name = || "wasi:cli/run@0.2.3/run".to_string();
    let response = Outcome::Returned(Some("ok".into()));
    let events = [
        ChainEventData::session(genesis(&component)),
        ChainEventData::wasm(WasmEventData::WasmCall { function_name: function_name(), params: vec![] }),
        now(1_063_030),
        now(1_159_248),
        ChainEventData::wasm(WasmEventData::WasmResult {
            function_name: function_name(),
            state: None,
            response,
        }),
        ChainEventData::shutdown(),
    ];
    Session { component, chains: vec![id(ID)], events: events.map(Said::new).into() }
}

/// The genesis of the command, in the engine of the couriers.
pub fn genesis(component: &[u8]) -> SessionStart {
    let (digest, size) = (ContentRef::of(component), component.len() as u64);
    let actor = ActorSource { digest, size, path: "../actors/hello.wat".into() };
    let arguments = vec!["hello.wat".into()];
    let couriers = couriers().events.remove(0);
    let ChainEventPayload::Session(recorded) = payload(&couriers) else { panic!("no genesis") };
    SessionStart { actor_id: id(ID), actor, kind: SessionKind::Command, arguments, ..*recorded }
}

/// The actors of `1.0.take`, which message each other.
pub fn couriers() -> Session {
    let take = std::fs::read(folder().join("1.0.take")).expect("the take of this version");
    let mut reader = LogReader::open(&take[..]).expect("a take");
    let mut session = Session { component: Vec::new(), chains: Vec::new(), events: Vec::new() };
    while let Some(record) = reader.next_record().expect("a whole take") {
        match record {
            Record::Actor { bytes, .. } => session.component.extend_from_slice(&bytes),
            Record::Chain { id, .. } => session.chains.push(id),
            Record::Event { chain, event: ChainEvent { event_type, data, .. }, .. } => {
                let chain = chain.0 as usize;
                session.events.push(Said { chain, event_type: event_type.to_string(), data: data.to_vec() });
            }
        }
    }
    session
}

/// A request to the fixture `http-edge`, which has no such route. Its events are: genesis, call, 13 host
/// calls, the observation, result, shutdown.
pub fn exchange() -> Session {
    let component = std::fs::read(actor("http-edge.wasm")).expect("a fixture");
    let function_name = || "wasi:http/incoming-handler@0.2.12/handle".to_string();
    let one = || Value::Handle(1);
    let ok = || Value::from("ok");
    let made = || Value::case("ok", Some(one()));
    let host = |interface: &str, function: &str, input, output: Option<Value>| {
        let (interface, function) = (interface.into(), function.into());
        let output = Outcome::Returned(output);
        ChainEventData::host_function(HostFunctionCall { interface, function, input, output })
    };
    let http = |function, input, output| host("wasi:http/types@0.2.12", function, input, output);
    let io = |function, input, output| host("wasi:io/streams@0.2.12", function, input, output);
    let text = b"no such route\n";
    let body = |content: &[u8], complete: bool| {
        Value::record([
            ("length", (content.len() as u64).into()),
            ("sha256", Value::from(ContentRef::of(content).as_ref().to_vec())),
            ("complete", complete.into()),
        ])
    };
    let request = Value::record([
        ("method", "GET".into()),
        ("path", "/".into()),
        ("headers", Value::List(vec![Value::List(vec!["host".into(), bytes("localhost")])])),
        ("body", body(b"", false)),
    ]);
    let response = Value::record([
        ("status", 404u64.into()),
        ("headers", Value::List(vec![])),
        ("body", body(text, true)),
    ]);
    let genesis = SessionStart {
        kind: SessionKind::Http,
        arguments: vec!["http-edge.wasm".into()],
        actor: ActorSource {
            digest: ContentRef::of(&component),
            size: component.len() as u64,
            path: "../actors/http-edge.wasm".into(),
        },
        ..genesis(&component)
    };
    let events = [
        ChainEventData::session(genesis),
        ChainEventData::wasm(WasmEventData::WasmCall {
            function_name: function_name(),
            params: vec![one(), one()],
        }),
        http("[method]incoming-request.path-with-query", vec![one()], Some(Value::List(vec!["/".into()]))),
        http("[static]fields.from-list", vec![Value::List(vec![])], Some(made())),
        http("[constructor]outgoing-response", vec![one()], Some(one())),
        http("[method]outgoing-response.set-status-code", vec![one(), 404u64.into()], Some(ok())),
        http("[method]outgoing-response.body", vec![one()], Some(made())),
        http("[static]response-outparam.set", vec![one(), made()], None),
        http("[method]outgoing-body.write", vec![one()], Some(made())),
        io(
            "[method]output-stream.check-write",
            vec![one()],
            Some(Value::case("ok", Some(1_048_576u64.into()))),
        ),
        io("[method]output-stream.write", vec![one(), Value::from(text.to_vec())], Some(ok())),
        io("[method]output-stream.blocking-flush", vec![one()], Some(ok())),
        io("[resource-drop]output-stream", vec![one()], None),
        http("[static]outgoing-body.finish", vec![one(), Value::None], Some(ok())),
        http("[resource-drop]incoming-request", vec![one()], None),
        host("wasi:http/incoming-handler@0.2.12", "handle", vec![request], Some(response)),
        ChainEventData::wasm(WasmEventData::WasmResult {
            function_name: function_name(),
            state: None,
            response: Outcome::Returned(None),
        }),
        ChainEventData::shutdown(),
    ];
    Session { component, chains: vec![id(ID)], events: events.map(Said::new).into() }
}

/// The place of the observation in it.
pub const OBSERVATION: usize = 15;

fn payload(said: &Said) -> ChainEventPayload {
    ChainEventPayload::decode(&said.event_type, &said.data).expect("a payload")
}

impl Session {
    /// The session with another event at this place.
    pub fn with(mut self, at: usize, said: Said) -> Session {
        self.events[at] = Said { chain: self.events[at].chain, ..said };
        self
    }

    /// The session with other data at this place.
    pub fn with_data(mut self, at: usize, data: &[u8]) -> Session {
        self.events[at].data = data.into();
        self
    }

    /// The session without the events at these places.
    pub fn without(mut self, places: std::ops::Range<usize>) -> Session {
        self.events.drain(places);
        self
    }

    /// The session with one more event before this place.
    pub fn with_more(mut self, at: usize, said: Said) -> Session {
        self.events.insert(at, said);
        self
    }

    /// The session in which an event says something else.
    pub fn altered(mut self, at: usize, change: impl FnOnce(&mut ChainEventPayload)) -> Session {
        let said = &mut self.events[at];
        let mut payload = payload(said);
        change(&mut payload);
        (said.event_type, said.data) = (payload.event_type().to_string(), payload.encode().to_vec());
        self
    }

    /// The place of the first event whose type ends so, from this place on.
    #[track_caller]
    pub fn find(&self, from: usize, end: &str) -> usize {
        let found = self.events[from..].iter().position(|said| said.event_type.ends_with(end));
        from + found.unwrap_or_else(|| panic!("no event from {from} on ends with {end}"))
    }

    /// The file up to its chains, in an open frame.
    pub fn begun(&self) -> Forge {
        Session { events: Vec::new(), ..self.clone() }.forge()
    }

    /// The file up to its last event, in an open frame.
    pub fn forge(&self) -> Forge {
        let mut forge = Forge::new();
        self.write(forge.component(&self.component, 1 << 20));
        forge
    }

    /// Writes the chains and all events behind what is there.
    pub fn write<'a>(&self, forge: &'a mut Forge) -> &'a mut Forge {
        for id in &self.chains {
            forge.chain(*id).end_full_frame();
        }
        self.write_events(forge)
    }

    /// The same without the chains, which are there.
    pub fn write_events<'a>(&self, forge: &'a mut Forge) -> &'a mut Forge {
        for said in &self.events {
            said.write(forge).end_full_frame();
        }
        forge
    }

    /// The file, sealed.
    pub fn sealed(&self) -> Vec<u8> {
        self.forge().sealed()
    }
}

/// The data of a host call that returned these bytes of a value.
pub fn returned(value: &[u8]) -> Vec<u8> {
    [b"\x81\xacHostFunction\x82\xa5input\x90\xa6output\x81\xa8returned", value].concat()
}

/// A list of messages' content, as a guest gives it.
pub fn bytes(content: &str) -> Value {
    Value::from(content.as_bytes().to_vec())
}
