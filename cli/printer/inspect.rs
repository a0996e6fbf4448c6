//! What `retake inspect` shows of events: a line each, or one in full.

use std::io::{self, BufWriter, Stdout, Write};
use std::process;

use retake_chain::{ChainEvent, ChainEventPayload, ChainNumber, EventHash, Record, SessionStart, TheaterId};
use retake_verifier::{Described, ExitCode};
use serde::Serialize;

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
        if self.json { Ok(()) } else { writeln!(self.out, "chain {number} of actor {id}") }
    }

    fn event(&mut self, number: u64, chain: ChainNumber, event: &ChainEvent) -> io::Result<()> {
        let described = Described::of(event);
        writeln!(self.out, "{number:>6} {chain:>3}  {described}")?;
        match &described.payload {
            Some(ChainEventPayload::Session(start)) => self.session(start),
            _ => Ok(()),
        }
    }

    fn session(&mut self, start: &SessionStart) -> io::Result<()> {
        let SessionStart { actor, kind, instance_mode, profile, .. } = start;
        let out = &mut self.out;
        writeln!(out, "            component  {} ({} bytes)", actor.path, actor.size)?;
        writeln!(out, "            session    {}, instance {}", kind.as_str(), instance_mode.as_str())?;
        writeln!(out, "            started    {} ms after 1970-01-01 UTC", start.started_at_unix_ms)?;
        writeln!(
            out,
            "            engine     {}, memory up to {} bytes",
            profile.engine, profile.memory_limit
        )?;
        for (name, words) in
            [("arguments", &start.arguments), ("variables", &start.env_names), ("folders", &start.preopens)]
        {
            if !words.is_empty() {
                writeln!(out, "            {name:<9}  {words:?}")?;
            }
        }
        writeln!(out, "            network    {}", if start.allow_net { "allowed" } else { "not allowed" })
    }

    fn in_full(&mut self, line: &EventLine<'_>) -> io::Result<()> {
        let out = &mut self.out;
        writeln!(out, "event {} of chain {}", line.event, line.chain)?;
        writeln!(out, "  type    {}", line.event_type)?;
        writeln!(out, "  hash    {}", line.hash)?;
        match line.parent {
            Some(parent) => writeln!(out, "  parent  {parent}")?,
            None => writeln!(out, "  parent  none: it is the first of its chain")?,
        }
        writeln!(out, "  data    {} bytes, in the frame at byte {}", line.bytes, line.offset)?;
        match &line.payload {
            Some(payload) => writeln!(out, "{}", serde_json::to_string_pretty(payload)?),
            None => writeln!(out, "  the data does not decode"),
        }
    }

    fn json_line(&mut self, line: &EventLine<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        writeln!(self.out)
    }

    /// Whoever reads the list may have had enough of it; nothing is checked for nobody.
    fn or_leave(&self, printed: io::Result<()>) {
        if printed.is_err() {
            process::exit(ExitCode::Unchecked.code().into());
        }
    }
}
