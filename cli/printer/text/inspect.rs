//! Owns the output of `inspect`: one line per event, or one event in full.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use retake_chain::{ChainEvent, ChainEventPayload, ChainNumber, Printable, Record, SessionStart, TheaterId};
use retake_verifier::EventDescription;

use crate::console::safe;
use crate::printer::form::EventPrinter;
use crate::printer::stream::Stream;

pub struct TextEvents {
    out: Stream,
}

impl TextEvents {
    pub fn new() -> Self {
        TextEvents { out: Stream::stdout() }
    }

    fn chain(&mut self, number: ChainNumber, id: TheaterId) -> io::Result<()> {
        self.text(&format!("chain {number} of actor {id}\n"))
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

    fn in_full(
        &mut self,
        number: u64,
        chain: ChainNumber,
        event: &ChainEvent,
        offset: u64,
    ) -> io::Result<()> {
        let parent =
            event.parent_hash.map_or("none: it is the first of its chain".into(), |hash| hash.to_string());
        let head = format!(
            "event {number} of chain {chain}\n  type    {}\n  hash    {}\n  parent  {parent}\n  data    {} bytes, in the frame at byte {offset}\n",
            Printable(&event.event_type),
            event.hash,
            event.data.len(),
        );
        self.text(&head)?;
        match event.payload() {
            Ok(payload) => {
                serde_json::to_writer_pretty(safe::JsonOut::new(&mut self.out), &payload)?;
                writeln!(self.out)
            }
            Err(_) => self.text("  the data does not decode\n"),
        }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(safe::text(text).as_bytes())
    }
}

impl EventPrinter for TextEvents {
    fn line(&mut self, record: &Record) {
        let printed = match record {
            Record::Actor { .. } => Ok(()),
            Record::Chain { number, id } => self.chain(*number, *id),
            Record::Event { number, chain, event, .. } => self.event(*number, *chain, event),
        };
        self.out.or_leave(printed);
    }

    fn whole(&mut self, record: &Record) {
        let Record::Event { number, chain, event, offset } = record else { return };
        let printed = self.in_full(*number, *chain, event, *offset);
        self.out.or_leave(printed);
    }

    fn finish(mut self: Box<Self>) {
        self.out.finish();
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
