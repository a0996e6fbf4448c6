//! `retake inspect`: every event of a take as it is checked, or one event by way of the index.

use std::fs::File;
use std::path::Path;

use retake_chain::{IndexedLog, LogReader, ReadError, Record};
use retake_verifier::{Checked, ExitCode, VerifyError, check_hash, verify_each};

use crate::commands::verify::open;
use crate::options::InspectOptions;
use crate::printer::inspect::EventPrinter;
use crate::printer::{fail, verify as printer};

pub fn run(options: InspectOptions) -> ExitCode {
    let take = &options.take;
    match options.event {
        None => all(take, options.json),
        Some(number) => match open(take).and_then(|file| one(file, number).map_err(unread)) {
            Ok(Some(record)) => show(take, &record, options.json),
            Ok(None) => fail(ExitCode::Usage, format!("`{}` has no event {number}", take.display())),
            Err(error) => printer::error(take, &error, options.json),
        },
    }
}

/// Events are shown once they are found to hold; at the end comes what `verify` says.
fn all(take: &Path, json: bool) -> ExitCode {
    let mut events = EventPrinter::new(json);
    let checked = open(take).and_then(|file| verify_each(file, |record| events.line(record)));
    events.finish();
    printer::answer(take, checked, json)
}

/// Finds an event: by the index if the take is sealed, else by reading up to it.
fn one(mut file: File, number: u64) -> Result<Option<Record>, ReadError> {
    if let Some(mut log) = IndexedLog::open(&mut file)? {
        return log.event(number);
    }
    let again = |source| ReadError::Io { offset: 0, source };
    std::io::Seek::rewind(&mut file).map_err(again)?;
    let mut reader = LogReader::open(file)?;
    while let Some(record) = reader.next_record()? {
        if matches!(&record, Record::Event { number: found, .. } if *found == number) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn unread(error: ReadError) -> VerifyError {
    VerifyError { fault: error.into(), checked: Checked::default() }
}

fn show(take: &Path, record: &Record, json: bool) -> ExitCode {
    let mut events = EventPrinter::new(json);
    events.whole(record);
    events.finish();
    match record {
        Record::Event { event, .. } => match check_hash(event) {
            Ok(()) => ExitCode::Identical,
            Err(fault) => fail(ExitCode::Damaged, format!("`{}`: {fault} [hash]", take.display())),
        },
        _ => ExitCode::Identical,
    }
}
