//! Owns the genesis of a chain: what ran, in which engine, with what at hand.
//! How a session is opened is the recorder's; whether a replay may follow it is the replayer's.

use serde::{Deserialize, Serialize};

use crate::model::hash::ContentRef;
use crate::model::ids::TheaterId;
use crate::model::version::FormatVersion;

/// The payload of `retake/session`, the first event of every chain. The chain thereby binds what ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStart {
    /// Version of the format that this chain is written in.
    pub format: FormatVersion,
    /// The actor whose chain this is.
    pub actor_id: TheaterId,
    /// The component that ran.
    pub actor: ActorSource,
    /// How the actor was driven.
    pub kind: SessionKind,
    /// The engine, with its settings and limits.
    pub profile: EngineProfile,
    /// Command-line arguments of the guest, `argv[0]` included.
    pub arguments: Vec<String>,
    /// Names of the environment variables given; their values are recorded when the guest asks.
    pub env_names: Vec<String>,
    /// Guest paths of the directories given, with `:ro` after those that are read-only.
    pub preopens: Vec<String>,
    /// Whether the network was allowed.
    pub allow_net: bool,
    /// Whether calls share an instance.
    pub instance_mode: InstanceMode,
    /// When the session began, in milliseconds since 1970-01-01 UTC.
    pub started_at_unix_ms: u64,
}

/// The original component, before any instrumentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorSource {
    /// SHA-256 of its bytes.
    pub digest: ContentRef,
    /// How many bytes it has.
    pub size: u64,
    /// Where it was read from, as it was given.
    pub path: String,
}

/// How an actor was driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionKind {
    /// Requests to `wasi:http/incoming-handler`, from a socket or from the command line.
    Http,
    /// One run of `wasi:cli/run`.
    Command,
    /// A series of invoked exports.
    Invoke,
}

/// Whether calls share an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceMode {
    /// A fresh instance for every call.
    PerCall,
    /// One instance, and its memory, for the whole session.
    Session,
}

/// What decides how the engine computes. A replay under another profile is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineProfile {
    /// Name and version, such as `wasmtime 48.0.8`.
    pub engine: String,
    /// NaNs are brought to one form.
    pub nan_canonicalization: bool,
    /// Relaxed SIMD has one result on every machine.
    pub relaxed_simd_deterministic: bool,
    /// Threads and shared memory are there.
    pub threads: bool,
    /// Bound of a linear memory, in bytes.
    pub memory_limit: u64,
    /// Bound of a table, in elements.
    pub table_limit: u64,
    /// Fuel per call, if bounded.
    pub fuel: Option<u64>,
    /// Bound of what a guest may hand to the host in one call, in bytes.
    pub hostcall_limit: u64,
    /// Guests could be interrupted while they computed: their frames are larger, and they have more stack.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interruptible: bool,
}

impl SessionKind {
    /// The word that the genesis and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            SessionKind::Http => "http",
            SessionKind::Command => "command",
            SessionKind::Invoke => "invoke",
        }
    }
}

impl InstanceMode {
    /// The word that the genesis and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            InstanceMode::PerCall => "per-call",
            InstanceMode::Session => "session",
        }
    }
}
