//! Owns the run as machines read it: every event as a JSON object on a line of its own. docs/suite.md describes them.

use retake_verifier::ExitCode;
use retake_verifier::suite::SuiteEvent;
use serde::Serialize;

use super::SuitePrinter;
use crate::printer::json_line;

pub struct JsonPrinter;

impl SuitePrinter for JsonPrinter {
    fn hear(&mut self, event: &SuiteEvent) {
        json_line(event);
    }
}

/// A suite that was not run at all.
pub fn refused(exit: ExitCode, error: String) {
    #[derive(Serialize)]
    #[serde(tag = "event", rename = "suite-refused")]
    struct Refused {
        exit: ExitCode,
        error: String,
    }
    json_line(&Refused { exit, error });
}
