//! `retake record`: everything that can be refused is refused before the take is created; then the session, the seal, and
//! with `--check` the replay of what was recorded.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use retake_actor::Actor;
use retake_chain::SessionKind;
use retake_chain::log::{LogWriter, SealSummary};
use retake_recorder::http::{Pool, serve};
use retake_recorder::{Durability, Host, Invocation, Program, Recorder, SessionOptions, TakeFile};
use retake_recorder::{command, invoke};
use retake_verifier::{ExitCode, combine};
use tokio::net::TcpListener;
use tokio::task::coop::unconstrained;
use tokio_util::sync::CancellationToken;

use crate::cache::Cache;
use crate::commands::check;
use crate::commands::record_bounds::RecordBounds;
use crate::options::RecordOptions;
use crate::output::refusal;
use crate::printer::record::RecordPrinter;
use crate::printer::{fail, note};
use crate::progress::LiveLine;

/// How long calls in flight may take after the first signal.
const GRACE: Duration = Duration::from_secs(10);

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
    let permissions = options.permissions().map_err(usage)?;
    let requests = options.requests().map_err(usage)?;
    let calls = options.calls().map_err(usage)?;
    let path = &options.actor;
    let bytes = std::fs::read(path).map_err(|error| {
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
    let recorder = start_recorder(file, &program, options).map_err(|error| {
        fail(ExitCode::Unchecked, format!("`{}` cannot be written: {error}", take.display()))
    })?;
    // A command has the terminal to itself.
    let live = io::stderr().is_terminal() && !matches!(driver, Driver::Command);
    let live = live.then(|| LiveLine::show(recorder.progress().clone()));
    let printer = RecordPrinter::new(options.json, live);
    let clock = bounds.start(&signals.stop, &signals.cancel);
    let session = drive(driver, options, &program, &recorder, &signals, &printer).await;
    drop(clock);
    match seal(session, &recorder).await {
        Ok(summary) => {
            printer.sealed(&take, recorder.progress(), &summary);
            Ok(take)
        }
        Err(error) => Err(fail(ExitCode::Unchecked, format!("`{}`: {error}", take.display()))),
    }
}

/// Seals the take, unless the session could not be recorded to its end.
async fn seal(
    session: Result<(), retake_recorder::RecordError>,
    recorder: &Recorder,
) -> Result<SealSummary, retake_recorder::RecordError> {
    match session {
        Ok(()) => recorder.seal().await,
        Err(error) => {
            // What is there stays readable, and unsealed; the first fault is the one to tell.
            let _ = recorder.flush().await;
            Err(error)
        }
    }
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
        let file = if options.force { TakeFile::overwrite(path) } else { TakeFile::create_new(path) };
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
    printer: &RecordPrinter,
) -> Result<(), retake_recorder::RecordError> {
    let (stop, cancel) = (&signals.stop, &signals.cancel);
    match driver {
        Driver::Command => {
            let end = command::record(program, recorder, cancel).await?;
            printer.command_ended(&end);
            return Ok(());
        }
        Driver::Invoke(calls) => {
            let answered = |call: &Invocation, answer| printer.invoked(call, program.exports(), answer);
            let actors = options.actors.into();
            return invoke::record(program, recorder, actors, (stop, cancel), &calls, answered).await;
        }
        Driver::Serve(_) | Driver::Requests(_) => {}
    }
    let pool = Pool::start(program, recorder, options.actors.into(), cancel.clone()).await?;
    let pool = Arc::new(pool);
    match driver {
        Driver::Serve(listener) => {
            match listener.local_addr() {
                Ok(address) => note(format!("listening on http://{address}")),
                Err(error) => note(format!("listening ({error})")),
            }
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
        Ok(pool) => pool.close().await,
        Err(_) => Err(retake_recorder::RecordError::RecorderGone),
    }
}

/// What SIGINT and SIGTERM ask for.
struct Signals {
    /// Take no new calls.
    stop: CancellationToken,
    /// Give up the calls in flight: at the second signal, or some time after the first.
    cancel: CancellationToken,
}

impl Signals {
    fn listen() -> Result<Signals, ExitCode> {
        use tokio::signal::unix::{SignalKind, signal};
        let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
        let listen = |kind| signal(kind).map_err(|error| fail(ExitCode::Unchecked, error));
        let (mut interrupt, mut terminate) =
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let signals = Signals { stop: stop.clone(), cancel: cancel.clone() };
        tokio::spawn(async move {
            let mut either =
                async || tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () };
            either().await;
            note("stopping: calls in flight are finished, then the take is sealed".into());
            stop.cancel();
            tokio::select! { () = either() => (), () = tokio::time::sleep(GRACE) => () }
            cancel.cancel();
        });
        Ok(signals)
    }
}
