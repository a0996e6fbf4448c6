//! Owns the run as machines read it: every event as a JSON object on a line of its own. docs/suite.md describes them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use retake_verifier::ExitCode;
use retake_verifier::suite::SuiteEvent;
use serde::Serialize;

use super::SuitePrinter;
use crate::output::{NewFile, Report};
use crate::printer::json_line;
use crate::printer::safe::JsonOut;

pub struct JsonPrinter;

impl SuitePrinter for JsonPrinter {
    fn hear(&mut self, event: &SuiteEvent) {
        json_line(event);
    }
}

/// The same in a file, which is there when it is whole. The first fault of it is told at the end.
pub struct JsonFile {
    path: PathBuf,
    file: io::Result<NewFile>,
}

impl JsonFile {
    pub fn create(path: &Path) -> Self {
        JsonFile { path: path.into(), file: NewFile::report(path, Report::Json) }
    }
}

fn write(file: &mut NewFile, event: &SuiteEvent) -> io::Result<()> {
    let mut line = Vec::new();
    serde_json::to_writer(JsonOut::new(&mut line), event)?;
    line.push(b'\n');
    file.write_all(&line)
}

impl SuitePrinter for JsonFile {
    fn hear(&mut self, event: &SuiteEvent) {
        if let Ok(file) = &mut self.file
            && let Err(error) = write(file, event)
        {
            self.file = Err(error);
        }
    }

    fn end(self: Box<Self>) -> Result<(), String> {
        let path = self.path;
        match self.file {
            Ok(file) => file.keep(),
            Err(error) => Err(format!("`{}` cannot be written: {error}", path.display())),
        }
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
