//! Owns the report that `merge` reads: what `--json` prints, in a file. `docs/suite.md` describes the events.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use retake_verifier::suite::SuiteEvent;

use crate::console::safe::JsonOut;
use crate::output::{NewFile, ReportKind};
use crate::printer::form::SuitePrinter;

/// A file of JSON lines, which is there when it is whole. Its first fault is reported at the end.
pub struct JsonFile {
    path: PathBuf,
    file: io::Result<NewFile>,
}

impl JsonFile {
    pub fn create(path: &Path) -> Self {
        JsonFile { path: path.into(), file: NewFile::report(path, ReportKind::Json) }
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
