//! Owns the output of a session while it is recorded. It keeps the live line readable and does not delay the
//! session.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread;
use std::time::Duration;

use http::{Method, Response};
use http_body_util::BodyExt;
use retake_actor::{ActorError, Exports};
use retake_chain::Value;
use retake_chain::log::SealSummary;
use retake_recorder::command::CommandEnd;
use retake_recorder::http::{ClientBody, FailedExchange, Refusal, Refusals};
use retake_recorder::{Invocation, Progress, to_wave};

use super::form::{Printer, ReadResponse, RecordedTake};
use crate::console::note;
use crate::progress::LiveLine;
use crate::words::count;

/// Prints a recording session in some form.
pub struct SessionPrinter {
    form: &'static dyn Printer,
    live: Option<LiveLine>,
    /// Completes when all failures are printed.
    printed: Option<Receiver<()>>,
}

/// Failures that may wait to be printed.
const WAITING_LINES: usize = 256;
/// How long the last of them are waited for.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The end of a session, beside its take.
#[derive(Default)]
pub struct SessionEnd {
    /// Of a session that took requests.
    pub refusals: Option<Arc<Refusals>>,
}

impl SessionPrinter {
    /// A printer beside a live line, if there is one.
    pub fn new(form: &'static dyn Printer, live: Option<LiveLine>) -> Self {
        SessionPrinter { form, live, printed: None }
    }

    fn print(&self, print: impl FnOnce()) {
        match &self.live {
            Some(live) => live.aside(print),
            None => print(),
        }
    }

    /// Reads all of a response and prints it.
    pub async fn response(&self, method: &Method, path: &str, response: Response<ClientBody>) {
        let (parts, mut frames) = response.into_parts();
        let mut body = Vec::new();
        let (mut length, mut broken) = (0u64, false);
        while let Some(frame) = frames.frame().await {
            match frame.map(|frame| frame.into_data()) {
                Ok(Ok(chunk)) => {
                    length += chunk.len() as u64;
                    if self.form.shows_bodies() {
                        body.extend_from_slice(&chunk);
                    }
                }
                Ok(Err(_trailers)) => {}
                Err(_) => broken = true,
            }
        }
        let (status, headers) = (parts.status, parts.headers);
        let (method, path) = (method.clone(), path.to_string());
        let response = ReadResponse { method, path, status, headers, length, body, broken };
        self.print(|| self.form.response(&response));
    }

    /// Prints exchanges that fail to stderr: a response alone does not say why. Nobody waits for the
    /// printing: where stderr takes no more, lines are left out.
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

    /// Prints how a command ended.
    pub fn command_ended(&self, end: &CommandEnd) {
        note(match end {
            CommandEnd::Exited(code) => format!("the command ended with exit code {code}"),
            CommandEnd::Failed(message) => format!("the command failed: {message}"),
            CommandEnd::GivenUp => "the command was given up".into(),
        });
    }

    /// Prints the result of an invoked export, or why there is none.
    pub fn invoked(&self, call: &Invocation, exports: &Exports, answer: Result<Option<Value>, ActorError>) {
        let function = &call.function;
        let result = answer.map_err(|error| error.to_string()).and_then(|value| {
            let (Some(value), Ok(export)) = (value, exports.resolve(function)) else { return Ok(None) };
            to_wave(export, &value).map(Some).map_err(|error| error.to_string())
        });
        self.print(|| self.form.invoked(function, result));
    }

    /// Prints requests that were refused. The session is over, and the live line goes away.
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

    /// Prints the sealed take.
    pub fn sealed(&self, take: &Path, progress: &Progress, summary: &SealSummary, end: &SessionEnd) {
        let refused = end.refusals.as_ref().map_or(0, |refusals| refusals.total());
        self.form.recorded(&RecordedTake { path: take, calls: progress.calls(), summary, refused });
    }
}
