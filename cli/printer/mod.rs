//! Owns the output of commands. A [`Printer`] is one form of it, text or JSON, and is chosen once. Commands say what there is to print and
//! do not know the form. Results go to stdout, everything else to stderr.

mod form;
mod json;
mod session;
mod stream;
pub mod suite;
mod text;

pub use form::{ListedTake, Printer, Repeat, verified};
pub use session::{SessionEnd, SessionPrinter};

/// The form of a command's output.
pub fn of(json: bool) -> &'static dyn Printer {
    match json {
        true => &json::Json,
        false => &text::Text,
    }
}
