//! Owns what makes the calls of a session: a socket, requests, invoked exports, or the command itself.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use retake_chain::SessionKind;
use retake_recorder::http::{Pool, serve};
use retake_recorder::{Host, Invocation, Program, RecordError, Recorder, command, invoke};
use retake_verifier::ExitCode;
use tokio::net::TcpListener;
use tokio::task::coop::unconstrained;

use super::options::Options;
use crate::console::fail;
use crate::printer::{SessionEnd, SessionPrinter};
use crate::signals::Signals;
use crate::words::record::not_a_call;

/// What a session drives the actor with.
pub enum Driver {
    Serve(TcpListener),
    Requests(Vec<Request<Bytes>>),
    Invoke(Vec<Invocation>),
    Command,
}

impl Driver {
    /// Matches the options with the kind of actor, and binds the socket.
    ///
    /// # Errors
    /// The exit code; why was printed.
    pub async fn of(
        program: &Program<Host>,
        options: &Options,
        requests: Vec<Request<Bytes>>,
        calls: &[String],
    ) -> Result<Driver, ExitCode> {
        match program.kind() {
            SessionKind::Invoke => invocations(program, options, calls),
            kind => driver(options, kind, requests).await,
        }
    }

    /// The line that shows the address of a served session.
    pub fn announcement(&self) -> Option<String> {
        let Driver::Serve(listener) = self else { return None };
        Some(match listener.local_addr() {
            Ok(address) => format!("listening on http://{address}"),
            Err(error) => format!("listening ({error})"),
        })
    }
}

/// Reads the calls of a session that invokes exports.
fn invocations(program: &Program<Host>, options: &Options, calls: &[String]) -> Result<Driver, ExitCode> {
    if calls.is_empty() {
        return Err(fail(ExitCode::Usage, "the file of `--calls` has no call"));
    }
    let actors = options.actors.into();
    let calls = calls.iter().map(|text| Invocation::parse(text, program.exports(), actors));
    match calls.collect() {
        Ok(calls) => Ok(Driver::Invoke(calls)),
        Err(error) => Err(fail(ExitCode::Usage, not_a_call(&error))),
    }
}

/// Matches the options with the kind of actor, and binds the socket.
async fn driver(
    options: &Options,
    kind: SessionKind,
    requests: Vec<Request<Bytes>>,
) -> Result<Driver, ExitCode> {
    let usage = |message: &str| Err(fail(ExitCode::Usage, message));
    match (kind, &options.http) {
        (SessionKind::Command, None) if requests.is_empty() => Ok(Driver::Command),
        (SessionKind::Command, _) => usage(
            "this actor is a command (`wasi:cli/run`); give its arguments after `--`, not `--http` or `--request`",
        ),
        (_, _) if !options.arguments.is_empty() => {
            usage("this is an HTTP actor; it takes `--http` or `--request`, not arguments after `--`")
        }
        (_, Some(address)) => match TcpListener::bind(address).await {
            Ok(listener) => Ok(Driver::Serve(listener)),
            Err(error) => Err(fail(ExitCode::Unchecked, format!("cannot listen on `{address}`: {error}"))),
        },
        (_, None) if requests.is_empty() => usage(
            "this is an HTTP actor; serve it with `--http ADDR` or send it `--request 'METHOD PATH [BODY]'`",
        ),
        (_, None) => Ok(Driver::Requests(requests)),
    }
}

/// Drives the actor to the end of the session.
///
/// # Errors
/// [`RecordError`].
pub async fn drive(
    driver: Driver,
    options: &Options,
    program: &Arc<Program<Host>>,
    recorder: &Recorder,
    signals: &Signals,
    printer: &mut SessionPrinter,
) -> Result<SessionEnd, RecordError> {
    let (stop, cancel) = (&signals.stop, &signals.cancel);
    match driver {
        Driver::Command => {
            let end = command::record(program, recorder, cancel).await?;
            printer.command_ended(&end);
            return Ok(SessionEnd::default());
        }
        Driver::Invoke(calls) => {
            let answered = |call: &Invocation, answer| printer.invoked(call, program.exports(), answer);
            let actors = options.actors.into();
            invoke::record(program, recorder, actors, (stop, cancel), &calls, answered).await?;
            return Ok(SessionEnd::default());
        }
        Driver::Serve(_) | Driver::Requests(_) => {}
    }
    let failures = printer.failures();
    let pool = Pool::start(program, recorder, options.actors.into(), cancel.clone(), failures).await?;
    let pool = Arc::new(pool);
    let end = SessionEnd { refusals: Some(pool.refusals().clone()) };
    match driver {
        Driver::Serve(listener) => {
            serve(listener, pool.clone(), stop.clone()).await;
        }
        Driver::Requests(requests) => {
            for request in requests {
                if stop.is_cancelled() {
                    break;
                }
                let (method, path) = (request.method().clone(), request.uri().to_string());
                let answered = async {
                    let response = pool.request(request).await;
                    printer.response(&method, &path, response).await;
                };
                tokio::select! {
                    // The last answer of an actor that has ended is an answer all the same.
                    biased;
                    () = unconstrained(answered) => {}
                    () = pool.failed() => break,
                }
            }
        }
        Driver::Command | Driver::Invoke(_) => {}
    }
    match Arc::try_unwrap(pool) {
        Ok(pool) => pool.close().await.map(|()| end),
        Err(_) => Err(RecordError::RecorderGone),
    }
}
