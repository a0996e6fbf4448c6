//! Owns the option that chooses the form of output.

use clap::Args;

/// In which form a command prints.
#[derive(Clone, Copy, Debug, Args)]
pub struct FormOptions {
    /// Print JSON instead of text, one object per line.
    #[arg(long)]
    json: bool,
}

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

impl FormOptions {
    /// The form that was asked for.
    pub fn form(self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }
}
