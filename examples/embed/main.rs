//! Record and replay in somebody else's host: its own interface, its own bindings, its own linker.
//!
//! `cargo run --example embed` records an actor that reads a sensor, replays the recording without the
//! sensor, and then shows how another build of the actor diverges from it.

use std::error::Error;
use std::fs::File;

use retake_recorder::{
    Actor, ActorContext, CancellationToken, Durability, HasActor, LiveActor, LogWriter, Program, Recorder,
    Session, SessionKind, SessionOptions, Value,
};
use retake_replayer::{ActorBytes, ReplayReport, Verdict, replay};
use wasmtime::component::HasSelf;

mod bindings {
    //! The host's bindings, as it has them without Retake.
    wasmtime::component::bindgen!({ path: "examples/embed/station.wit", world: "station" });
}

use bindings::demo::weather::sensor;

/// The host's data. What Retake adds is one field...
struct Host {
    actor: ActorContext,
    /// A sensor that never shows the same twice.
    shown: i32,
}

/// ...and where it is.
impl HasActor for Host {
    fn actor(&mut self) -> &mut ActorContext {
        &mut self.actor
    }
}

impl sensor::Host for Host {
    fn temperature(&mut self, place: u32) -> i32 {
        self.shown += 7;
        2000 + self.shown - place as i32 * 100
    }
}

const ACTOR: &[u8] = include_bytes!("station.wat");

/// Records one call of the actor, and returns what it answered.
async fn record(take: File) -> Result<Value, Box<dyn Error>> {
    let program = Program::load(
        Actor::new(ACTOR)?,
        SessionOptions { kind: Some(SessionKind::Invoke), ..SessionOptions::default() },
        |linker| sensor::add_to_linker::<_, HasSelf<_>>(linker, |host| host),
        |_, actor| Ok(Host { actor, shown: 0 }),
    )?;
    let recorder = Recorder::start(LogWriter::create(take)?, Durability::Call)?;
    let actor = LiveActor::start(&program, &recorder, &Session::new(), CancellationToken::new()).await?;
    let actor = actor.spawn()?;

    let warmest = actor.handle().call_function("warmest", vec![Value::from(5u32)]).await?;

    actor.handle().shutdown().await?;
    actor.join().await?;
    recorder.seal().await?;
    warmest.ok_or_else(|| "the actor answers nothing".into())
}

/// Replays a take with a build of the actor. The host is not linked, so none of its functions can run.
fn check(take: File, build: &[u8]) -> Result<ReplayReport, Box<dyn Error>> {
    Ok(replay(take, ActorBytes::Given(build.to_vec()))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("station.take");
    let runtime = tokio::runtime::Runtime::new()?;
    let warmest = runtime.block_on(record(File::create_new(&path)?))?;
    println!("recorded: the warmest place has {warmest}");

    let report = check(File::open(&path)?, ACTOR)?;
    println!("replayed: {:?}, {} events checked", report.verdict, report.events);

    // A build that asks for another place.
    let changed = String::from_utf8(ACTOR.to_vec())?
        .replace("(call $temperature (local.get $places))", "(call $temperature (i32.const 0))");
    match check(File::open(&path)?, changed.as_bytes())?.verdict {
        Verdict::Diverged(divergence) => println!("another build: {divergence}"),
        other => println!("another build: {other:?}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedders_host_is_recorded_and_replayed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("station.take");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let file = File::create_new(&path).expect("a new file");
        let warmest = runtime.block_on(record(file)).expect("a recording");
        assert_eq!(warmest, Value::from(2000 + 35i32));

        let open = || File::open(&path).expect("the take");
        let report = check(open(), ACTOR).expect("a replay");
        assert_eq!((report.verdict, report.calls, report.events), (Verdict::Identical, 1, 9));

        let changed = String::from_utf8(ACTOR.to_vec())
            .expect("text")
            .replace("(call $temperature (local.get $places))", "(call $temperature (i32.const 0))");
        let report = check(open(), changed.as_bytes()).expect("a replay");
        let Verdict::Diverged(divergence) = report.verdict else { panic!("{:?}", report.verdict) };
        assert_eq!(divergence.event_index, 2);
    }
}
