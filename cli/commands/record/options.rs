//! Owns the options of `record`, and what they mean to the recorder.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::Request;
use retake_actor::profile;
use retake_chain::{BYTE_ORDER_MARK, EngineProfile, InstanceMode};
use retake_recorder::{Durability, Permissions};

use crate::input;
use crate::options::{CacheOptions, FormOptions, TimeoutOptions};
use crate::printer;
use crate::values::{
    PreopenOption, body_file, parse_address, parse_bytes, parse_dir, parse_env, parse_request,
};

/// Run a component (the actor) and record every call to its host in a file (the take).
#[derive(Debug, Args)]
pub struct Options {
    /// The component: an HTTP actor (exports `wasi:http/incoming-handler`), a command (exports
    /// `wasi:cli/run`), or any component with `--invoke` or `--calls`.
    pub actor: PathBuf,
    /// Write the take to FILE. The default is NAME.take in the current directory; if that exists,
    /// NAME-2.take, and so on.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace FILE when the new take is complete. Until then the new take is FILE.recording.
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Serve the HTTP actor on this address until SIGINT, SIGTERM or SIGHUP. The first line on stderr shows
    /// the address.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "request", value_parser = parse_address)]
    pub http: Option<String>,
    /// Send one request to the HTTP actor: `METHOD PATH [BODY]`. BODY is text or @FILE. May be repeated.
    #[arg(long, value_name = "REQUEST")]
    pub request: Vec<String>,
    /// Call an export: `name(argument, ...)`. Arguments are in WAVE, the text form of component values, such
    /// as `f("text", 1)`. With several actors, `#1 name(...)` calls the second one. The result is one line on
    /// stdout. May be repeated.
    #[arg(long, value_name = "CALL", conflicts_with_all = ["http", "request"])]
    pub invoke: Vec<String>,
    /// Call exports as `--invoke` does, one call per line of FILE. Empty lines are skipped, and so are lines
    /// that start with `#` unless a digit follows.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["http", "request"])]
    pub calls: Option<PathBuf>,
    /// Whether each call gets a fresh instance, or all calls share one and its memory.
    #[arg(long, value_name = "MODE", default_value = "call")]
    pub instance: InstanceOption,
    /// How many copies of the actor run. Each has its own chain of events in the take.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub actors: u16,
    /// Set an environment variable of the actor.
    #[arg(long, value_name = "K=V", value_parser = parse_env)]
    pub env: Vec<(String, String)>,
    /// Pass an environment variable of this process to the actor.
    #[arg(long, value_name = "NAME")]
    pub inherit_env: Vec<String>,
    /// Give the actor a directory. `:ro` makes it read-only.
    #[arg(long, value_name = "HOST::GUEST[:ro]", value_parser = parse_dir)]
    pub dir: Vec<PreopenOption>,
    /// Allow the actor to use the network.
    #[arg(long)]
    pub allow_net: bool,
    /// End a call that used N units of fuel, about one per WebAssembly instruction. A replay ends it at the
    /// same instruction.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub fuel: Option<u64>,
    /// Limit each memory of the actor: bytes, or a number with K, M or G.
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub max_memory: Option<u64>,
    #[command(flatten)]
    pub timeouts: TimeoutOptions,
    /// When to answer the caller of a call.
    #[arg(long, value_name = "WHEN", default_value = "call")]
    pub durability: DurabilityOption,
    #[command(flatten)]
    pub cache: CacheOptions,
    /// Store the component in the take, so that the take replays without another file.
    #[arg(long)]
    pub embed: bool,
    /// Replay the new take at once, and exit as `replay` does.
    #[arg(long)]
    pub check: bool,
    /// With `--check`: replay N times, each under a change that a deterministic actor cannot observe, and
    /// name the changes that make a difference. There are 5: engine, memory, threads, optimisation, memory
    /// limit.
    #[arg(long, value_name = "N", requires = "check", value_parser = clap::value_parser!(u16).range(1..))]
    pub repeat: Option<u16>,
    #[command(flatten)]
    pub form: FormOptions,
    /// Arguments of the command.
    #[arg(last = true, value_name = "ARGS")]
    pub arguments: Vec<String>,
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
    /// After the call is written to the operating system. It survives the death of the recorder.
    Call,
    /// After the call is synced to disk. It survives a loss of power.
    Sync,
    /// At once. The last calls may be lost with the recorder.
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

impl Options {
    /// The permissions of the actor. Fails on an environment variable that is not set, or is not text.
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
            // The actor must not write between the lines of a form that machines read.
            keep_stdout: printer::of(self.form.form()).owns_stdout(),
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

    /// The files that are read for the session, each with its role.
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
