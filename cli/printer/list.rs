//! What `retake test --list` says: the takes that would be run.

use std::io::stdout;

use retake_chain::Printable;
use retake_verifier::ExitCode;
use retake_verifier::suite::TakeSettings;
use serde::Serialize;

use super::{fail, json_line, text_lines};
use crate::suite::{Suite, SuiteTake};

/// One on a line, with the build that would be replayed; those that cannot be opened are named.
pub fn takes(suite: &Suite, json: bool) -> ExitCode {
    #[derive(Serialize)]
    struct TakeLine<'a> {
        name: &'a str,
        settings: &'a TakeSettings,
    }
    for take in &suite.takes {
        let SuiteTake { name, settings, .. } = take;
        if json {
            json_line(&TakeLine { name, settings });
            continue;
        }
        let build = match &settings.actor {
            Some(path) => format!("build `{}`", Printable(path)),
            None => "recorded build".into(),
        };
        text_lines(&mut stdout(), &format!("{name} ({build})"));
    }
    let mut exit = ExitCode::Identical;
    for SuiteTake { name, unreadable, .. } in &suite.takes {
        if let Some(why) = unreadable {
            exit = fail(ExitCode::Unchecked, format!("`{name}`: the take cannot be opened: {why}"));
        }
    }
    exit
}
