//! Owns how text that came from a file is shown: [`Printable`] for a place on one line, [`PrintableLines`]
//! where line breaks may stay. A take, a component, a report and a file name are written by others. What they
//! hold must not move the cursor of a terminal, start a line or a command in the log of a CI system, or show
//! in an order that differs from the one in which it is read.

use std::fmt::{self, Display, Write};

/// Shows a value with every character escaped that is not visible text, line breaks included.
///
/// ```
/// use retake_chain::Printable;
///
/// assert_eq!(Printable("a\n::error::\u{1b}[2J").to_string(), "a\\n::error::\\u{1b}[2J");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printable<T>(pub T);

/// The same for text of several lines: line breaks stay.
#[derive(Clone, Copy, Debug)]
pub struct PrintableLines<T>(pub T);

/// Whether a character does more than show itself: it controls a terminal, changes the direction of text,
/// takes no room, or is not allowed in XML.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
        || u32::from(character) & 0xfffe == 0xfffe
        || matches!(character, '\u{fdd0}'..='\u{fdef}')
}

impl<T: Display> Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping { out: f, keep_lines: false }, "{}", self.0)
    }
}

impl<T: Display> Display for PrintableLines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping { out: f, keep_lines: true }, "{}", self.0)
    }
}

/// Escapes what is written through it.
struct Escaping<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    keep_lines: bool,
}

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        let is_escaped = |character: char| is_hidden(character) && !(self.keep_lines && character == '\n');
        while let Some(at) = rest.find(is_escaped) {
            let (shown, escaped) = rest.split_at(at);
            self.out.write_str(shown)?;
            let character = escaped.chars().next().unwrap_or_default();
            // `\n`, `\r` and `\t` by their letters, others by their number.
            write!(self.out, "{}", character.escape_default())?;
            rest = &escaped[character.len_utf8()..];
        }
        self.out.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_text_of_any_script_is_left_as_it_is() {
        for text in ["", "plain text: `a/b.take` \\ 50% \"q\"", "äöü ñ 漢字 עברית العربية हिन्दी", "… é 🎬"]
        {
            assert_eq!(Printable(text).to_string(), text);
        }
    }

    #[test]
    fn no_hidden_character_is_left_and_each_is_named() {
        let hidden: String = (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| is_hidden(*c)).collect();
        for wanted in
            ['\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{ffff}']
        {
            assert!(hidden.contains(wanted), "{wanted:?}");
        }
        let shown = Printable(&hidden).to_string();
        assert!(shown.is_ascii() && !shown.contains(is_hidden));
        assert_eq!(Printable("\u{1b}\u{202e}\r\n\t").to_string(), "\\u{1b}\\u{202e}\\r\\n\\t");
    }

    #[test]
    fn lines_stay_lines_only_where_they_are_wanted() {
        assert_eq!(PrintableLines("a\nb\r\u{2028}c").to_string(), "a\nb\\r\\u{2028}c");
        assert_eq!(Printable("a\nb").to_string(), "a\\nb");
    }
}
