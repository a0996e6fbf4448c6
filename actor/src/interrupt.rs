//! Owns [`GuestPlace`]: where a guest was when it was interrupted, for messages to people.

use std::fmt;

use wasmtime::{AsContext, WasmBacktrace};

/// The innermost function of a guest that was interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestPlace {
    /// Its name, if the component has one for it.
    pub function: Option<String>,
    /// Its index in its core module.
    pub index: u32,
    /// Where in the function it was, in bytes of WebAssembly.
    pub offset: Option<usize>,
}

impl GuestPlace {
    /// Where the guest of this store is; `None` if it is in no WebAssembly. For a callback that interrupts
    /// it.
    pub fn of(store: impl AsContext) -> Option<GuestPlace> {
        let backtrace = WasmBacktrace::force_capture(store);
        let frame = backtrace.frames().first()?;
        Some(GuestPlace {
            function: frame.func_name().map(str::to_string),
            index: frame.func_index(),
            offset: frame.func_offset(),
        })
    }
}

impl fmt::Display for GuestPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.function {
            // A name is the component's, and may hold anything.
            Some(name) => write!(f, "in the function `{}`", name.escape_debug())?,
            None => write!(f, "in function {}", self.index)?,
        }
        match self.offset {
            Some(offset) => write!(f, " at byte {offset}"),
            None => Ok(()),
        }
    }
}
