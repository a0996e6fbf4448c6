//! What `retake inspect` shows of events: a line each, or one in full.

use std::fmt::{self, Write as _};
use std::io::{self, BufWriter, Stdout, Write};
use std::process;

use retake_chain::{
    ChainEvent, ChainEventPayload, ChainNumber, EventHash, Printable, Record, SessionStart, TheaterId,
};
use retake_verifier::{EventDescription, ExitCode};
use serde::Serialize;

use super::safe;

/// Prints events in their order.
pub struct EventPrinter {
    json: bool,
    out: BufWriter<Stdout>,
}

/// `--json`: an event.
#[derive(Serialize)]
struct EventLine<'a> {
    /// Number in the take.
    event: u64,
    chain: ChainNumber,
    hash: EventHash,
    parent: Option<EventHash>,
    #[serde(rename = "type")]
    event_type: &'a str,
    /// Where the frame that holds it begins.
    offset: u64,
    /// Bytes of its data.
    bytes: usize,
    /// `null` if the data does not decode.
    payload: Option<ChainEventPayload>,
}

impl<'a> EventLine<'a> {
    fn of(number: u64, chain: ChainNumber, event: &'a ChainEvent, offset: u64) -> Self {
        EventLine {
            event: number,
            chain,
            hash: event.hash,
            parent: event.parent_hash,
            event_type: &event.event_type,
            offset,
            bytes: event.data.len(),
            payload: event.payload().ok(),
        }
    }
}

impl EventPrinter {
    /// A printer to stdout.
    pub fn new(json: bool) -> Self {
        EventPrinter { json, out: BufWriter::new(io::stdout()) }
    }

    /// A line for a chain or an event.
    pub fn line(&mut self, record: &Record) {
        let printed = match record {
            Record::Actor { .. } => Ok(()),
            Record::Chain { number, id } => self.chain(*number, *id),
            Record::Event { number, chain, event, offset } if self.json => {
                self.json_line(&EventLine::of(*number, *chain, event, *offset))
            }
            Record::Event { number, chain, event, .. } => self.event(*number, *chain, event),
        };
        self.or_leave(printed);
    }

    /// An event with all that is known of it.
    pub fn whole(&mut self, record: &Record) {
        let Record::Event { number, chain, event, offset } = record else { return };
        let line = EventLine::of(*number, *chain, event, *offset);
        let printed = if self.json { self.json_line(&line) } else { self.in_full(&line) };
        self.or_leave(printed);
    }

    /// Prints what is left.
    pub fn finish(mut self) {
        let printed = self.out.flush();
        self.or_leave(printed);
    }

    fn chain(&mut self, number: ChainNumber, id: TheaterId) -> io::Result<()> {
        // In JSON the report at the end has the chains.
        if self.json { Ok(()) } else { self.text(&format!("chain {number} of actor {id}\n")) }
    }

    fn event(&mut self, number: u64, chain: ChainNumber, event: &ChainEvent) -> io::Result<()> {
        let described = EventDescription::of(event);
        let mut text = format!("{number:>6} {chain:>3}  {described}\n");
        if let Some(ChainEventPayload::Session(start)) = &described.payload {
            // Writing to a string does not fail.
            let _ = session(&mut text, start);
        }
        self.text(&text)
    }

    fn in_full(&mut self, line: &EventLine<'_>) -> io::Result<()> {
        let parent = line.parent.map_or("none: it is the first of its chain".into(), |hash| hash.to_string());
        let head = format!(
            "event {} of chain {}\n  type    {}\n  hash    {}\n  parent  {parent}\n  data    {} bytes, in the frame at byte {}\n",
            line.event,
            line.chain,
            Printable(line.event_type),
            line.hash,
            line.bytes,
            line.offset
        );
        self.text(&head)?;
        match &line.payload {
            Some(payload) => {
                serde_json::to_writer_pretty(safe::JsonOut::new(&mut self.out), payload)?;
                writeln!(self.out)
            }
            None => self.text("  the data does not decode\n"),
        }
    }

    fn json_line(&mut self, line: &EventLine<'_>) -> io::Result<()> {
        serde_json::to_writer(safe::JsonOut::new(&mut self.out), line)?;
        writeln!(self.out)
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(safe::text(text).as_bytes())
    }

    /// Whoever reads the list may have had enough of it; nothing is checked for nobody.
    fn or_leave(&self, printed: io::Result<()>) {
        if printed.is_err() {
            super::keep(printed);
            process::exit(super::end(ExitCode::Unchecked).code().into());
        }
    }
}

/// What a session began with.
fn session(out: &mut String, start: &SessionStart) -> fmt::Result {
    let SessionStart { actor, kind, instance_mode, profile, .. } = start;
    writeln!(out, "            component  {} ({} bytes)", Printable(&actor.path), actor.size)?;
    writeln!(out, "            session    {}, instance {}", kind.as_str(), instance_mode.as_str())?;
    writeln!(out, "            started    {} ms after 1970-01-01 UTC", start.started_at_unix_ms)?;
    let engine = Printable(&profile.engine);
    writeln!(out, "            engine     {engine}, memory up to {} bytes", profile.memory_limit)?;
    for (name, words) in
        [("arguments", &start.arguments), ("variables", &start.env_names), ("folders", &start.preopens)]
    {
        if !words.is_empty() {
            writeln!(out, "            {name:<9}  {words:?}")?;
        }
    }
    writeln!(out, "            network    {}", if start.allow_net { "allowed" } else { "not allowed" })
}
