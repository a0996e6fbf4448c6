//! Owns the events of a take in JSON: one object each.

use std::io::{self, Write};

use retake_chain::{ChainEventPayload, ChainNumber, EventHash, Record};
use serde::Serialize;

use crate::console::safe;
use crate::printer::form::EventPrinter;
use crate::printer::stream::Stream;

#[derive(Serialize)]
struct InspectedEvent<'a> {
    /// Number in the take.
    event: u64,
    chain: ChainNumber,
    hash: EventHash,
    parent: Option<EventHash>,
    #[serde(rename = "type")]
    event_type: &'a str,
    /// Where the frame that holds the event starts.
    offset: u64,
    /// Bytes of its data.
    bytes: usize,
    /// `null` if the data does not decode.
    payload: Option<ChainEventPayload>,
}

pub struct JsonEvents {
    out: Stream,
}

impl JsonEvents {
    pub fn new() -> Self {
        JsonEvents { out: Stream::stdout() }
    }

    fn write(&mut self, line: &InspectedEvent<'_>) -> io::Result<()> {
        serde_json::to_writer(safe::JsonOut::new(&mut self.out), line)?;
        writeln!(self.out)
    }
}

impl EventPrinter for JsonEvents {
    /// Chains have no line: they are in the report at the end.
    fn line(&mut self, record: &Record) {
        let Record::Event { number, chain, event, offset } = record else { return };
        let line = InspectedEvent {
            event: *number,
            chain: *chain,
            hash: event.hash,
            parent: event.parent_hash,
            event_type: &event.event_type,
            offset: *offset,
            bytes: event.data.len(),
            payload: event.payload().ok(),
        };
        let printed = self.write(&line);
        self.out.or_leave(printed);
    }

    fn whole(&mut self, record: &Record) {
        self.line(record);
    }

    fn finish(mut self: Box<Self>) {
        self.out.finish();
    }
}
