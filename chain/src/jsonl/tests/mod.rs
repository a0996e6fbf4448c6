//! What JSON lines promise: nothing is lost, everything has one form, and what is wrong is told with its
//! line.

mod faults;
mod lines;
mod values;

use super::*;
use crate::log::Record;

/// Everything that the lines say.
fn read(text: &[u8]) -> Result<Vec<Line>, JsonlError> {
    let mut reader = JsonlReader::new(text);
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line()? {
        lines.push(line);
    }
    Ok(lines)
}

/// Lines of these records, with an end.
fn written(records: &[Record], end: ExportedEnd) -> Vec<u8> {
    let mut writer = JsonlWriter::create(Vec::new(), crate::log::FORMAT_VERSION).unwrap();
    records.iter().for_each(|record| writer.record(record).unwrap());
    writer.end(end).unwrap()
}
