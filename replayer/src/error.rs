//! Owns [`ReplayError`]: every reason why a take cannot be replayed. A difference is an answer, and not one
//! of them.

use retake_actor::{LoadError, RaisedIn, Shortage};
use retake_chain::{ChainError, ContentRef, EngineProfile};
use retake_verifier::VerifyError;
use thiserror::Error;

use crate::time_bound::{TimeBound, TimedOut};

/// Why a take could not be replayed.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ReplayError {
    /// The take's file cannot be opened.
    #[error("the take cannot be opened: {reason}")]
    NotOpened { reason: String },
    /// The take cannot be read, or is damaged at a place that keeps it from being replayed.
    #[error(transparent)]
    Take(#[from] VerifyError),
    /// The actor cannot be used.
    #[error(transparent)]
    Actor(#[from] LoadError),
    /// The build to re-run is not one.
    #[error("the actor `{path}` cannot be used: {reason}")]
    ActorUnusable {
        /// The path that was given.
        path: String,
        reason: LoadError,
    },
    /// The build to re-run cannot be read.
    #[error("the actor `{path}` cannot be read: {reason}")]
    ActorUnreadable {
        /// The path that was given.
        path: String,
        reason: String,
    },
    /// The take does not carry the actor, and the recorded path cannot be read.
    #[error("the take does not carry the actor, and `{path}` cannot be read: {reason}; name the component")]
    ActorMissing {
        /// The path in the genesis.
        path: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// The take does not carry the actor, and no place where it may lie has it.
    #[error(
        "the take does not carry the actor (SHA-256 {recorded}), and it was not found: {tried}",
        tried = in_words(tried)
    )]
    ActorNotFound {
        /// Digest in the genesis.
        recorded: ContentRef,
        /// Where it was looked for, in order.
        tried: Vec<PathTried>,
    },
    /// The component at the recorded path is not the one that was recorded.
    #[error(
        "`{path}` is not the component that was recorded: expected SHA-256 {recorded}, found {found}; \
         name another build to replay that on purpose"
    )]
    OtherActor {
        /// The path in the genesis.
        path: String,
        /// Digest of what is there.
        found: ContentRef,
        /// Digest in the genesis.
        recorded: ContentRef,
    },
    /// Two chains of one take were made by different components or under different profiles.
    #[error(
        "the take cannot be replayed: the actor or profile of chain {chain} differs from that of the first chain"
    )]
    MixedSession {
        /// Number of the chain in the take.
        chain: u32,
    },
    /// The recording was made under an engine profile that this build does not have.
    #[error("the take was recorded under another engine profile: {}", differing(.recorded, .ours))]
    Profile {
        /// The profile in the genesis.
        recorded: Box<EngineProfile>,
        /// What this build would run under.
        ours: Box<EngineProfile>,
    },
    /// The take has a bound on execution, and the replay was given another.
    #[error(
        "the take was recorded with a fuel of {fuel} per call, and its replay has the same; \
         leave out the replay's own bound"
    )]
    TwoBounds {
        /// The fuel in the genesis.
        fuel: u64,
    },
    /// The take ends before its first event, inside a frame.
    #[error("the take is torn at byte {offset}, before its first event: there is nothing to replay")]
    TornEarly {
        /// Where the torn frame begins.
        offset: u64,
    },
    /// The take ends before its first event, without a seal.
    #[error(
        "the take is not sealed and holds no event: the recorder did not finish, and there is nothing to replay"
    )]
    UnsealedEarly,
    /// The take holds no call of an export.
    #[error("the take holds no call, so there is nothing to check")]
    NothingToCheck,
    /// A re-run took too long. What it would have done is not known.
    #[error("{0}")]
    TimedOut(Box<TimedOut>),
    /// The replay took too long, while no guest was running.
    #[error("{bound} and was stopped, after {events} events were read")]
    TakeTimedOut {
        /// The bound.
        bound: TimeBound,
        /// Events that were read.
        events: u64,
    },
    /// The take has more chains at once than can be re-run at once, and cannot be read again for the others.
    #[error(
        "the take has too many chains at once to be replayed in one reading, and it cannot be read again: {reason}"
    )]
    NotReadAgain { reason: String },
    /// The take had other contents when it was read again.
    #[error("the take changed while it was replayed; is it still being recorded?")]
    TakeChanged,
    /// The machine has no room for the actor.
    #[error(transparent)]
    Shortage(#[from] Shortage),
    /// The chain of a re-run did not take an event.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The system gave no thread.
    #[error("no thread for {purpose} could be started: {reason}")]
    NoThread {
        /// What it was for.
        purpose: &'static str,
        /// What the system says.
        reason: String,
    },
    /// The re-run of a chain panicked.
    #[error("the re-run of chain {chain} panicked")]
    RerunPanicked {
        /// Number of the chain in the take.
        chain: u32,
    },
    /// The engine failed outside the actor.
    #[error("the engine failed: {reason}")]
    Engine {
        /// What it says.
        reason: String,
    },
}

/// A place where the recorded component was looked for and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTried {
    /// The path.
    pub path: String,
    /// What was found there, to follow the path in a sentence: `cannot be read: ...`, or the digest of
    /// another component.
    pub why: String,
}

fn in_words(tried: &[PathTried]) -> String {
    let places = tried.iter().map(|PathTried { path, why }| format!("`{path}` {why}"));
    places.collect::<Vec<_>>().join("; ")
}

/// What differs in two profiles, in words.
fn differing(recorded: &EngineProfile, ours: &EngineProfile) -> String {
    let settings = |profile: &EngineProfile| {
        [
            ("engine", profile.engine.clone()),
            ("canonical NaNs", profile.nan_canonicalization.to_string()),
            ("deterministic relaxed SIMD", profile.relaxed_simd_deterministic.to_string()),
            ("threads", profile.threads.to_string()),
        ]
    };
    // The bounds are settings that every build has.
    let both = settings(recorded).into_iter().zip(settings(ours));
    let differ = both.filter(|(recorded, ours)| recorded != ours);
    let words = differ.map(|((what, recorded), (_, ours))| {
        format!("{what}: recorded `{}`, this build has `{ours}`", recorded.escape_debug())
    });
    words.collect::<Vec<_>>().join("; ")
}

impl ReplayError {
    pub(crate) fn no_thread(purpose: &'static str, error: &std::io::Error) -> Self {
        ReplayError::NoThread { purpose, reason: error.to_string() }
    }

    /// The take was found not to be readable a second time.
    pub(crate) fn not_read_again(error: impl ToString) -> Self {
        ReplayError::NotReadAgain { reason: error.to_string() }
    }

    pub(crate) fn engine(error: &wasmtime::Error) -> Self {
        if let Some(shortage) = Shortage::of(error, RaisedIn::Guest) {
            return shortage.into();
        }
        ReplayError::Engine { reason: format!("{error:#}") }
    }
}
