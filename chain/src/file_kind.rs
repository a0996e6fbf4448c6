//! Owns [`FileKind`]: what a file is by its first bytes, where another kind was expected, and what to do
//! about it. Readers ask it when they have refused a file; it decides nothing.

use std::fmt;

/// What a file is, as far as its first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// No byte at all.
    Empty,
    /// What Git keeps in place of a large file.
    GitLfsPointer,
    /// A WebAssembly component.
    Component,
    /// A core WebAssembly module.
    Module,
    /// Component or module text.
    ComponentText,
    /// The text of WIT.
    Wit,
    /// A zstd frame: a take, most likely.
    Zstd,
    /// A take in JSON lines.
    TakeLines,
    /// Any other JSON.
    Json,
    /// A gzip file.
    Gzip,
    /// A zip archive.
    Zip,
    /// A program for this machine.
    Program,
    /// Text in UTF-16.
    Utf16,
    /// Any other text in UTF-8.
    Text,
    /// None of these.
    Other,
}

/// What was to be in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A take.
    Take,
    /// A component.
    Component,
    /// A take in JSON lines.
    TakeLines,
}

/// How many bytes are enough to know what a file is.
const ENOUGH: usize = 4096;

/// What text in UTF-8 may begin with, and some editors write.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What binary files begin with.
const MAGICS: [(&[u8], FileKind); 8] = [
    (b"\0asm\x0d\0\x01\0", FileKind::Component),
    (b"\0asm", FileKind::Module),
    (b"\x28\xb5\x2f\xfd", FileKind::Zstd),
    (b"\x1f\x8b", FileKind::Gzip),
    (b"PK\x03\x04", FileKind::Zip),
    (b"\x7fELF", FileKind::Program),
    (b"\xff\xfe", FileKind::Utf16),
    (b"\xfe\xff", FileKind::Utf16),
];

/// What text files begin with, after white space.
const TEXTS: [(&str, FileKind); 5] = [
    ("version https://git-lfs", FileKind::GitLfsPointer),
    ("{\"retake\"", FileKind::TakeLines),
    ("{", FileKind::Json),
    ("(", FileKind::ComponentText),
    (";;", FileKind::ComponentText),
];

/// Whether text is WIT: after comments, a package's name has a colon, and the names of interfaces and worlds
/// are in lower case. Other languages have the same words.
fn is_wit(mut text: &str) -> bool {
    loop {
        text = text.trim_start();
        let comment_end = match text {
            line if line.starts_with("//") => line.find('\n'),
            block if block.starts_with("/*") => block.find("*/").map(|end| end + 2),
            _ => break,
        };
        text = comment_end.map_or("", |end| &text[end..]);
    }
    let Some((word, rest)) = text.split_once(' ') else { return false };
    let name: String =
        rest.trim_start().chars().take_while(|c| !c.is_whitespace() && !";{".contains(*c)).collect();
    match word {
        "package" => name.contains(':'),
        "interface" | "world" => name.starts_with(|first: char| first.is_ascii_lowercase() || first == '%'),
        _ => false,
    }
}

impl FileKind {
    /// What begins with these bytes. A few KiB are enough.
    pub fn of(head: &[u8]) -> FileKind {
        let head = &head[..head.len().min(ENOUGH)];
        if head.is_empty() {
            return FileKind::Empty;
        }
        if let Some((_, kind)) = MAGICS.iter().find(|(magic, _)| head.starts_with(magic)) {
            return *kind;
        }
        // A character may be cut at the end of what is looked at.
        let text = match str::from_utf8(head) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => {
                str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => return FileKind::Other,
        };
        let is_text = |c: char| !c.is_control() || c.is_ascii_whitespace();
        if text.is_empty() || !text.chars().all(is_text) {
            return FileKind::Other;
        }
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim_start();
        match TEXTS.iter().find(|(begin, _)| text.starts_with(begin)) {
            Some((_, kind)) => *kind,
            None if is_wit(text) => FileKind::Wit,
            None => FileKind::Text,
        }
    }

    /// What to do about a file of this kind where another was wanted, if there is something to do.
    pub fn remedy(self, wanted: Wanted) -> Option<&'static str> {
        use FileKind::*;
        Some(match (self, wanted) {
            (GitLfsPointer, _) => "fetch the file itself with `git lfs pull`",
            (Gzip | Zip, _) => "unpack it first",
            (Utf16, _) => "save it as UTF-8",
            (Empty, Wanted::Component) => "build the component again",
            (Component | Module | ComponentText, Wanted::Take) => "give the take that was recorded of it",
            (TakeLines, Wanted::Take) => "make a take of it with `retake import`",
            (Zstd | TakeLines, Wanted::Component) => {
                "give the component (`.wasm`, or component text) that the take was recorded of"
            }
            (Wit, Wanted::Component) => "give the component (`.wasm`) that was built for it",
            (Program, Wanted::Component) => {
                "build it for WebAssembly; with Rust: `cargo build --target wasm32-wasip2`"
            }
            (Json | Text | Other, Wanted::Component) => {
                "give a component: a `.wasm` file, or text that starts with `(component`"
            }
            (Zstd, Wanted::TakeLines) => "give what `retake export` made of it",
            _ => return None,
        })
    }

    /// The kind and the remedy, as the end of a sentence.
    pub fn describe(self, wanted: Wanted) -> String {
        match self.remedy(wanted) {
            Some(remedy) => format!("it is {self}; {remedy}"),
            None => format!("it is {self}"),
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::Empty => "an empty file",
            FileKind::GitLfsPointer => "a Git LFS pointer, which stands for a file that is not here",
            FileKind::Component => "a WebAssembly component",
            FileKind::Module => "a core WebAssembly module",
            FileKind::ComponentText => "WebAssembly text",
            FileKind::Wit => "WIT, which describes components",
            FileKind::Zstd => "a take, or another file compressed with zstd",
            FileKind::TakeLines => "a take in JSON lines",
            FileKind::Json => "JSON",
            FileKind::Gzip => "a gzip file",
            FileKind::Zip => "a zip archive",
            FileKind::Program => "a native program",
            FileKind::Utf16 => "text in UTF-16",
            FileKind::Text => "text",
            FileKind::Other => "of a kind that is not known here",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_how_it_begins() {
        let table: [(&[u8], FileKind); 25] = [
            (b"", FileKind::Empty),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", FileKind::GitLfsPointer),
            (b"\xef\xbb\xbfversion https://git-lfs.github.com/spec/v1\n", FileKind::GitLfsPointer),
            (b"version 2 of my notes", FileKind::Text),
            (b"\0asm\x0d\0\x01\0", FileKind::Component),
            (b"\0asm\x01\0\0\0", FileKind::Module),
            (b"\x28\xb5\x2f\xfd\x04", FileKind::Zstd),
            (b"\x1f\x8b\x08", FileKind::Gzip),
            (b"PK\x03\x04", FileKind::Zip),
            (b"\x7fELF\x02", FileKind::Program),
            (b"\xff\xfe{\0", FileKind::Utf16),
            (b"{\"retake\":{\"version\":[1,0]}}\n", FileKind::TakeLines),
            (b"{\"a\":1}", FileKind::Json),
            (b"\xef\xbb\xbf  (component)", FileKind::ComponentText),
            (b";; hello\n(component)", FileKind::ComponentText),
            (b"package a:b;\n", FileKind::Wit),
            (b"// The world.\n/* Of\n it. */ world actor {\n}\n", FileKind::Wit),
            (b"interface calls {}", FileKind::Wit),
            (b"package main\n", FileKind::Text),
            (b"//! Owns main.\nfn main() {}\n", FileKind::Text),
            (b"interface Calls {}", FileKind::Text),
            (b"// all comment", FileKind::Text),
            ("Gr\u{fc}\u{df}e".as_bytes(), FileKind::Text),
            (b"\x01\x02", FileKind::Other),
            (b"\xc3", FileKind::Other),
        ];
        for (head, kind) in table {
            assert_eq!(FileKind::of(head), kind, "{}", head.escape_ascii());
        }
    }

    #[test]
    fn a_character_that_is_cut_at_the_end_of_what_is_looked_at_is_no_fault() {
        let text = format!("{}\u{20ac}", "x".repeat(ENOUGH - 1));
        assert_eq!(FileKind::of(text.as_bytes()), FileKind::Text);
    }
}
