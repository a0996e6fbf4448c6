//! Owns the message for a session that could not be recorded, with the remedy on the command line.

use retake_recorder::{EntryRemedy, RecordError, WaveError};

/// Why a session was not recorded.
pub fn not_recorded(error: &RecordError) -> String {
    let remedy = match error {
        RecordError::Directory { .. } => "; give another one with `--dir`",
        RecordError::NoEntry { remedy: EntryRemedy::CallByName, .. } => ", with `--invoke`",
        _ => "",
    };
    format!("{error}{remedy}")
}

/// Why a text of `--invoke` or `--calls` is not a call.
pub fn not_a_call(error: &WaveError) -> String {
    let remedy = match error {
        WaveError::UnknownActor { .. } => "; `--actors` sets the number of actors",
        _ => "",
    };
    format!("{error}{remedy}")
}
