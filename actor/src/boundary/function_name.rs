//! Owns [`FunctionName`]: how events name an imported function, or the drop of an imported resource.

use std::sync::Arc;

/// The name of an imported function, as events carry it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FunctionName {
    /// The interface with its version, `wasi:clocks/monotonic-clock@0.2.3`.
    pub interface: Arc<str>,
    /// The function, `now` or `[method]output-stream.write`.
    pub function: Arc<str>,
    /// The type of its events, `interface/function`.
    pub event_type: Arc<str>,
}

impl FunctionName {
    /// Puts the name together.
    pub fn new(interface: &str, function: &str) -> Self {
        FunctionName {
            interface: interface.into(),
            function: function.into(),
            event_type: format!("{interface}/{function}").into(),
        }
    }
}

impl FunctionName {
    /// The name for the drop of a resource.
    pub(super) fn drop_of(interface: &str, resource: &str) -> FunctionName {
        FunctionName::new(interface, &format!("[resource-drop]{resource}"))
    }
}

impl std::fmt::Display for FunctionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.event_type)
    }
}
