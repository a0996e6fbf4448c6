//! What `retake record` says: a line per response on stdout, and about the take on stderr.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::{Method, Response};
use http_body_util::BodyExt;
use indicatif::HumanBytes;
use retake_actor::{ActorError, Exports};
use retake_chain::log::SealSummary;
use retake_chain::{Printable, Value};
use retake_recorder::command::CommandEnd;
use retake_recorder::http::{ClientBody, FailedExchange, Refusal, Refusals};
use retake_recorder::{Invocation, Progress, Stdio, to_wave};
use serde::Serialize;

use super::{count, json_line, note, text_lines};
use crate::progress::LiveLine;

/// Prints a recording session.
pub struct RecordPrinter {
    json: bool,
    live: Option<LiveLine>,
    /// Completes when all failures are printed that there were.
    printed: Option<Receiver<()>>,
}

/// Failures that may wait to be printed.
const WAITING_LINES: usize = 256;
/// How long the last of them are waited for.
const LAST_LINES: Duration = Duration::from_secs(1);

/// `--json`: a response.
#[derive(Serialize)]
struct ResponseLine {
    method: String,
    path: String,
    status: u16,
    headers: Vec<(String, String)>,
    /// Text, if the body is UTF-8.
    body: Option<String>,
    /// Base64 otherwise.
    body_base64: Option<String>,
    /// The body broke off.
    broken: bool,
}

/// `--json`: an invoked export.
#[derive(Serialize)]
struct InvokedLine {
    function: String,
    /// In WAVE, if it returned something.
    result: Option<String>,
    error: Option<String>,
}

/// `--json`: the take.
#[derive(Serialize)]
struct TakeLine {
    take: String,
    chains: usize,
    calls: u64,
    events: u64,
    bytes: u64,
    /// Requests that no actor handled, so that they are not in the take.
    refused: u64,
}

/// The end of a session, beside its take.
#[derive(Default)]
pub struct SessionEnd {
    /// Of a session that took requests.
    pub refusals: Option<Arc<Refusals>>,
}

/// Prints a result on stdout, on a line of its own whatever the actor printed before.
fn result_line(line: &str) {
    Stdio::Out.end_open_line();
    text_lines(&mut std::io::stdout(), line);
}

impl RecordPrinter {
    /// A printer beside a live line, if there is one.
    pub fn new(json: bool, live: Option<LiveLine>) -> Self {
        RecordPrinter { json, live, printed: None }
    }

    fn print(&self, print: impl FnOnce()) {
        match &self.live {
            Some(live) => live.aside(print),
            None => print(),
        }
    }

    /// Reads a response to its end and prints its line: `STATUS BYTES METHOD PATH`, or all of it as JSON.
    pub async fn response(&self, method: &Method, path: &str, response: Response<ClientBody>) {
        let (parts, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        let (mut length, mut broken) = (0u64, false);
        while let Some(frame) = body.frame().await {
            match frame.map(|frame| frame.into_data()) {
                Ok(Ok(chunk)) => {
                    length += chunk.len() as u64;
                    if self.json {
                        bytes.extend_from_slice(&chunk);
                    }
                }
                Ok(Err(_trailers)) => {}
                Err(_) => broken = true,
            }
        }
        let status = parts.status.as_u16();
        if self.json {
            let text = String::from_utf8(bytes);
            let headers = parts.headers.iter();
            let line = ResponseLine {
                method: method.to_string(),
                path: path.to_string(),
                status,
                headers: headers
                    .map(|(name, value)| {
                        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                    })
                    .collect(),
                body_base64: text.as_ref().err().map(|error| BASE64_STANDARD.encode(error.as_bytes())),
                body: text.ok(),
                broken,
            };
            self.print(|| json_line(&line));
        } else {
            let broken = if broken { " (broke off)" } else { "" };
            let line = Printable(format!("{status} {length} {method} {path}{broken}")).to_string();
            self.print(|| result_line(&line));
        }
    }

    /// Prints exchanges that fail, on stderr: a response alone does not say why.
    /// Nobody waits for the printing: where stderr takes no more, lines are left out.
    pub fn failures(&mut self) -> impl Fn(FailedExchange) + Send + Sync + use<> {
        let asides = self.live.as_ref().map(LiveLine::asides);
        let (lines, to_print) = sync_channel::<String>(WAITING_LINES);
        let (ended, printed) = channel();
        self.printed = Some(printed);
        let print = move || {
            for line in to_print {
                let line = || note(line.clone());
                match &asides {
                    Some(aside) => aside(&line),
                    None => line(),
                }
            }
            // Nobody may wait for it any more.
            let _ = ended.send(());
        };
        // Without it the lines are left out.
        let _ = thread::Builder::new().name("retake-failures".into()).spawn(print);
        move |failed| drop(lines.try_send(format!("{}: {}", failed.request, failed.reason)))
    }

    /// How a command ended.
    pub fn command_ended(&self, end: &CommandEnd) {
        note(match end {
            CommandEnd::Exited(code) => format!("the command ended with exit code {code}"),
            CommandEnd::Failed(message) => format!("the command failed: {message}"),
            CommandEnd::GivenUp => "the command was given up".into(),
        });
    }

    /// What an invoked export answered: its result in WAVE, or why there is none.
    pub fn invoked(&self, call: &Invocation, exports: &Exports, answer: Result<Option<Value>, ActorError>) {
        let function = &call.function;
        let answer = answer.map_err(|error| error.to_string()).and_then(|value| {
            let (Some(value), Ok(export)) = (value, exports.resolve(function)) else { return Ok(None) };
            to_wave(export, &value).map(Some).map_err(|error| error.to_string())
        });
        if self.json {
            let (result, error) = match answer {
                Ok(result) => (result, None),
                Err(error) => (None, Some(error)),
            };
            self.print(|| json_line(&InvokedLine { function: function.clone(), result, error }));
            return;
        }
        match answer {
            Ok(result) => {
                let result = result.unwrap_or_else(|| "()".into());
                let result = Printable(result).to_string();
                self.print(|| result_line(&result));
            }
            Err(error) => self.print(|| note(error)),
        }
    }

    /// The session is over, and the live line goes away.
    pub fn ended(&mut self, end: &SessionEnd) {
        if let Some(printed) = self.printed.take() {
            let _ = printed.recv_timeout(LAST_LINES);
        }
        self.live = None;
        let Some(refusals) = &end.refusals else { return };
        for refusal in Refusal::ALL {
            let why = match refusal {
                Refusal::Busy => "with 503: every actor was busy, and the queue full",
                Refusal::Ended => "with 503: every actor had ended",
                Refusal::Stopped => "with 502: the session ended while they waited",
                Refusal::NoHost => "with 400: they named no host",
                Refusal::ClientGone => "without an answer: their clients went away while they waited",
            };
            match refusals.of(refusal) {
                0 => {}
                number => note(format!("not recorded: {} refused {why}", count(number, "request"))),
            }
        }
    }

    /// The take is whole.
    pub fn sealed(&self, take: &Path, progress: &Progress, summary: &SealSummary, end: &SessionEnd) {
        let (chains, calls) = (summary.chains.len(), progress.calls());
        if self.json {
            json_line(&TakeLine {
                take: take.display().to_string(),
                chains,
                calls,
                events: summary.events,
                bytes: summary.bytes,
                refused: end.refusals.as_ref().map_or(0, |refusals| refusals.total()),
            });
        } else {
            note(format!(
                "recorded {}: {}, {}, {}, {}",
                take.display(),
                count(chains as u64, "actor"),
                count(calls, "call"),
                count(summary.events, "event"),
                HumanBytes(summary.bytes),
            ));
        }
    }
}
