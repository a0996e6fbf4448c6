//! Owns [`Durability`]: when a recorded call is safe.

/// When a call is safe, so that its caller may be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When its events are written to the operating system: they survive the death of the recorder.
    #[default]
    Call,
    /// When the storage has synced them: they survive a loss of power. Calls that wait at the same time share
    /// a sync.
    Sync,
    /// At once. The events of the last calls may be lost with the recorder. A failed write is reported at a
    /// later call, or when the take is sealed.
    None,
}
