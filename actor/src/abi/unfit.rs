//! Owns [`UnfitValue`]: a value from a file that does not fit the type it is for.

use retake_chain::Value;
use thiserror::Error;

/// A value that the type it is meant for cannot hold.
#[derive(Debug, Error)]
#[error("{value} where the build has {expected}")]
pub struct UnfitValue {
    /// What the component's type wants.
    pub expected: String,
    /// The value, as people read it.
    pub value: String,
}

impl UnfitValue {
    /// A value where there is to be none.
    pub(crate) fn of_nothing(value: &Value) -> Self {
        UnfitValue { expected: "(nothing)".into(), value: value.to_string() }
    }
}
