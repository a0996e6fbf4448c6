//! Owns a take on stdin. It can be read once.

use std::io::{self, Read};
use std::path::Path;

use super::source::{OpenTake, Source};
use crate::input::InputError;

pub struct Stdin;

impl Source for Stdin {
    fn open(&self) -> Result<Box<dyn OpenTake>, InputError> {
        Err(io::Error::new(io::ErrorKind::NotSeekable, "stdin can be read only once").into())
    }

    fn stream(&self) -> Result<Box<dyn Read>, InputError> {
        Ok(Box::new(io::stdin()))
    }

    fn folder(&self) -> &Path {
        Path::new("")
    }
}
