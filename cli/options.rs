//! Owns the command line: the options of each command; those of suites are in `options/suite.rs`. What is written in them is
//! `values.rs`'s.

mod suite;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use clap::{Args, Parser, Subcommand, ValueEnum};
use http::Request;
use retake_actor::profile;
use retake_chain::{BYTE_ORDER_MARK, EngineProfile, InstanceMode};
use retake_recorder::{Durability, Permissions};
use retake_replayer::Timeouts;

pub use suite::{Annotate, MergeOptions, ReportOptions, TestOptions};

use crate::input;
use crate::values::{
    PreopenOption, body_file, parse_address, parse_bytes, parse_dir, parse_env, parse_request, parse_time,
};

/// Record what a WebAssembly actor does at its boundary, replay it, and prove it.
#[derive(Debug, Parser)]
#[command(name = "retake", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an actor and record every call it makes to its host.
    Record(Box<RecordOptions>),
    /// Re-run the actor from a take alone and stop at the first difference.
    Replay(ReplayOptions),
    /// Check every hash, link, count and the seal of takes, without running anything.
    Verify(VerifyOptions),
    /// Replay all takes in files and folders, side by side, and fail with a report that explains.
    Test(TestOptions),
    /// Join the reports of `test` on all partitions of a suite into one verdict.
    Merge(MergeOptions),
    /// Show what a take holds: its session and every event, or one event in full.
    Inspect(InspectOptions),
    /// Save the whole calls of a take that is torn, unsealed, damaged or altered. The take itself is not changed.
    Repair(RepairOptions),
    /// Write a take as JSON lines, for other tools; `import` makes it a take again.
    Export(ExportOptions),
    /// Make a take of JSON lines, and check it as `verify` does.
    Import(ImportOptions),
}

#[derive(Debug, Args)]
pub struct RecordOptions {
    /// The component: an actor with `wasi:http/incoming-handler`, or a command with `wasi:cli/run`.
    pub actor: PathBuf,
    /// Where the take goes; without it NAME.take in the current directory, then NAME-2.take, and so on.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file named with `-o` when the new take is sealed; until then that is FILE.recording.
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Serve an HTTP actor on this address until SIGINT, SIGTERM or SIGHUP; the bound address is the first line on stderr.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "request", value_parser = parse_address)]
    pub http: Option<String>,
    /// Send one request to an HTTP actor: `METHOD PATH [BODY]`, where BODY is text or @FILE. May be repeated.
    #[arg(long, value_name = "REQUEST")]
    pub request: Vec<String>,
    /// Call an export by its name, with arguments in WAVE: `name(argument, ...)`; of several actors, `#1 name(...)` calls the
    /// second. Its result is a line on stdout. May be repeated.
    #[arg(long, value_name = "CALL", conflicts_with_all = ["http", "request"])]
    pub invoke: Vec<String>,
    /// Call exports as `--invoke` does, one call per line of a file; empty lines and comments are
    /// skipped, which begin with `#` and no digit.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["http", "request"])]
    pub calls: Option<PathBuf>,
    /// Whether each call gets a fresh instance, or all share one and its memory.
    #[arg(long, value_name = "MODE", default_value = "call")]
    pub instance: InstanceOption,
    /// How many actors there are, each with its own mailbox and chain.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub actors: u16,
    /// Give the actor an environment variable.
    #[arg(long, value_name = "K=V", value_parser = parse_env)]
    pub env: Vec<(String, String)>,
    /// Give the actor one of this process's environment variables.
    #[arg(long, value_name = "NAME")]
    pub inherit_env: Vec<String>,
    /// Give the actor a directory; with `:ro` it cannot be written.
    #[arg(long, value_name = "HOST::GUEST[:ro]", value_parser = parse_dir)]
    pub dir: Vec<PreopenOption>,
    /// Let the actor use the network.
    #[arg(long)]
    pub allow_net: bool,
    /// End a call that uses up this much fuel, which is about one per WebAssembly instruction; replays end it at the same one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub fuel: Option<u64>,
    /// How large each memory of the actor may get: bytes, or a number with K, M or G.
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub max_memory: Option<u64>,
    #[command(flatten)]
    pub timeouts: TimeoutOptions,
    /// What a call has to be before its caller is answered.
    #[arg(long, value_name = "WHEN", default_value = "call")]
    pub durability: DurabilityOption,
    #[command(flatten)]
    pub cache: CacheOptions,
    /// Put the component into the take, so that the one file replays anywhere.
    #[arg(long)]
    pub embed: bool,
    /// Replay the fresh take at once, and end as `replay` would.
    #[arg(long)]
    pub check: bool,
    /// Replay it so many times, each time with something changed that a deterministic actor cannot tell (engine, memory,
    /// threads, optimisation, memory limit: 5 have all), and name what made a difference.
    #[arg(long, value_name = "N", requires = "check", value_parser = clap::value_parser!(u16).range(1..))]
    pub repeat: Option<u16>,
    /// Print JSON lines instead of text.
    #[arg(long)]
    pub json: bool,
    /// Arguments of a command.
    #[arg(last = true, value_name = "ARGS")]
    pub arguments: Vec<String>,
}

#[derive(Debug, Args)]
pub struct ReplayOptions {
    /// The take.
    pub take: PathBuf,
    /// Re-run this component instead of the recorded one: what counts is then what it does, not its digest.
    #[arg(long, value_name = "FILE")]
    pub actor: Option<PathBuf>,
    /// End a call that uses up this much fuel, of a take that was recorded without a bound: for a build that may compute
    /// without end.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub fuel: Option<u64>,
    #[command(flatten)]
    pub timeouts: TimeoutOptions,
    #[command(flatten)]
    pub cache: CacheOptions,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// How long the actor may take. What is stopped by a bound in time could not be checked: exit code 4.
#[derive(Clone, Copy, Debug, Args)]
pub struct TimeoutOptions {
    /// Stop a call that takes longer: a number with `ms`, `s`, `m` or `h`, as `30s`.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub timeout: Option<Duration>,
    /// Stop when the whole take has taken longer.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub take_timeout: Option<Duration>,
}

impl From<TimeoutOptions> for Timeouts {
    fn from(options: TimeoutOptions) -> Self {
        Timeouts { call: options.timeout, take: options.take_timeout }
    }
}

/// Whether compiled code is kept.
#[derive(Debug, Args)]
pub struct CacheOptions {
    /// Neither use nor keep compiled code; it is kept in $RETAKE_CACHE_DIR, $XDG_CACHE_HOME/retake or ~/.cache/retake.
    #[arg(long)]
    pub no_cache: bool,
}

#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// The takes; `-` is one on stdin.
    #[arg(required = true)]
    pub takes: Vec<PathBuf>,
    /// Print one JSON object per take.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct InspectOptions {
    /// The take.
    pub take: PathBuf,
    /// Show the event with this number in full; of a sealed take, no more is read than it takes to find it.
    #[arg(long, value_name = "N")]
    pub event: Option<u64>,
    /// Print one JSON object per event, and at the end the report of `verify`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RepairOptions {
    /// The take.
    pub take: PathBuf,
    #[command(flatten)]
    pub new: NewTake,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The take.
    pub take: PathBuf,
    /// Write to a file instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite FILE if it is there.
    #[arg(long, requires = "output")]
    pub force: bool,
    /// The form.
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    pub format: ExportFormat,
}

/// A `--format` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON object per line: the take without loss, strings readable, bytes in base64.
    Jsonl,
}

#[derive(Debug, Args)]
pub struct ImportOptions {
    /// What `export --format jsonl` wrote; `-` is stdin.
    #[arg(value_name = "FILE")]
    pub lines: PathBuf,
    #[command(flatten)]
    pub new: NewTake,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Where a new take goes.
#[derive(Debug, Args)]
pub struct NewTake {
    /// Where the new take goes.
    #[arg(short, long, value_name = "NEW")]
    pub output: PathBuf,
    /// Overwrite NEW if it is there.
    #[arg(long)]
    pub force: bool,
}

/// A `--instance` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InstanceOption {
    /// A fresh instance per call.
    Call,
    /// One instance for the whole session.
    Session,
}

impl From<InstanceOption> for InstanceMode {
    fn from(option: InstanceOption) -> Self {
        match option {
            InstanceOption::Call => InstanceMode::PerCall,
            InstanceOption::Session => InstanceMode::Session,
        }
    }
}

/// A `--durability` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DurabilityOption {
    /// Written to the operating system: it survives the death of the recorder.
    Call,
    /// Synced to the disk: it survives a loss of power.
    Sync,
    /// Nothing: the last calls may be lost with the recorder.
    None,
}

impl From<DurabilityOption> for Durability {
    fn from(option: DurabilityOption) -> Self {
        match option {
            DurabilityOption::Call => Durability::Call,
            DurabilityOption::Sync => Durability::Sync,
            DurabilityOption::None => Durability::None,
        }
    }
}

impl RecordOptions {
    /// What the actor may reach. Fails on an environment variable that is not set, or is not text.
    pub fn permissions(&self) -> Result<Permissions, String> {
        let mut env = self.env.clone();
        for name in &self.inherit_env {
            match std::env::var(name) {
                Ok(value) => env.push((name.clone(), value)),
                Err(error) => return Err(format!("`--inherit-env {name}`: {error}")),
            }
        }
        Ok(Permissions {
            env,
            dirs: self.dir.iter().map(|dir| dir.0.clone()).collect(),
            allow_net: self.allow_net,
            // With `--json`, stdout is for JSON lines.
            keep_stdout: self.json,
        })
    }

    /// The engine profile of the session.
    pub fn profile(&self) -> EngineProfile {
        let default = profile::default_profile();
        let memory_limit = self.max_memory.unwrap_or(default.memory_limit);
        EngineProfile { fuel: self.fuel, memory_limit, ..default }
    }

    /// The calls of `--invoke` and `--calls`, in that order, as text.
    pub fn calls(&self) -> Result<Vec<String>, String> {
        let mut calls = self.invoke.clone();
        if let Some(file) = &self.calls {
            let text = input::read_text(file, input::CALLS)
                .map_err(|error| format!("`{}`: {error}", file.display()))?;
            let is_comment = |line: &str| {
                line.strip_prefix('#')
                    .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
            };
            let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line));
            calls.extend(lines.map(str::to_string));
        }
        Ok(calls)
    }

    /// The files that are read for the session, each with what it is.
    pub fn inputs(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let bodies = self.request.iter().filter_map(|request| body_file(request));
        [("the component", &*self.actor)]
            .into_iter()
            .chain(self.calls.iter().map(|calls| ("the file of calls", &**calls)))
            .chain(bodies.map(|body| ("the body of a request", body)))
    }

    /// The requests of `--request`, in order, with their bodies read.
    pub fn requests(&self) -> Result<Vec<Request<Bytes>>, String> {
        self.request.iter().map(|text| parse_request(text)).collect()
    }
}
