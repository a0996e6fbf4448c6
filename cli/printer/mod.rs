//! Owns the output of commands. A [`Printer`] is one form of it, text or JSON, and is chosen once. Commands
//! say what there is to print and do not know the form. Results go to stdout, everything else to stderr.

mod form;
mod json;
mod session;
mod stream;
pub mod suite;
mod text;

pub use form::{ListedTake, Printer, Repeat, verified};
pub use session::{SessionEnd, SessionPrinter};

use crate::options::Form;

/// The printer of a form.
pub fn of(form: Form) -> &'static dyn Printer {
    match form {
        Form::Text => &text::Text,
        Form::Json => &json::Json,
    }
}
