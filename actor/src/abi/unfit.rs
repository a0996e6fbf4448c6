//! Owns [`UnfitValue`]: a value from a file that does not fit the type it is for.

use retake_chain::Value;
use thiserror::Error;

/// A value that does not fit the type it is for.
#[derive(Debug, Error)]
#[error("{value} where the build has {expected}")]
pub struct UnfitValue {
    /// The component's type.
    pub expected: String,
    /// The value, as people read it.
    pub value: String,
}

impl UnfitValue {
    /// A value for a function without a result.
    pub(crate) fn of_nothing(value: &Value) -> Self {
        UnfitValue { expected: "(nothing)".into(), value: value.to_string() }
    }
}
