//! Owns [`Sink`], where a take is written to, and the two ways of writing one: [`RecordingStorage`] and
//! [`NewTake`].

use std::io;

use retake_chain::Storage;

/// Where a take is written to.
pub trait Sink {
    /// Creates a take that is there while it is recorded, so that it survives the death of its recorder.
    ///
    /// # Errors
    /// What the storage says; [`io::ErrorKind::AlreadyExists`] for a take that is there and is not to be
    /// replaced.
    fn record(&self, existing: Existing) -> io::Result<Box<dyn RecordingStorage>>;

    /// Creates a take that is there once it is whole.
    ///
    /// # Errors
    /// The message for the user.
    fn create(&self, existing: Existing) -> Result<Box<dyn NewTake>, String>;

    /// Why the take cannot be created, with the remedy.
    fn refusal(&self, error: &io::Error) -> String;
}

/// What happens to an existing take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and no new one is created.
    Refuse,
    /// The new one replaces it, once that is whole.
    Replace,
}

impl Existing {
    /// `Replace` if `force` is set.
    pub fn of(force: bool) -> Existing {
        if force { Existing::Replace } else { Existing::Refuse }
    }
}

/// A take that is being recorded. Its seal commits it.
pub trait RecordingStorage: Storage + Send {
    /// Makes the take's name survive a loss of power.
    ///
    /// # Errors
    /// What the storage says.
    fn sync_name(&mut self) -> io::Result<()>;

    /// The take as it is called until it is sealed.
    fn draft(&self) -> Box<dyn Draft>;
}

/// An unsealed take, by its name.
pub trait Draft: Send {
    /// Its name.
    fn name(&self) -> String;

    /// Whether it replaces another take when it is sealed. Else it has its own name already.
    fn replaces(&self) -> bool;

    /// Whether it is there.
    fn exists(&self) -> bool;

    /// Removes it, if possible. If it stays, it does no harm.
    fn discard(&self);
}

/// A take that is not there until it is kept.
pub trait NewTake: Storage {
    /// Puts the take in its place.
    ///
    /// # Errors
    /// The message for the user; nothing is left of the take then.
    fn keep(self: Box<Self>) -> Result<(), String>;
}
