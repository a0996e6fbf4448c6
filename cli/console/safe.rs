//! Owns the last step before anything is printed or written to a report. Printers show names and texts of
//! files with `Printable`. This module checks all output once more, in case a printer forgot: it lets no
//! control character through, and no line that a CI system takes for a command.

use std::io::{self, Write};

use retake_chain::{PrintableLines, is_hidden};

/// Lines for people. Line breaks stay; a line that begins as a workflow command of GitHub does not any more,
/// and nothing in it begins a command of the older kind, `##[error]` or `##vso[task]`.
pub fn text(text: &str) -> String {
    let visible = PrintableLines(text).to_string();
    let lines: Vec<String> = visible.split('\n').map(line).collect();
    lines.join("\n")
}

/// Workflow commands of GitHub, which are ours and stand at the start of a line; what is in them begins no
/// other.
pub fn commands(text: &str) -> String {
    without_marks(&PrintableLines(text).to_string())
}

fn line(text: &str) -> String {
    let start = text.trim_start();
    let indent = &text[..text.len() - start.len()];
    match start.strip_prefix("::") {
        Some(rest) => format!("{indent}\\u{{3a}}:{}", without_marks(rest)),
        None => without_marks(text),
    }
}

/// The text without the two marks that begin a command, wherever they stand: `##[error]`, `##vso[task]`.
fn without_marks(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("##") {
        let (before, marks) = rest.split_at(at);
        out += before;
        let word = marks.trim_start_matches('#').trim_start_matches(|next: char| next.is_ascii_alphabetic());
        out += if word.starts_with('[') { "#\\u{23}" } else { "##" };
        rest = &marks[2..];
    }
    out + rest
}

/// Writes JSON on, with the characters as `\u` escapes that must not be raw. What is written must be whole
/// characters, as what `serde_json` writes is; the value does not change.
pub struct JsonOut<W> {
    out: W,
    after_mark: bool,
}

impl<W: Write> JsonOut<W> {
    pub fn new(out: W) -> Self {
        JsonOut { out, after_mark: false }
    }
}

impl<W: Write> Write for JsonOut<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        // Most of it is plain, and passed on as a whole.
        let plain = |byte: &u8| (b' '..0x7f).contains(byte) && *byte != b'#';
        let (mut written, mut at) = (0, 0);
        while let Some(distance) = bytes[at..].iter().position(|byte| !plain(byte)) {
            self.after_mark &= distance == 0;
            at += distance;
            let character = text[at..].chars().next().unwrap_or_default();
            // `##` begins a command of a CI system, wherever it stands; of two marks in a row the second is
            // escaped.
            let is_second = character == '#' && self.after_mark;
            self.after_mark = character == '#';
            // Line breaks in strings are escaped already; these are between values.
            if is_second || is_hidden(character) && character != '\n' {
                self.out.write_all(&bytes[written..at])?;
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(self.out, "\\u{unit:04x}")?;
                }
                written = at + character.len_utf8();
            }
            at += character.len_utf8();
        }
        self.after_mark &= at == bytes.len();
        self.out.write_all(&bytes[written..])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_a_command_of_a_ci_system() {
        assert_eq!(text("::error::x\n  ::warning::y"), "\\u{3a}:error::x\n  \\u{3a}:warning::y");
        assert_eq!(text("a ##[error]b ###[c] ##vso[d]"), "a #\\u{23}[error]b #\\u{23}#[c] #\\u{23}vso[d]");
        assert_eq!(text("\u{1b}::x\u{85}"), "\\u{1b}::x\\u{85}");
    }

    #[test]
    fn lines_without_a_command_stay_as_they_are() {
        for plain in ["a::b\n  c: d", "## heading", "# [x]", "", "\n\n", "####"] {
            assert_eq!(text(plain), plain);
        }
    }

    #[test]
    fn json_says_the_same_and_has_no_hidden_character() {
        let value = "a\u{9b}\u{202e}ä🎬\u{e0041}\n###[x] # #\u{7f}".to_string();
        let mut bytes = Vec::new();
        serde_json::to_writer_pretty(JsonOut::new(&mut bytes), &[&value]).expect("memory takes every write");
        let json = String::from_utf8(bytes).expect("it is text");
        assert!(!json.replace('\n', "").contains(is_hidden) && !json.contains("##"), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).expect("it is JSON"), [value]);
    }

    #[test]
    fn two_marks_are_a_command_also_where_they_are_written_one_by_one() {
        let mut bytes = Vec::new();
        let mut out = JsonOut::new(&mut bytes);
        for piece in ["#", "#[", "#", "a", "#", "", "#"] {
            out.write_all(piece.as_bytes()).expect("memory takes every write");
        }
        assert_eq!(String::from_utf8_lossy(&bytes), "#\\u0023[#a#\\u0023");
    }
}
