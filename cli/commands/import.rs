//! `retake import`: turns JSON lines into a take, and checks it as `verify` does. The new file is complete,
//! or there is none.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;
use retake_chain::jsonl::{ExportedEnd, JsonlError, JsonlReader, Line};
use retake_chain::log::FrameRef;
use retake_chain::{LogWriter, Record, TakeState, WriteError};
use retake_verifier::{ExitCode, IntegrityChecker, IntegrityError, Report};

use crate::console::note;
use crate::input;
use crate::options::{FormOptions, NewTakeOptions};
use crate::output::refuse_inputs;
use crate::printer::{self, verified};
use crate::takes::{Existing, NewTake, sink};

/// Size of the input buffer, in bytes.
const READ: usize = 1 << 16;

/// Turn JSON lines into a take, and check it as `verify` does.
#[derive(Debug, Args)]
pub struct Options {
    /// The output of `export --format jsonl`. `-` reads stdin.
    #[arg(value_name = "FILE")]
    pub lines: PathBuf,
    #[command(flatten)]
    pub new: NewTakeOptions,
    #[command(flatten)]
    pub form: FormOptions,
}

/// Why there is no new take.
#[derive(Debug, thiserror::Error)]
enum ImportFault {
    /// The lines cannot be read, or are not those of a take.
    #[error(transparent)]
    Lines(#[from] JsonlError),
    /// The numbers of the events have a gap.
    #[error(
        "line {line}: expected event {expected}, found event {found}; a line was removed, added or moved"
    )]
    Number { line: u64, expected: u64, found: u64 },
    /// The lines can be read, but are not consistent.
    #[error("line {line}: {source}")]
    Integrity { line: u64, source: IntegrityError },
    /// The take cannot hold their content, or cannot be written.
    #[error("line {line}: {source}")]
    Write { line: u64, source: WriteError },
}

impl ImportFault {
    fn exit_code(&self) -> ExitCode {
        match self {
            ImportFault::Lines(
                JsonlError::Io { .. }
                | JsonlError::Empty
                | JsonlError::NoHeader { .. }
                | JsonlError::Version(_),
            ) => ExitCode::Unchecked,
            ImportFault::Write {
                source: WriteError::Io { .. } | WriteError::Compression { .. } | WriteError::Poisoned,
                ..
            } => ExitCode::Unchecked,
            ImportFault::Lines(_)
            | ImportFault::Number { .. }
            | ImportFault::Integrity { .. }
            | ImportFault::Write { .. } => ExitCode::Damaged,
        }
    }
}

pub fn run(options: Options) -> ExitCode {
    let from_stdin = options.lines == Path::new("-");
    // The file that a shell opened has this name.
    let lines = if from_stdin { Path::new("/dev/stdin") } else { &*options.lines };
    if let Err(message) = refuse_inputs(&[("-o", &options.new.output)], [("the lines", lines)]) {
        return refuse(&options, ExitCode::Usage, message);
    }
    if from_stdin {
        return import(&options, io::stdin().lock());
    }
    match input::open(&options.lines) {
        Ok(file) => import(&options, BufReader::with_capacity(READ, file)),
        Err(error) => {
            let message = format!("`{}` cannot be opened: {error}", options.lines.display());
            refuse(&options, ExitCode::Unchecked, message)
        }
    }
}

fn import(options: &Options, lines: impl BufRead) -> ExitCode {
    let mut file = match sink(&options.new.output).create(Existing::of(options.new.force)) {
        Ok(file) => file,
        Err(message) => return refuse(options, ExitCode::Unchecked, message),
    };
    let mut reader = JsonlReader::new(lines);
    let mut checker = IntegrityChecker::new();
    let copied = copy(&mut reader, &mut checker, &mut file);
    let finished = copied.and_then(|(end, bytes)| {
        let wrong = |source| ImportFault::Integrity { line: reader.line(), source };
        finish(checker, &end, bytes).map(|report| (end, report)).map_err(wrong)
    });
    let (end, report) = match finished {
        Ok(finished) => finished,
        Err(fault) => {
            let (lines, output) = (options.lines.display(), options.new.output.display());
            let message = format!("`{lines}`: {fault}; `{output}` was not written");
            return refuse(options, fault.exit_code(), message);
        }
    };
    if let Err(message) = file.keep() {
        return refuse(options, ExitCode::Unchecked, message);
    }
    note_end(options, &end);
    verified(printer::of(options.form.form()), &options.new.output, Ok(report))
}

/// Checks each line and writes it. Returns how the source ended, and the bytes written.
fn copy(
    reader: &mut JsonlReader<impl BufRead>,
    checker: &mut IntegrityChecker,
    file: &mut Box<dyn NewTake>,
) -> Result<(ExportedEnd, u64), ImportFault> {
    let at = |line| move |source| ImportFault::Write { line, source };
    let mut writer = LogWriter::create(file).map_err(at(1))?;
    let mut ended = None;
    while let Some(found) = reader.next_line()? {
        let line = reader.line();
        match found {
            Line::Header(_) => {}
            Line::End(end) => ended = Some(end),
            Line::Record(record) => {
                check_number(&record, checker.events(), line)?;
                checker.record(&record).map_err(|source| ImportFault::Integrity { line, source })?;
                write(&mut writer, &record).map_err(at(line))?;
            }
        }
    }
    let line = reader.line();
    let end = ended.ok_or(JsonlError::NoEnd { line })?;
    let bytes = match &end {
        ExportedEnd::Sealed(seal) => writer.seal_as(seal.kind.clone()).map_err(at(line))?.1.bytes,
        ExportedEnd::Unsealed | ExportedEnd::Torn { .. } | ExportedEnd::Damaged { .. } => {
            writer.end_frame().and_then(|()| writer.sync()).map_err(at(line))?;
            writer.bytes()
        }
    };
    Ok((end, bytes))
}

fn check_number(record: &Record, expected: u64, line: u64) -> Result<(), ImportFault> {
    match record {
        Record::Event { number, .. } if *number != expected => {
            Err(ImportFault::Number { line, expected, found: *number })
        }
        _ => Ok(()),
    }
}

fn write(writer: &mut LogWriter<&mut Box<dyn NewTake>>, record: &Record) -> Result<(), WriteError> {
    match record {
        Record::Actor { offset, total, bytes } => writer.embed_piece(*offset, *total, bytes),
        Record::Chain { id, .. } => writer.add_chain(*id).map(drop),
        Record::Event { chain, event, .. } => writer.append(*chain, event),
    }
}

/// Compares what was imported with the source's seal, if it had one.
fn finish(checker: IntegrityChecker, end: &ExportedEnd, bytes: u64) -> Result<Report, IntegrityError> {
    let ExportedEnd::Sealed(seal) = end else { return checker.finish(TakeState::Unsealed, None, bytes) };
    // Counts and heads are compared. The index is of the file, and the new one has its own.
    let no_index = FrameRef { offset: 0, length: 0, crc32c: 0 };
    checker.finish(TakeState::Sealed, Some(&seal.clone().into_seal(no_index)), bytes)
}

/// Prints how a source was damaged, which the new take does not show.
fn note_end(options: &Options, end: &ExportedEnd) {
    let lines = options.lines.display();
    match end {
        ExportedEnd::Sealed(_) | ExportedEnd::Unsealed => {}
        ExportedEnd::Torn { offset } => {
            note(format!("`{lines}` is of a take that was torn at byte {offset}"))
        }
        ExportedEnd::Damaged { reason } => note(format!("`{lines}` is of a take that was damaged: {reason}")),
    }
}

fn refuse(options: &Options, exit: ExitCode, message: String) -> ExitCode {
    printer::of(options.form.form()).not_made(&options.new.output, exit, message);
    exit
}
