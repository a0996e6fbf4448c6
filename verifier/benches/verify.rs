//! Measures how fast a take is verified, compared with SHA-256 alone: `cargo bench -p retake-verifier [-- MIB | TAKE]`. The argument is
//! the size of the take to make (512 by default), or an existing take.
//!
//! The events of the take have 64 KiB of random bytes each. In each round, `openssl speed` runs on one core
//! and on all cores, and `verify` runs directly after it, so that both suffer equally on a shared machine.
//! The result is the best of each, and the median of the ratios of the rounds. Without `openssl`, the hash of
//! `retake-chain` is measured instead, on one core.

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use retake_chain::log::FORMAT_VERSION;
use retake_chain::{
    ActorSource, ChainEvent, ChainEventData, ContentRef, EngineProfile, HostFunctionCall, InstanceMode,
    LogWriter, Outcome, SessionKind, SessionStart, TheaterId, Value, WasmEventData,
};
use retake_verifier::verify;

/// MiB of payload in the take.
const PAYLOAD: usize = 512;
/// Bytes of one payload.
const CHUNK: usize = 64 << 10;
const ROUNDS: usize = 5;

fn main() {
    // Cargo runs benchmarks with `--test` to check that they work.
    let quick = std::env::args().any(|arg| arg == "--test");
    let asked = std::env::args().find_map(|arg| arg.parse::<usize>().ok());
    let (payload, rounds) = if quick { (CHUNK, 1) } else { (asked.unwrap_or(PAYLOAD) << 20, ROUNDS) };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let given = std::env::args().find(|arg| arg.ends_with(".take")).map(PathBuf::from);
    let path = given.clone().unwrap_or_else(|| folder.path().join("bench.take"));
    if given.is_none() {
        write_take(&path, payload);
    }
    let bytes = std::fs::metadata(&path).expect("the take").len();
    let cores = available_parallelism().map_or(1, usize::from);

    let (mut one, mut all, mut verified, mut ratios) = (0f64, 0f64, 0f64, Vec::new());
    for _ in 0..rounds {
        let hash = |cores: usize| if quick { None } else { openssl(cores) };
        one = one.max(hash(1).unwrap_or_else(|| ring(payload)));
        let beside = hash(cores).unwrap_or(one * cores as f64);
        all = all.max(beside);
        let begun = Instant::now();
        let report = verify(File::open(&path).expect("the take")).expect("an intact take");
        let rate = rate(bytes as usize, begun.elapsed());
        assert_eq!(report.calls(), 1);
        verified = verified.max(rate);
        ratios.push(rate / beside);
    }
    ratios.sort_by(f64::total_cmp);
    println!("take                     {:>8.1} MiB", mib(bytes as f64));
    println!("SHA-256, one core        {:>8.1} MiB/s", mib(one));
    println!("SHA-256, {cores} cores         {:>8.1} MiB/s", mib(all));
    println!("verify                   {:>8.1} MiB/s", mib(verified));
    println!(
        "verify / SHA-256 of all cores: {:.2}, median of rounds {:.2}",
        verified / all,
        ratios[rounds / 2]
    );
    if let Some(peak) = peak_memory() {
        println!("peak memory              {peak}");
    }
}

/// The peak memory of this process, as the system reports it.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(|peak| peak.trim().to_owned())
}

fn mib(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

/// Bytes per second.
fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64()
}

/// The result of `openssl speed` on this number of cores: the last number of its machine-readable line.
fn openssl(cores: usize) -> Option<f64> {
    let cores = cores.to_string();
    let args = ["speed", "-seconds", "1", "-bytes", "65536", "-mr", "-multi", &cores, "-evp", "sha256"];
    let output = Command::new("openssl").args(args).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().rfind(|line| line.starts_with("+F:"))?.rsplit(':').next()?.parse().ok()
}

fn ring(bytes: usize) -> f64 {
    let data = vec![7u8; CHUNK];
    let begun = Instant::now();
    for _ in 0..bytes / CHUNK {
        black_box(ContentRef::of(black_box(&data)));
    }
    rate(bytes, begun.elapsed())
}

/// Writes a take of one call that writes `payload` bytes.
fn write_take(path: &Path, payload: usize) {
    let id = TheaterId::generate();
    let mut writer = LogWriter::create(File::create(path).expect("a file")).expect("it can be written");
    let chain = writer.add_chain(id).expect("the first chain");
    let mut parent = None;
    let mut append = |data: ChainEventData| {
        let event: ChainEvent = data.to_chain_event(parent);
        parent = Some(event.hash);
        writer.append(chain, &event).expect("it can be written");
    };
    append(ChainEventData::session(genesis(id)));
    append(ChainEventData::wasm(WasmEventData::WasmCall { function_name: "run".into(), params: vec![] }));
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..payload / CHUNK {
        let words = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        let bytes: Vec<u8> = words.take(CHUNK / 8).flatten().collect();
        append(ChainEventData::host_function(HostFunctionCall {
            interface: "wasi:io/streams@0.2.3".into(),
            function: "[method]output-stream.write".into(),
            input: vec![Value::Handle(1), Value::from(bytes)],
            output: Outcome::Returned(Some("ok".into())),
        }));
    }
    let ended = WasmEventData::ended("run".into(), None, Outcome::Returned(None));
    append(ChainEventData::wasm(ended));
    append(ChainEventData::shutdown());
    writer.seal().expect("it can be sealed");
}

fn genesis(actor_id: TheaterId) -> SessionStart {
    SessionStart {
        format: FORMAT_VERSION,
        actor_id,
        actor: ActorSource { digest: ContentRef::of(b"component"), size: 9, path: "bench.wasm".into() },
        kind: SessionKind::Command,
        profile: EngineProfile {
            engine: "none".into(),
            nan_canonicalization: true,
            relaxed_simd_deterministic: true,
            threads: false,
            memory_limit: 0,
            table_limit: 0,
            fuel: None,
            hostcall_limit: 0,
            interruptible: false,
        },
        arguments: vec![],
        env_names: vec![],
        preopens: vec![],
        allow_net: false,
        instance_mode: InstanceMode::PerCall,
        started_at_unix_ms: 0,
    }
}
