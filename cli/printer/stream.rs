//! Owns long output to stdout: it is buffered, and the process ends when the reader has closed it.

use std::io::{self, BufWriter, Stdout, Write};
use std::process;

use retake_verifier::ExitCode;

use crate::console;

/// Buffered stdout.
pub struct Stream(BufWriter<Stdout>);

impl Stream {
    pub fn stdout() -> Stream {
        Stream(BufWriter::new(io::stdout()))
    }

    /// Ends the process if something could not be printed: the reader has had enough.
    pub fn or_leave(&self, printed: io::Result<()>) {
        if printed.is_err() {
            console::keep_error(printed);
            process::exit(console::end(ExitCode::Unchecked).code().into());
        }
    }

    /// Prints what is buffered.
    pub fn finish(&mut self) {
        let printed = self.0.flush();
        self.or_leave(printed);
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
