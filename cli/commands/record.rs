//! `retake record`: everything that can be refused is refused before the take is created; then the session, the seal, and
//! with `--check` the replay of what was recorded.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use retake_actor::Actor;
use retake_chain::SessionKind;
use retake_chain::log::LogWriter;
use retake_recorder::http::{Pool, serve};
use retake_recorder::{
    Durability, Host, Invocation, Program, RecordError, Recorder, SessionOptions, TakeFile,
};
use retake_recorder::{command, invoke};
use retake_verifier::{ExitCode, combine};
use tokio::net::TcpListener;
use tokio::task::coop::unconstrained;

use crate::cache::Cache;
use crate::commands::check;
use crate::commands::record_bounds::RecordBounds;
use crate::input;
use crate::options::RecordOptions;
use crate::output::{refusal, refuse_inputs};
use crate::printer::record::{RecordPrinter, SessionEnd};
use crate::printer::{fail, note};
use crate::progress::LiveLine;
use crate::signals::{self, Signals};

/// What a session drives the actor with.
enum Driver {
    Serve(TcpListener),
    Requests(Vec<Request<Bytes>>),
    Invoke(Vec<Invocation>),
    Command,
}

pub fn run(options: RecordOptions) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(ExitCode::Unchecked, error),
    };
    let cache = Cache::open(&options.cache);
    let bounds = RecordBounds::of(options.timeouts);
    let recorded = runtime.block_on(record(&options, &bounds, &cache));
    // A guest that computes without end holds its thread; nothing of it is recorded any more.
    runtime.shutdown_background();
    signals::after_session();
    let exit = match recorded {
        Ok(take) => combine([
            bounds.end(options.http.is_some()),
            match options.repeat {
                Some(times) => check::repeated(&take, times, options.timeouts.into(), options.json),
                None if options.check => check::once(&take, &cache, options.timeouts.into(), options.json),
                None => ExitCode::Identical,
            },
        ]),
        Err(exit) => exit,
    };
    cache.report();
    exit
}

/// Returns the path of the sealed take.
async fn record(options: &RecordOptions, bounds: &RecordBounds, cache: &Cache) -> Result<PathBuf, ExitCode> {
    let usage = |message: String| fail(ExitCode::Usage, message);
    let output = options.output.as_ref().map(|output| ("-o", &**output));
    refuse_inputs(output.as_slice(), options.inputs()).map_err(usage)?;
    let permissions = options.permissions().map_err(usage)?;
    let requests = options.requests().map_err(usage)?;
    let calls = options.calls().map_err(usage)?;
    let path = &options.actor;
    let bytes = input::read(path, input::COMPONENT).map_err(|error| {
        fail(ExitCode::Unchecked, format!("`{}` cannot be read: {error}", path.display()))
    })?;
    let refuse =
        |error: &dyn std::fmt::Display| fail(ExitCode::Unchecked, format!("`{}`: {error}", path.display()));
    let actor = Actor::new(&bytes).map_err(|error| refuse(&error))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let arguments = [vec![name], options.arguments.clone()].concat();
    let invokes = !options.invoke.is_empty() || options.calls.is_some();
    let session = SessionOptions {
        profile: options.profile(),
        code_cache: cache.code(),
        timeout: bounds.call.clone(),
        kind: invokes.then_some(SessionKind::Invoke),
        instance_mode: options.instance.into(),
        arguments,
        actor_path: path.display().to_string(),
        ..SessionOptions::default()
    };
    let program = Host::program(actor, session, permissions).map_err(|error| refuse(&error))?;
    let driver = match program.kind() {
        SessionKind::Invoke => invocations(&program, options, &calls)?,
        kind => driver(options, kind, requests).await?,
    };
    let signals = Signals::listen()?;

    let (take, file) = create(options)?;
    let replaces = file.beside().map(|beside| Replaces { take: take.clone(), beside: beside.to_path_buf() });
    let recorder = match start_recorder(file, &program, options) {
        Ok(recorder) => recorder,
        Err(error) => {
            // Nothing was recorded, so nothing is lost with it.
            let begun = replaces.as_ref().map_or(&*take, |replaces| &*replaces.beside);
            let _ = std::fs::remove_file(begun);
            let message = format!("`{}` cannot be written: {error}", take.display());
            return Err(fail(ExitCode::Unchecked, message));
        }
    };
    // A command has the terminal to itself.
    let live = io::stderr().is_terminal() && !matches!(driver, Driver::Command);
    let live = live.then(|| LiveLine::show(recorder.progress().clone()));
    let mut printer = RecordPrinter::new(options.json, live);
    // The address comes first, for scripts that wait for it.
    announcement(&driver).into_iter().for_each(note);
    replaces.iter().map(Replaces::announcement).for_each(note);
    let clock = bounds.start(&signals.stop, &signals.cancel);
    let session = drive(driver, options, &program, &recorder, &signals, &mut printer).await;
    drop(clock);
    signals.session_ended();
    let end = match session {
        Ok(end) => end,
        Err(error) => {
            printer.ended(&SessionEnd::default());
            // What is there stays readable, and unsealed; the first fault is the one to tell.
            let _ = recorder.flush().await;
            return Err(not_sealed(&take, replaces.as_ref(), &error));
        }
    };
    printer.ended(&end);
    if let Some(replaces) = &replaces
        && recorder.flush().await.is_ok()
        && recorder.progress().calls() == 0
    {
        replaces.discard();
        let message = format!("the session had no call, so `{}` stays as it was", take.display());
        return Err(fail(ExitCode::Nothing, message));
    }
    match recorder.seal().await {
        Ok(summary) => {
            printer.sealed(&take, recorder.progress(), &summary, &end);
            Ok(take)
        }
        Err(error) => Err(not_sealed(&take, replaces.as_ref(), &error)),
    }
}

/// Says why there is no sealed take, and what there is.
fn not_sealed(take: &Path, replaces: Option<&Replaces>, error: &RecordError) -> ExitCode {
    let mut message = format!("`{}`: {error}", take.display());
    if let Some(replaces) = replaces
        && replaces.beside.exists()
    {
        message +=
            &format!("; it stays as it was, and what was recorded is in `{}`", replaces.beside.display());
    }
    fail(ExitCode::Unchecked, message)
}

/// A take that is to replace another, as long as it is beside it.
struct Replaces {
    take: PathBuf,
    beside: PathBuf,
}

impl Replaces {
    fn announcement(&self) -> String {
        let (take, beside) = (self.take.display(), self.beside.display());
        format!("recording into {beside}, which replaces {take} when it is sealed")
    }

    /// Removes the new one, of which nothing is worth keeping.
    fn discard(&self) {
        // If it stays, it is in nobody's way.
        let _ = std::fs::remove_file(&self.beside);
    }
}

/// The line that says where a session is served.
fn announcement(driver: &Driver) -> Option<String> {
    let Driver::Serve(listener) = driver else { return None };
    Some(match listener.local_addr() {
        Ok(address) => format!("listening on http://{address}"),
        Err(error) => format!("listening ({error})"),
    })
}

/// Reads the calls of a session that invokes exports.
fn invocations(
    program: &Program<Host>,
    options: &RecordOptions,
    calls: &[String],
) -> Result<Driver, ExitCode> {
    if calls.is_empty() {
        return Err(fail(ExitCode::Usage, "there is no call in the file of `--calls`"));
    }
    let actors = options.actors.into();
    let calls = calls.iter().map(|text| Invocation::parse(text, program.exports(), actors));
    match calls.collect() {
        Ok(calls) => Ok(Driver::Invoke(calls)),
        Err(error) => Err(fail(ExitCode::Usage, error)),
    }
}

/// Matches what was asked for with what the actor is, and binds the socket.
async fn driver(
    options: &RecordOptions,
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

/// Creates the take's file; an existing one is left alone unless `--force` says otherwise.
fn create(options: &RecordOptions) -> Result<(PathBuf, TakeFile), ExitCode> {
    let refuse = |path: &Path, error: io::Error| fail(ExitCode::Unchecked, refusal(path, &error));
    if let Some(path) = &options.output {
        let file = if options.force { TakeFile::replace(path) } else { TakeFile::create_new(path) };
        return Ok((path.clone(), file.map_err(|error| refuse(path, error))?));
    }
    let stem = options.actor.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    for count in 1u64.. {
        let path = PathBuf::from(match count {
            1 => format!("{stem}.take"),
            count => format!("{stem}-{count}.take"),
        });
        match TakeFile::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(refuse(&path, error)),
        }
    }
    unreachable!("the counter does not end")
}

fn start_recorder(
    mut file: TakeFile,
    program: &Program<Host>,
    options: &RecordOptions,
) -> Result<Recorder, Box<dyn std::error::Error>> {
    let durability = options.durability.into();
    if durability == Durability::Sync {
        file.sync_directory()?;
    }
    let mut writer = LogWriter::create(file)?;
    if options.embed {
        writer.embed_actor(&program.actor().bytes)?;
    }
    Ok(Recorder::start(writer, durability)?)
}

async fn drive(
    driver: Driver,
    options: &RecordOptions,
    program: &Arc<Program<Host>>,
    recorder: &Recorder,
    signals: &Signals,
    printer: &mut RecordPrinter,
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
