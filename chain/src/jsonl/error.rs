//! Owns what can be wrong with lines. What is wrong with the take in them is the verifier's to say.

use std::io;

use crate::log::VersionError;

/// What a reader finds. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum JsonlError {
    /// The input failed.
    #[error("cannot read line {line}: {source}")]
    Io { line: u64, source: io::Error },
    /// Nothing is there.
    #[error("the file is empty; export the take again")]
    Empty,
    /// The first line is not a header.
    #[error(
        "line 1 is not a header of a take in JSON lines, such as `{{\"retake\":{{\"version\":[1,0]}}}}`: {reason}"
    )]
    NoHeader { reason: String },
    /// A take in JSON lines, but of a version that this program cannot answer for.
    #[error("line 1: {0}")]
    Version(#[from] VersionError),
    /// A line is longer than any that can be written.
    #[error("line {line} is longer than {limit} bytes, which no event needs; export the take again")]
    TooLong { line: u64, limit: u64 },
    /// A line is not JSON.
    #[error("line {line} is not JSON at byte {column}: {reason}")]
    NotJson {
        line: u64,
        /// Bytes of the line up to the fault.
        column: usize,
        reason: String,
    },
    /// A line is JSON, but says nothing that a take has.
    #[error("line {line} is not a line of a take, at byte {column}: {reason}")]
    WrongFields {
        line: u64,
        /// Bytes of the line up to the fault.
        column: usize,
        reason: String,
    },
    /// An event has no data, or has it twice.
    #[error("line {line}: an event has either `data` or `msgpack`; write one of them")]
    NotOneData { line: u64 },
    /// A second header.
    #[error("line {line} is a header, which only the first line is; keep one take in a file")]
    SecondHeader { line: u64 },
    /// The file ends within a line.
    #[error("line {line} is cut short; export the take again")]
    CutLine { line: u64 },
    /// The file ends without a line that says so.
    #[error("the file ends after line {line} without an `end` line; export the take again")]
    NoEnd { line: u64 },
    /// Something follows the last line.
    #[error("line {line} follows the `end` line; keep one take in a file")]
    AfterEnd { line: u64 },
    /// An earlier call failed.
    #[error("reading failed before; open the file again")]
    Failed,
}
