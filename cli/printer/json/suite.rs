//! Owns the run of a suite in JSON: one object per event.

use retake_verifier::suite::SuiteEvent;

use crate::console::json_line;
use crate::printer::form::SuitePrinter;

pub struct JsonSuite;

impl SuitePrinter for JsonSuite {
    fn hear(&mut self, event: &SuiteEvent) {
        json_line(event);
    }
}
