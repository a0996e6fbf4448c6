//! What `retake test --list` says: the takes that would be run.

use std::io::stdout;

use serde::Serialize;

use super::{json_line, text_lines};
use crate::suite::Suite;

/// The names, one on a line.
pub fn takes(suite: &Suite, json: bool) {
    #[derive(Serialize)]
    struct TakeLine<'a> {
        name: &'a str,
        labels: &'a [String],
    }
    for take in &suite.takes {
        match json {
            true => json_line(&TakeLine { name: &take.name, labels: &take.labels }),
            false => text_lines(&mut stdout(), &take.name),
        }
    }
}
