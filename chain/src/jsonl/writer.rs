//! Owns the writing of lines. What goes into them is `line.rs`'s, and in which order the take's.

use std::io::{self, Write};

use super::line::{ExportedEnd, HeaderLine, JsonLine};
use crate::log::{FormatVersion, Record};

/// Writes a take as JSON lines: a header first, the records in their order, the end last. One event is the
/// unit of memory.
pub struct JsonlWriter<W> {
    out: W,
}

impl<W: Write> JsonlWriter<W> {
    /// Begins with the header of a take of that version. Give an `out` that gathers: it is written to in
    /// small pieces.
    ///
    /// # Errors
    /// What `out` says, here and in the other methods.
    pub fn create(out: W, version: FormatVersion) -> io::Result<Self> {
        let mut writer = Self { out };
        writer.line(&JsonLine::Retake(HeaderLine { version }))?;
        Ok(writer)
    }

    /// Writes the line of a record. Nothing of it is checked.
    ///
    /// # Errors
    /// What `out` says.
    pub fn record(&mut self, record: &Record) -> io::Result<()> {
        self.line(&record.into())
    }

    /// Writes the last line, and gives everything to `out`'s own output.
    ///
    /// # Errors
    /// What `out` says.
    pub fn end(mut self, end: ExportedEnd) -> io::Result<W> {
        self.line(&JsonLine::End(end))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn line(&mut self, line: &JsonLine) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }
}
