//! Owns a session from its options to the sealed take. Whatever can be refused is refused before the take is
//! created.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use retake_actor::Actor;
use retake_chain::SessionKind;
use retake_chain::log::LogWriter;
use retake_recorder::{Durability, Host, Program, RecordError, Recorder, SessionOptions};
use retake_verifier::ExitCode;

use super::bounds::RecordBounds;
use super::driver::{Driver, drive};
use super::options::Options;
use crate::cache::Cache;
use crate::console::{fail, note};
use crate::input;
use crate::output::refuse_inputs;
use crate::printer::{self, SessionEnd, SessionPrinter};
use crate::progress::LiveLine;
use crate::signals::Signals;
use crate::takes::{Draft, Existing, RecordingStorage, sink};
use crate::words::record::not_recorded;

/// Records a session. Returns the path of the sealed take.
///
/// # Errors
/// The exit code; why was printed.
pub async fn record(options: &Options, bounds: &RecordBounds, cache: &Cache) -> Result<PathBuf, ExitCode> {
    let (program, driver) = prepare(options, bounds, cache).await?;
    let signals = Signals::listen()?;
    let (take, file) = create(options)?;
    let draft = file.draft();
    let recorder = start_recorder(file, &program, options).map_err(|error| {
        // Nothing was recorded, so nothing is lost with it.
        draft.discard();
        fail(ExitCode::Unchecked, format!("`{}` cannot be written: {error}", take.display()))
    })?;
    // A command has the terminal to itself.
    let live = io::stderr().is_terminal() && !matches!(driver, Driver::Command);
    let live = live.then(|| LiveLine::show(recorder.progress().clone()));
    let mut printer = SessionPrinter::new(printer::of(options.form.form()), live);
    // The address comes first, for scripts that wait for it.
    driver.announcement().into_iter().for_each(note);
    if draft.replaces() {
        let (draft, take) = (draft.name(), take.display());
        note(format!("recording into {draft}, which replaces {take} when it is sealed"));
    }
    let clock = bounds.start(&signals.stop, &signals.cancel);
    let session = drive(driver, options, &program, &recorder, &signals, &mut printer).await;
    drop(clock);
    signals.session_ended();
    let end = match session {
        Ok(end) => end,
        Err(error) => {
            printer.ended(&SessionEnd::default());
            // What was written stays readable, and unsealed. The first fault is the one to report.
            let _ = recorder.flush().await;
            return Err(not_sealed(&take, &*draft, &error));
        }
    };
    printer.ended(&end);
    if draft.replaces() && recorder.flush().await.is_ok() && recorder.progress().calls() == 0 {
        draft.discard();
        let message = format!("the session had no call, so `{}` stays as it was", take.display());
        return Err(fail(ExitCode::Nothing, message));
    }
    match recorder.seal().await {
        Ok(summary) => {
            printer.sealed(&take, recorder.progress(), &summary, &end);
            Ok(take)
        }
        Err(error) => Err(not_sealed(&take, &*draft, &error)),
    }
}

/// Reads and compiles what the session needs, and binds the socket.
async fn prepare(
    options: &Options,
    bounds: &RecordBounds,
    cache: &Cache,
) -> Result<(Arc<Program<Host>>, Driver), ExitCode> {
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
    let refuse = |error: &dyn Display| fail(ExitCode::Unchecked, format!("`{}`: {error}", path.display()));
    let actor = Actor::new(&bytes).map_err(|error| refuse(&error))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let invokes = !options.invoke.is_empty() || options.calls.is_some();
    let session = SessionOptions {
        profile: options.profile(),
        code_cache: cache.code(),
        pooled_instances: if options.http.is_some() { options.actors.into() } else { 0 },
        timeout: bounds.call.clone(),
        kind: invokes.then_some(SessionKind::Invoke),
        instance_mode: options.instance.into(),
        arguments: [vec![name], options.arguments.clone()].concat(),
        actor_path: path.display().to_string(),
        ..SessionOptions::default()
    };
    let program =
        Host::program(actor, session, permissions).map_err(|error| refuse(&not_recorded(&error)))?;
    let driver = Driver::of(&program, options, requests, &calls).await?;
    Ok((program, driver))
}

/// Prints why there is no sealed take, and what there is.
fn not_sealed(take: &Path, draft: &dyn Draft, error: &RecordError) -> ExitCode {
    let mut message = format!("`{}`: {}", take.display(), not_recorded(error));
    if draft.replaces() && draft.exists() {
        message += &format!("; it stays as it was, and what was recorded is in `{}`", draft.name());
    }
    fail(ExitCode::Unchecked, message)
}

/// Creates the take. An existing one stays, unless `--force` is given.
fn create(options: &Options) -> Result<(PathBuf, Box<dyn RecordingStorage>), ExitCode> {
    let refuse = |path: &Path, error: io::Error| fail(ExitCode::Unchecked, sink(path).refusal(&error));
    if let Some(path) = &options.output {
        let file = sink(path).record(Existing::of(options.force));
        return Ok((path.clone(), file.map_err(|error| refuse(path, error))?));
    }
    let stem = options.actor.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    for count in 1u64.. {
        let path = PathBuf::from(match count {
            1 => format!("{stem}.take"),
            count => format!("{stem}-{count}.take"),
        });
        let created = sink(&path).record(Existing::Refuse);
        match created {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(refuse(&path, error)),
        }
    }
    unreachable!("the counter does not end")
}

fn start_recorder(
    mut file: Box<dyn RecordingStorage>,
    program: &Program<Host>,
    options: &Options,
) -> Result<Recorder, Box<dyn std::error::Error>> {
    let durability = options.durability.into();
    if durability == Durability::Sync {
        file.sync_name()?;
    }
    let mut writer = LogWriter::create(file)?;
    if options.embed {
        writer.embed_actor(&program.actor().bytes)?;
    }
    Ok(Recorder::start(writer, durability)?)
}
