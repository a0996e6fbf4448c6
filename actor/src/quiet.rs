//! Owns calls of libraries that panic at some valid input. Such a panic is a refusal: it is caught and not
//! printed.

use std::cell::Cell;
use std::panic::{self, UnwindSafe};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Calls a library; `None` if it panicked. All other panics are printed as usual.
pub(crate) fn catch<T>(call: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            if !QUIET.get() {
                print(panicked);
            }
        }));
    });
    QUIET.set(true);
    let called = panic::catch_unwind(call);
    QUIET.set(false);
    called.ok()
}
