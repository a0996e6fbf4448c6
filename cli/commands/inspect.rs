//! `retake inspect`: shows every event of a take as it is checked, or finds one event through the index.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use clap::Args;
use retake_chain::{IndexedLog, LogReader, ReadError, Record};
use retake_verifier::{ExitCode, verify_each};

use crate::console::fail;
use crate::options::FormOptions;
use crate::printer::{self, Printer, verified};
use crate::takes::{source, unopened, unread};

/// Show the session and the events of a take, or one event in full.
#[derive(Debug, Args)]
pub struct Options {
    /// The take.
    pub take: PathBuf,
    /// Show event N in full. Of a sealed take, only the part that holds the event is read.
    #[arg(long, value_name = "N")]
    pub event: Option<u64>,
    #[command(flatten)]
    pub form: FormOptions,
}

pub fn run(options: Options) -> ExitCode {
    let printer = printer::of(options.form.form());
    let take = &options.take;
    let Some(number) = options.event else { return all(printer, take) };
    let opened = source(take).open().map_err(unopened);
    match opened.and_then(|mut opened| one(&mut opened, number).map_err(unread)) {
        Ok(Some(record)) => show(printer, take, &record),
        Ok(None) => fail(ExitCode::Usage, format!("`{}` has no event {number}", take.display())),
        Err(error) => {
            printer.faulty(take, &error);
            error.exit_code()
        }
    }
}

/// Prints events once they are found to hold, and at the end what `verify` prints.
fn all(printer: &dyn Printer, take: &Path) -> ExitCode {
    let mut events = printer.events();
    let opened = source(take).stream().map_err(unopened);
    let checked = opened.and_then(|take| verify_each(take, |record| events.line(record)));
    events.finish();
    verified(printer, take, checked)
}

/// Finds an event: by the index if the take is sealed, else by reading up to it.
fn one(take: &mut (impl Read + Seek), number: u64) -> Result<Option<Record>, ReadError> {
    if let Some(mut log) = IndexedLog::open(&mut *take)? {
        return log.event(number);
    }
    take.rewind().map_err(|source| ReadError::Io { offset: 0, source })?;
    let mut reader = LogReader::open(take)?;
    while let Some(record) = reader.next_record()? {
        if matches!(&record, Record::Event { number: found, .. } if *found == number) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn show(printer: &dyn Printer, take: &Path, record: &Record) -> ExitCode {
    let mut events = printer.events();
    events.whole(record);
    events.finish();
    match record {
        Record::Event { event, .. } => match event.check_hash() {
            Ok(()) => ExitCode::Identical,
            Err(fault) => fail(ExitCode::Damaged, format!("`{}`: {fault} [hash]", take.display())),
        },
        _ => ExitCode::Identical,
    }
}
