//! `retake export`: writes a take to stdout or to a file, in a format for other tools. It does not check the
//! content.

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use retake_chain::jsonl::{ExportedEnd, JsonlWriter};
use retake_chain::log::FORMAT_VERSION;
use retake_chain::{LogReader, TakeState};
use retake_verifier::{ExitCode, VerifyError};

use crate::console::fail;
use crate::console::safe::JsonOut;
use crate::output::{NewFile, refuse_inputs};
use crate::takes::{source, unread};
use crate::words::count;

/// Size of the output buffer, in bytes.
const GATHER: usize = 1 << 16;

/// Write a take as JSON lines for other tools. `import` turns them back into a take.
#[derive(Debug, Args)]
pub struct Options {
    /// The take.
    pub take: PathBuf,
    /// Write to FILE instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite FILE if it exists.
    #[arg(long, requires = "output")]
    pub force: bool,
    /// The output format.
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    pub format: ExportFormat,
}

/// A `--format` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON object per line, without loss. Text is readable, bytes are base64.
    Jsonl,
}

/// Why an export is not all of a take.
enum ExportFault {
    /// The whole part was written; the rest is missing.
    Part(String),
    /// The take cannot be read, or not to its end.
    Take(VerifyError),
    /// The output failed.
    Output(io::Error),
}

pub fn run(options: Options) -> ExitCode {
    let take = options.take.display();
    let file = match source(&options.take).stream() {
        Ok(file) => file,
        Err(error) => return fail(ExitCode::Unchecked, format!("`{take}` cannot be opened: {error}")),
    };
    let exported = match &options.output {
        None => export(options.format, file, io::stdout().lock()),
        Some(output) => {
            if let Err(message) = refuse_inputs(&[("-o", output)], [("the take", &*options.take)]) {
                return fail(ExitCode::Usage, message);
            }
            let mut new = match NewFile::create(output, options.force) {
                Ok(new) => new,
                Err(message) => return fail(ExitCode::Unchecked, message),
            };
            let exported = export(options.format, file, &mut new);
            // The whole part of a damaged take is an export that says so.
            if matches!(exported, Ok(()) | Err(ExportFault::Part(_)))
                && let Err(message) = new.keep()
            {
                return fail(ExitCode::Unchecked, message);
            }
            exported
        }
    };
    match exported {
        Ok(()) => ExitCode::Identical,
        Err(ExportFault::Part(what)) => fail(ExitCode::Damaged, format!("`{take}`: {what}")),
        Err(ExportFault::Take(error)) => fail(error.exit_code(), format!("`{take}`: {error}")),
        // The reader closed the pipe, and needs no message.
        Err(ExportFault::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::Unchecked,
        Err(ExportFault::Output(error)) => {
            let output = options.output.as_ref().map(|output| format!("`{}`", output.display()));
            let output = output.unwrap_or_else(|| "stdout".into());
            fail(ExitCode::Unchecked, format!("{output} cannot be written: {error}"))
        }
    }
}

fn export(format: ExportFormat, take: impl Read, out: impl Write) -> Result<(), ExportFault> {
    let out = JsonOut::new(BufWriter::with_capacity(GATHER, out));
    match format {
        ExportFormat::Jsonl => export_jsonl(take, out),
    }
}

/// Writes each record as it is read, then how the take ends. If reading fails, that last line is missing.
fn export_jsonl(take: impl Read, out: impl Write) -> Result<(), ExportFault> {
    let mut reader = LogReader::open(take).map_err(|error| ExportFault::Take(unread(error)))?;
    // A take that ends within its header looks the same in every version.
    let version = reader.version().unwrap_or(FORMAT_VERSION);
    let mut writer = JsonlWriter::create(out, version).map_err(ExportFault::Output)?;
    let damage = loop {
        match reader.next_record() {
            Ok(Some(record)) => writer.record(&record).map_err(ExportFault::Output)?,
            Ok(None) => break None,
            Err(error) => match unread(error) {
                damage if damage.exit_code() == ExitCode::Damaged => break Some(damage),
                fault => return Err(ExportFault::Take(fault)),
            },
        }
    };
    let end = match (&damage, reader.state(), reader.seal()) {
        (Some(error), ..) => ExportedEnd::Damaged { reason: error.to_string() },
        (None, TakeState::Sealed, Some(seal)) => ExportedEnd::Sealed(seal.into()),
        (None, TakeState::Torn { offset }, _) => ExportedEnd::Torn { offset },
        (None, TakeState::Sealed | TakeState::Unsealed, _) => ExportedEnd::Unsealed,
    };
    let what = match &end {
        ExportedEnd::Sealed(_) => None,
        ExportedEnd::Unsealed => Some("not sealed: the recorder did not finish".to_string()),
        ExportedEnd::Torn { offset } => Some(format!("torn at byte {offset}: the recorder did not finish")),
        ExportedEnd::Damaged { reason } => Some(reason.clone()),
    };
    writer.end(end).map_err(ExportFault::Output)?;
    match what {
        None => Ok(()),
        Some(what) => {
            let events = reader.events();
            Err(ExportFault::Part(format!("{what}; exported what is whole: {}", count(events, "event"))))
        }
    }
}
