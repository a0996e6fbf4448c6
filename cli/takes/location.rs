//! Owns the choice of a storage: what a location on the command line means.

use std::path::Path;

use super::file::TakeAt;
use super::sink::Sink;
use super::source::Source;
use super::stdin::Stdin;

/// The take at a location.
pub fn source(location: &Path) -> Box<dyn Source + '_> {
    Box::new(TakeAt(location))
}

/// The take at a location, where `-` is stdin.
pub fn source_or_stdin(location: &Path) -> Box<dyn Source + '_> {
    if location == Path::new("-") { Box::new(Stdin) } else { source(location) }
}

/// A take that will be at a location.
pub fn sink(location: &Path) -> Box<dyn Sink + '_> {
    Box::new(TakeAt(location))
}
