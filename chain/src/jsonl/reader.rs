//! Owns the reading of lines, one at a time, and of what is wrong with one. What a line says is `line.rs`'s;
//! whether the records are a take's, in a take's order, is the verifier's.

use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::error::Category;

use super::error::JsonlError;
use super::line::{JsonLine, Line};
use crate::file_kind::{BYTE_ORDER_MARK, FileKind, Wanted};
use crate::model::limits::{MAX_EVENT, MAX_VALUES};
use crate::model::version::FORMAT_VERSION;

/// Longest line, in bytes. A byte of an event's data takes at most six (`\u0000`), a value at most 64
/// besides, and the rest of the line less than 64 KiB.
pub const MAX_LINE: u64 = 6 * MAX_EVENT as u64 + 64 * MAX_VALUES as u64 + (1 << 16);

/// What is kept of the memory of a long line for the next.
const KEPT_BUFFER: usize = 1 << 20;

/// Reads a take in JSON lines. One line is the unit of memory.
pub struct JsonlReader<R> {
    input: R,
    limit: u64,
    buffer: Vec<u8>,
    /// Lines read.
    line: u64,
    /// Bytes before the line that comes next.
    offset: u64,
    progress: JsonlReaderState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JsonlReaderState {
    Header,
    Records,
    Ended,
    Failed,
}

impl<R: BufRead> JsonlReader<R> {
    /// A reader that has read nothing.
    pub fn new(input: R) -> Self {
        Self::with_limit(input, MAX_LINE)
    }

    pub(super) fn with_limit(input: R, limit: u64) -> Self {
        Self { input, limit, buffer: Vec::new(), line: 0, offset: 0, progress: JsonlReaderState::Header }
    }

    /// What the next line says; the first says [`Line::Header`]. `None` after [`Line::End`], if the file ends
    /// there.
    ///
    /// # Errors
    /// [`JsonlError`] with the number of the line. After an error there is nothing more to read.
    pub fn next_line(&mut self) -> Result<Option<Line>, JsonlError> {
        if self.progress == JsonlReaderState::Failed {
            return Err(JsonlError::Failed);
        }
        let line = self.advance();
        match &line {
            Ok(Some(Line::Header(_))) => self.progress = JsonlReaderState::Records,
            Ok(Some(Line::End(_))) => self.progress = JsonlReaderState::Ended,
            Ok(_) => {}
            Err(_) => self.progress = JsonlReaderState::Failed,
        }
        line
    }

    /// The number of the line read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    fn advance(&mut self) -> Result<Option<Line>, JsonlError> {
        let offset = self.offset;
        if !self.read_line()? {
            return match self.progress {
                JsonlReaderState::Ended => Ok(None),
                JsonlReaderState::Header => Err(JsonlError::Empty),
                JsonlReaderState::Records | JsonlReaderState::Failed => {
                    Err(JsonlError::NoEnd { line: self.line })
                }
            };
        }
        let line = self.line;
        if self.progress == JsonlReaderState::Ended {
            return Err(JsonlError::AfterEnd { line });
        }
        let found = self.parse()?;
        match (found, self.progress) {
            (JsonLine::Retake(header), JsonlReaderState::Header) => {
                header.version.check_readable_by(FORMAT_VERSION)?;
                Ok(Some(Line::Header(header.version)))
            }
            (_, JsonlReaderState::Header) => {
                Err(JsonlError::NoHeader { reason: "it is a later line of a take".into() })
            }
            (JsonLine::Retake(_), _) => Err(JsonlError::SecondHeader { line }),
            (JsonLine::Actor(actor), _) => Ok(Some(Line::Record(actor.into()))),
            (JsonLine::Chain(chain), _) => Ok(Some(Line::Record(chain.into()))),
            (JsonLine::Event(event), _) => {
                let record = event.into_record(offset).ok_or(JsonlError::NotOneData { line })?;
                Ok(Some(Line::Record(record)))
            }
            (JsonLine::End(end), _) => Ok(Some(Line::End(end))),
        }
    }

    /// Reads a line with its end into the buffer. Returns whether there is one.
    fn read_line(&mut self) -> Result<bool, JsonlError> {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BUFFER);
        let mut input = (&mut self.input).take(self.limit + 1);
        let read = input.read_until(b'\n', &mut self.buffer);
        let line = self.line + 1;
        let read = read.map_err(|source| JsonlError::Io { line, source })? as u64;
        if read == 0 {
            return Ok(false);
        }
        if read > self.limit {
            return Err(JsonlError::TooLong { line, limit: self.limit });
        }
        self.line = line;
        self.offset += read;
        Ok(true)
    }

    fn parse(&self) -> Result<JsonLine, JsonlError> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.buffer);
        // The values of an event have a bound of their own.
        deserializer.disable_recursion_limit();
        let parsed = JsonLine::deserialize(&mut deserializer);
        parsed.and_then(|line| deserializer.end().map(|()| line)).map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &serde_json::Error) -> JsonlError {
        let (line, column) = (self.line, error.column());
        let text = error.to_string();
        // Where in the text that serde_json was given, which is one line.
        let place = format!(" at line {} column {column}", error.line());
        let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        match error.classify() {
            _ if self.progress == JsonlReaderState::Header => {
                let kind = FileKind::of(&self.buffer);
                let kind_of_file = match self.buffer.starts_with(BYTE_ORDER_MARK.as_bytes())
                    && kind == FileKind::TakeLines
                {
                    true => Some("it starts with a byte order mark; save it as UTF-8 without one".into()),
                    false => kind.remedy(Wanted::TakeLines).map(|_| kind.describe(Wanted::TakeLines)),
                };
                JsonlError::NoHeader { reason: kind_of_file.unwrap_or(reason) }
            }
            Category::Eof if !self.buffer.ends_with(b"\n") => JsonlError::CutLine { line },
            Category::Data => JsonlError::WrongFields { line, column, reason },
            Category::Syntax | Category::Eof | Category::Io => JsonlError::NotJson { line, column, reason },
        }
    }
}
